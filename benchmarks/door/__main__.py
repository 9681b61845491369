"""`python -m benchmarks.door`: one gateway and 1,000 users, and what stands between them.

Everything is on 127.0.0.1. The users are C (`benchmarks.fan_out.users`), by OpenSSL where they speak TLS, and check
every digest. Each way is opened anew for every run, and the ways take turns. CPU is that of all processes between
engine and users: the gateway's and haproxy's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.command import parser, progress, tell
from benchmarks.door.haproxy import haproxy, written
from benchmarks.fan_out.build import NoCompiler, program
from benchmarks.fan_out.contestant import HOST, House
from benchmarks.fan_out.peers.environment import NotInstalled
from benchmarks.fan_out.usage import cpu_used, memory_bytes
from benchmarks.fan_out.users import CUsers, UsersPlan, write_hello
from benchmarks.market_run import EVERYONE_AT_ONCE
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding
from outcry.stack.aio.child import Child
from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import Interrupted, StopSignal
from outcry.stack.options import StackOptions

USERS: Final = 1_000
RATE: Final = 50.0
"""Book changes a second."""
READY_SECONDS_MAX: Final = 60.0
BOOK: Final = "ACME"
SETTINGS: Final = {**EVERYONE_AT_ONCE, "OUTCRY_TRUSTED_PROXIES": "127.0.0.0/8"}
"""Of the gateway."""


class Way(NamedTuple):
    """How users come to a gateway."""

    name: str
    title: str
    balancer: str = ""
    """Mode of a haproxy in between; "": none."""
    tls_ends: str = ""
    """Who ends the users' TLS: `haproxy`, `gateway`, or nobody."""


WAYS: Final = (
    Way("direct", "direct, plain"),
    Way("http", "haproxy, plain", "http"),
    Way("http-tls", "haproxy with TLS", "http", "haproxy"),
    Way("tcp", "haproxy in TCP mode, plain", "tcp"),
    Way("tls", "gateway with TLS, direct", "", "gateway"),
    Way("tcp-tls", "haproxy in TCP mode, gateway with TLS", "tcp", "gateway"),
)


class Seen(NamedTuple):
    """One run of a way."""

    gateway_us: float
    """CPU a delivery."""
    balancer_us: float
    p50_ms: float
    p99_ms: float
    kib: float
    """Memory a connection, of gateway and balancer."""
    opened_per_s: float
    """Users who came 64 at a time, by the seconds until all held the book."""
    returned_s: float
    """All at once, until the last held the book."""

    @property
    def us(self) -> float:
        """CPU a delivery of everything between engine and users."""
        return self.gateway_us + self.balancer_us


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for; 2 if something is missing here."""
    options = _options(arguments)
    users, seconds, runs = (20, 0.3, 1) if options.tiny else (options.users, options.seconds, options.runs)
    try:
        program("users", tls=True)
        haproxy()
    except (NoCompiler, NotInstalled) as error:
        sys.stderr.write(f"nothing can be measured: {error}\n")
        return 2
    where = machine()
    try:
        found = asyncio.run(_measure(users, seconds, runs))
    except Interrupted:
        return 130
    tell([("python -m benchmarks.door", _table(found, users))], where, options)
    return 0


async def _measure(users: int, seconds: float, runs: int) -> dict[str, list[Seen]]:
    stop = StopSignal()
    found: dict[str, list[Seen]] = {way.name: [] for way in WAYS}
    for run in range(runs):
        for way in WAYS:
            progress(f"{way.title}, {run + 1} of {runs}")
            found[way.name].append(await _see(way, users, seconds, stop))
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("Measure what stands between users and a gateway.")
    options.add_argument("--users", type=int, default=USERS, help=f"who are told ({USERS})")
    options.add_argument("--runs", type=int, default=3, help="of each way (3)")
    options.add_argument("--seconds", type=float, default=5.0, help="of one look (5.0)")
    return options.parse_args(arguments)


def _table(found: dict[str, list[Seen]], users: int) -> Table:
    base = [seen.us for seen in found["http-tls"]]
    late = [seen.p99_ms for seen in found["http-tls"]]
    rows: list[list[Cell]] = []
    for way in WAYS:
        seen = found[way.name]
        rows.append(
            [
                way.title,
                spread(each.gateway_us for each in seen),
                spread(each.balancer_us for each in seen),
                spread(each.us for each in seen),
                spread(each.us / max(other, 1e-9) for each, other in zip(seen, base, strict=True)),
                spread(each.p50_ms for each in seen),
                spread(each.p99_ms for each in seen),
                spread(each.p99_ms / max(other, 1e-9) for each, other in zip(seen, late, strict=True)),
                spread(each.kib for each in seen),
                spread(each.opened_per_s for each in seen),
                spread(each.returned_s for each in seen),
            ]
        )
    return Table(
        "door",
        f"One book, {RATE:g} changes a second, {users:,} users. CPU µs a delivery of gateway and haproxy; users who "
        "open a second, 64 at a time, until they hold the book; and all of them back at once.",
        [
            "between", "gateway µs", "haproxy µs", "together µs", "times haproxy with TLS", "p50 ms", "p99 ms",
            "times its p99", "KiB a user", "opened/s", "all back, s",
        ],
        rows,
    )  # fmt: skip


async def _see(way: Way, users: int, seconds: float, stop: StopSignal) -> Seen:
    allow_open_files(3 * users + 200)
    with private_folder() as folder, contextlib.ExitStack() as ends:
        stack = ends.enter_context(
            Stack(StackOptions(1, None, None), folder, lambda _: None, gateway_settings=EVERYONE_AT_ONCE)
        )
        await stack.start(stop)
        pem, authority = _certificate(folder)
        gateway, port = stack.gateways[0], stack.ports[0]
        if way.tls_ends == "gateway":
            gateway.stop()
            gateway, port = await _secure_gateway(stack, folder, ends, stop)
        house = House(folder, stop, ends)
        entrance = port
        if way.balancer:
            [entrance] = free_ports(1)
            path = written(folder, entrance, port, users, way.balancer, pem if way.tls_ends == "haproxy" else None)
            await house.helper([haproxy(), "-db", "-f", str(path)], entrance)
        plan = _plan(stack, users, entrance, authority if way.tls_ends else None)
        async with _trading(stack):
            return await _look(plan, [gateway], house.helpers, seconds)


async def _look(plan: UsersPlan, gateways: list[Child], balancers: list[Child], seconds: float) -> Seen:
    before = memory_bytes(gateways) + memory_bytes(balancers)
    with CUsers(plan) as crowd:
        opened = await asyncio.to_thread(crowd.open_all)
        await asyncio.sleep(min(1.0, seconds))
        held = memory_bytes(gateways) + memory_bytes(balancers) - before
        used = cpu_used(gateways), cpu_used(balancers)
        crowd.reset()
        await asyncio.sleep(seconds)
        report = await asyncio.to_thread(crowd.report)
        gateway, balancer = cpu_used(gateways).since(used[0]), cpu_used(balancers).since(used[1])
    if report.faults:
        raise RuntimeError(f"the users saw {report.faults}")
    with CUsers(plan._replace(opening=plan.users)) as crowd:
        returned = await asyncio.to_thread(crowd.open_all)
    return Seen(
        gateway_us=1e6 * gateway.total_s / report.deltas,
        balancer_us=1e6 * balancer.total_s / report.deltas,
        p50_ms=report.latency_us.p50 / 1000,
        p99_ms=report.latency_us.p99 / 1000,
        kib=held / plan.users / 1024,
        opened_per_s=plan.users / opened.seconds,
        returned_s=returned.seconds,
    )


async def _secure_gateway(
    stack: Stack, folder: Path, ends: contextlib.ExitStack, stop: StopSignal
) -> tuple[Child, int]:
    """Start another gateway of the same market, with TLS; return it when it is fed."""
    [port] = free_ports(1)
    argv = [sys.executable, "-m", "services.gateway", "--port", str(port)]
    settings = {
        **SETTINGS,
        "OUTCRY_REDIS_URL": stack.redis_url,
        "OUTCRY_TLS_CERT": str(folder / "tls.crt"),
        "OUTCRY_TLS_KEY": str(folder / "tls.key"),
    }
    secret = ["--secret-file", str(stack.folder / "token-secret")]
    child = ends.enter_context(Child("gateway-tls", [*argv, *secret], folder, environment=settings))

    async def is_ready() -> bool:
        return '"snapshots loaded"' in child.log_tail() and '"listening"' in child.log_tail()

    await stop.until(is_ready, READY_SECONDS_MAX, "the gateway with TLS was not ready", [child])
    return child, port


@contextlib.asynccontextmanager
async def _trading(stack: Stack) -> AsyncIterator[None]:
    bots = RoleProcess("bots", "outcry.flow", stack.folder)
    try:
        await bots.start(role="bots", redis_url=stack.redis_url, rate=RATE, hot=True, seed=1)
        await bots.hear("ready", READY_SECONDS_MAX)
        bots.tell("start")
        yield
        await bots.ask("stop", "stats", READY_SECONDS_MAX)
    finally:
        await asyncio.to_thread(bots.child.stop)


def _plan(stack: Stack, users: int, port: int, authority: Path | None) -> UsersPlan:
    tokens = stack.folder / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text("".join(f"{stack.token(f'user-{number:05}')}\n" for number in range(users)), encoding="utf-8")
    subscribe: dict[str, object] = {"op": "subscribe", "id": 1, "channel": "book", "instruments": [BOOK]}
    return UsersPlan(
        connect=(f"{HOST}:{port}",),
        users=users,
        check="book",
        subprotocol=Encoding.MSGPACK.value,
        tokens=tokens,
        hello=write_hello(stack.folder / "hello", subscribe),
        tls=authority,
    )


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that vouches for itself; return the files of it with its key, for haproxy, and of it alone."""
    certificate, key, pem = folder / "tls.crt", folder / "tls.key", folder / "tls.pem"
    openssl = shutil.which("openssl")
    if openssl is None:
        raise NotInstalled("not installed: on Debian, apt-get install openssl")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(  # noqa: S603 - found by name
        [openssl, *words, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    pem.write_bytes(certificate.read_bytes() + key.read_bytes())
    return pem, certificate


if __name__ == "__main__":
    sys.exit(main())
