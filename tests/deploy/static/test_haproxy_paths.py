"""The door by haproxy itself: which path leads where, and what is said where nobody answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from outcry.stack.aio.free_ports import free_ports
from tests.deploy.static.files import text


class Named(BaseHTTPRequestHandler):
    """Answers everything with the name of its server."""

    def do_GET(self) -> None:
        said = {"for": self.headers["X-Forwarded-For"], "host": self.headers["X-Forwarded-Host"]}
        body = json.dumps({"who": self.server.name, "path": self.path, **said}).encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


class Door:
    """haproxy with the shipped configuration, two gateways and a ledger that only say who they are."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port, operations = free_ports(2)
        self.servers = {}
        for name in ("gateway-1", "gateway-2", "ledger"):
            server = ThreadingHTTPServer(("127.0.0.1", 0), Named)
            server.name = name  # type: ignore[attr-defined]
            self.servers[name] = server
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        lines = []
        for line in text("deploy/haproxy/haproxy.cfg").splitlines():
            changed = line.replace("bind :8080", f"bind 127.0.0.1:{self.port}")
            changed = changed.replace("bind :8404", f"bind 127.0.0.1:{operations}")
            for name, server in self.servers.items():
                if line.lstrip().startswith(f"server {name} "):
                    changed = f"{line.rsplit(':', 1)[0]}:{server.server_address[1]}"
            is_another = line.lstrip().startswith("server gateway-") and changed == line
            if "bind :8443" not in line and not is_another:
                lines.append(changed)
        (folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        environment = {**os.environ, "HOST_NETWORK": "1"}
        self.process = subprocess.Popen([program, "-db", "-f", folder / "haproxy.cfg"], env=environment)

    def ask(self, path: str, **headers: str) -> tuple[int, dict[str, Any], Message]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read()), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
            return error.code, json.loads(body) if body.startswith(b"{") else {}, error.headers

    def wait(self, path: str, status: int) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                if self.ask(path)[0] == status:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} did not come to {status}")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        pytest.skip("no haproxy here: apt-get install haproxy")
    door = Door(program, tmp_path_factory.mktemp("door"))
    try:
        door.wait("/v1/stream", 200)
        door.wait("/v1/ledger", 200)
        yield door
    finally:
        door.close()


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/v1/stream", "gateway"),
        ("/v1/ledger", "ledger"),
        ("/v1/orders?limit=1", "ledger"),
        ("/v1/streams", "ledger"),
        ("/v1/stream/x", "ledger"),
        ("/", "gateway"),
        ("/?code=1&state=2", "gateway"),
        ("/page.json", "gateway"),
        ("/assets/main-Bk3s.js", "gateway"),
        ("/licenses.md", "gateway"),
    ],
)
def test_a_path_leads_to_its_service(door: Door, path: str, who: str) -> None:
    status, said, _ = door.ask(path, **{"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Host": "evil.example"})
    assert (status, said["who"].partition("-")[0], said["path"]) == (200, who, path)
    assert said["for"] == "127.0.0.1", "whoever claims to be somebody else is not believed"
    assert said["host"] is None, "nor is who claims to be of another place"


@pytest.mark.parametrize("path", ["/metrics", "/v1", "/readyz", "/v2/ledger", "/assets", "/index", "/previous/a.js"])
def test_nothing_else_is_let_in(door: Door, path: str) -> None:
    assert door.ask(path)[0] == 404


def test_the_files_of_a_page_come_from_one_gateway_and_streams_from_any(door: Door) -> None:
    """While gateways are replaced two builds are served: the one must not name what the other does not have."""
    deadline = time.monotonic() + 15
    while len({door.ask("/v1/stream")[1]["who"] for _ in range(8)}) < 2:
        assert time.monotonic() < deadline, "the second gateway is not found"
    asked = [door.ask(path)[1]["who"] for path in ("/", "/assets/a.js", "/assets/b.css", "/page.json") * 4]
    assert len(set(asked)) == 1, asked


def test_a_ledger_that_is_away_is_told_as_a_problem_and_the_stream_goes_on(door: Door) -> None:
    """The last test: the ledger does not return."""
    door.servers["ledger"].shutdown()
    door.servers["ledger"].server_close()
    for pause in (0.0, 3.0):  # before haproxy's checks have found out, and after
        time.sleep(pause)
        status, said, headers = door.ask("/v1/ledger")
        assert (status, said["code"], headers["Retry-After"]) == (503, "unavailable", "5")
        assert headers["Content-Type"] == "application/problem+json"
    assert door.ask("/v1/stream")[1]["who"].startswith("gateway")
