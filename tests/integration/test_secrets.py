"""No secret is ever printed: real roles and every command, with marked secrets, on ways that fail."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from openoutcry.wire.codec import SUBPROTOCOLS
from outcry.cli.app import app
from outcry.load.aio import foreign_market
from shared.identity import mint_token
from tests.real_redis import free_port

PASSWORD = "markedpassword"
KEY = b"marked-key-of-the-tokens-0123456789"
USER_TOKEN = mint_token("ann", b"another key, of enough bytes to be one", 4e9)
MARKS = (PASSWORD, KEY.decode(), USER_TOKEN, USER_TOKEN.split(".")[1], USER_TOKEN.split(".")[2])
WITHIN_S = 60.0


class Processes:
    """Commands under way, each with its output in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(self, role: str, **settings: object) -> tuple[subprocess.Popen[bytes], Path]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTCRY_")}
        environment |= {f"OUTCRY_{name}": str(value) for name, value in settings.items()}
        output = self.folder / f"output-{len(self.started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{role}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self.started.append((process, output))
        return process, output

    def end(self) -> None:
        for process, _ in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.end()


def eventually(is_so: Callable[[], object]) -> None:
    """Wait longer than other tests: four interpreters start at once."""
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def marks_in(text: str) -> list[str]:
    return [mark for mark in MARKS if mark in text]


def test_failing_commands_print_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is there, the address is wrong, the settings are."""
    monkeypatch.setattr(foreign_market, "LISTING_SECONDS_MAX", 1.0)  # where nobody is, nobody comes
    secret, tokens, flow = tmp_path / "secret", tmp_path / "tokens", tmp_path / "flow.csv"
    secret.write_bytes(KEY)
    (tmp_path / "short").write_bytes(KEY[:20])
    tokens.write_text(f"{USER_TOKEN}\n{USER_TOKEN[:-9]}\n")
    flow.write_text("34200.1,1,1,10,100,1\n")
    away = f"127.0.0.1:{free_port()}"
    redis = f"redis://:{PASSWORD}@{away}/0"
    malformed = f"redis://:{PASSWORD}/{PASSWORD}#@{away}/0"
    stream = f"ws://{away}/v1/stream"
    started: list[Sequence[str]] = [
        *([command, "--redis-url", url] for command in ("demo", "up") for url in (redis, malformed)),
        ["bots", "--redis-url", malformed],
        ["replay", str(flow), "--instrument", "A", "--redis-url", malformed],
        *([role, "--redis-url", malformed] for role in ("matching", "gateway")),
        ["gateway", "--secret-file", str(tmp_path / "short")],
        ["watch", "ACME", "--token", f"{USER_TOKEN} {USER_TOKEN}", "--url", stream],
        ["watch", "ACME", "--token", USER_TOKEN, "--url", f"ws://ann:{PASSWORD}@{away}/"],
        ["conformance", stream, "--token", USER_TOKEN],
        ["conformance", stream, "--token", USER_TOKEN[1:]],
        ["conformance", stream, "--token-file", str(tokens)],
        ["load", "--url", stream, "--token-file", str(tokens), "--users", "1", "--seconds", "1"],
        ["load", "--url", f"x://ann:{PASSWORD}@{away}/", "--token-file", str(tokens)],
        ["token", "check", USER_TOKEN, "--secret-file", str(secret)],
        ["token", "check", USER_TOKEN[:-1] + "!", "--secret-file", str(secret)],
        ["token", "ann lovelace", "--secret-file", str(secret)],
    ]
    for words in started:
        for name in [name for name in os.environ if name.startswith("OUTCRY_")]:
            monkeypatch.delenv(name)
        result = CliRunner().invoke(app, words)
        text = result.output + result.stderr + repr(result.exception)
        assert not marks_in(text), f"{words[:2]}: {text}"
        assert result.exit_code, f"{words[:2]}: {text}"
        assert isinstance(result.exception, SystemExit), f"{words[:2]}: {result.exception!r}"
        assert text.strip()


def test_roles_that_are_refused_or_attacked_print_no_secret(
    processes: Processes, redis_url: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(KEY)
    port, where = free_port(), redis_url.partition("://")[2]
    wrong = f"redis://ann:{PASSWORD}@{where}"
    common = {"SECRET_FILE": secret, "LOG_LEVEL": "debug", "UNREACHABLE_MAX_S": 20}
    refused = [
        processes.start("matching", REDIS_URL=wrong, **common),
        processes.start("gateway", REDIS_URL=wrong, PORT=0, **common),
    ]
    engine, engine_output = processes.start("matching", REDIS_URL=redis_url, **common)
    gateway, _ = processes.start("gateway", REDIS_URL=redis_url, PORT=port, **common)
    eventually(lambda: "leading" in engine_output.read_text())
    eventually(lambda: _is_ready(port))
    for headers in ({"Authorization": f"Bearer {USER_TOKEN}"}, {"Authorization": f"Basic {USER_TOKEN}"}, {}):
        with (
            contextlib.suppress(WebSocketException, OSError),
            connect(
                f"ws://127.0.0.1:{port}/v1/stream",
                subprotocols=[Subprotocol(SUBPROTOCOLS[1])],
                additional_headers=headers,
                compression=None,
            ) as user,
        ):
            for request in (f'{{"op":"login","id":1,"token":"{USER_TOKEN}","x":1}}', '{"op":"login","id":2,"token":7}'):
                user.send(request)
            user.send(f'{{"op":"login","id":3,"token":"{USER_TOKEN}"}}')
            heard = "".join(str(user.recv(5)) for _ in range(4))
            assert not marks_in(heard)
    watched = CliRunner().invoke(
        app, ["watch", "ACME", "--token", USER_TOKEN, "--url", f"ws://127.0.0.1:{port}/v1/stream"]
    )
    assert "4500" in watched.stderr
    assert not marks_in(watched.output + watched.stderr)
    for process, output in refused:
        eventually(lambda output=output: "password" in output.read_text())
        process.send_signal(signal.SIGTERM)
    for process in (gateway, engine):
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN_S)
    for process, output in processes.started:
        process.wait(WITHIN_S)
        text = output.read_text()
        assert text
        assert not marks_in(text), text


def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
        probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n")
        return b" 200 " in probe.recv(200)
    return False
