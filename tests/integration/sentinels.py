"""A primary, a replica and three sentinels that watch them, as the tests' children."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.integration.engine_process import eventually
from tests.real_redis import RealRedis, free_port, server_binary

SERVICE = "market"
SENTINELS = 3
DOWN_AFTER_MS = 500


class Watched:
    """The servers, and where clients ask for the primary."""

    def __init__(self, first: RealRedis, second: RealRedis, sentinel_ports: list[int]) -> None:
        self.first = first
        self.second = second
        self.ports = sentinel_ports

    @property
    def url(self) -> str:
        """As our services take it."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def primary_port(self) -> int:
        """The primary's port, as the first sentinel knows it."""
        with Redis(port=self.ports[0], decode_responses=True) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])

    def primary(self) -> RealRedis:
        """The server that the first sentinel calls the primary."""
        return self.first if self.primary_port() == self.first.port else self.second

    def bring_back(self, server: RealRedis) -> None:
        """Start a server that died as the primary; returns when it follows the new one and sentinels see it."""
        primary_port = self.primary_port()
        server.start()
        with Redis(port=server.port, decode_responses=True) as replica:
            replica.replicaof("127.0.0.1", primary_port)  # Sentinels would do so too, after ten seconds or more.
            eventually(lambda: replica.info("replication").get("master_link_status") == "up")
        eventually(lambda: all(_has_replica(port) for port in self.ports))


@contextmanager
def watched_servers(directory: Path) -> Iterator[Watched]:
    """Start all of it, and return when every sentinel knows the replica and the other sentinels."""
    binary = server_binary()
    assert binary is not None
    first = RealRedis(binary, directory / "first")
    first.start()
    second = RealRedis(binary, directory / "second", "--replicaof", "127.0.0.1", str(first.port))
    second.start()
    ports, processes = [], []
    try:
        for number in range(SENTINELS):
            ports.append(free_port())
            processes.append(_sentinel(binary, directory / f"sentinel-{number}", ports[-1], first.port))
        watched = Watched(first, second, ports)
        eventually(lambda: all(_is_complete(port) for port in ports))
        yield watched
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        first.kill()
        second.kill()


def _sentinel(binary: str, directory: Path, port: int, primary: int) -> subprocess.Popen[bytes]:
    directory.mkdir()
    configuration = directory / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2\n"
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
        f"sentinel failover-timeout {SERVICE} 5000\n"
    )
    with (directory / "sentinel.log").open("ab") as log:
        return subprocess.Popen([binary, str(configuration), "--sentinel"], stdout=log, stderr=log)


def _has_replica(port: int) -> bool:
    try:
        with Redis(port=port, decode_responses=True, socket_timeout=2) as sentinel:
            replicas = sentinel.sentinel_slaves(SERVICE)
    except RedisError:
        return False
    return any(not replica["is_sdown"] and not replica["is_disconnected"] for replica in replicas)


def _is_complete(port: int) -> bool:
    try:
        with Redis(port=port, decode_responses=True, socket_timeout=2) as sentinel:
            state = sentinel.sentinel_master(SERVICE)
    except RedisError:
        return False
    return int(state["num-slaves"]) == 1 and int(state["num-other-sentinels"]) == SENTINELS - 1
