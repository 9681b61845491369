"""The market in containers, seen from outside: through haproxy, as users and operators see it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from openoutcry.wire.codec import Encoding
from outcry.conformance.users import mint
from tests.deploy.engine import BOTS_RATE, PROJECT, Engine, EngineFailed

URL: Final = "ws://127.0.0.1:8080/v1/stream"
RECORD: Final = "http://127.0.0.1:8080/v1/"
OPERATIONS: Final = "http://127.0.0.1:8404"
SECRETS: Final = PROJECT / "deploy" / "secrets"
PATIENCE: Final = float(os.environ.get("DEPLOY_PATIENCE", "1"))
"""Multiplies deadlines, for machines that others use too."""
POLL_S: Final = 0.25


class Deployment:
    """
    A running market.

    Args:
        engine: What runs it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine

    def scale(self, gateways: int) -> None:
        """Run so many gateways; returns when they are healthy, and those that are too many have ended."""
        self.engine.compose("up", "-d", "--wait", "--no-recreate", "--scale", f"gateway={gateways}")

    def gateways(self) -> dict[str, int]:
        """Return the connections of each gateway that haproxy brings users to, by haproxy's name for it."""
        text = get(f"{OPERATIONS}/stats;csv").removeprefix("# ")
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["pxname"] == "gateways"]
        return {row["svname"]: int(row["scur"]) for row in rows if row["svname"] != "BACKEND" and row["status"] == "UP"}

    def query(self, question: str) -> list[tuple[dict[str, str], float]]:
        """Ask Prometheus; labels and value of each series."""
        answer = json.loads(get(f"{OPERATIONS}/prometheus/api/v1/query?{urllib.parse.urlencode({'query': question})}"))
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def role(self, engine: str) -> str:
        """Return what an engine says of itself: `leader`, `standby`, or why it is neither."""
        program = (
            "import os, urllib.request\n"
            "port = os.environ['OUTCRY_METRICS_PORT']\n"
            "print(urllib.request.urlopen(f'http://127.0.0.1:{port}/readyz').read().decode())"
        )
        try:
            return self.engine.compose("exec", "-T", engine, "python3", "-c", program).strip()
        except EngineFailed as error:
            return f"does not answer: {error}"

    def back_up(self, file: Path) -> None:
        """Write a backup, as operators do."""
        with file.open("wb") as output:
            self._run_script("backup", stdin=subprocess.DEVNULL, stdout=output)

    def restore(self, file: Path) -> None:
        """Bring a backup back; returns when everything is healthy again."""
        with file.open("rb") as backup:
            self._run_script("restore", stdin=backup, stdout=subprocess.DEVNULL)

    def back_up_record(self, file: Path) -> None:
        """Write a backup of the ledger, as operators do."""
        with file.open("wb") as output:
            self._run_script("backup-ledger", stdin=subprocess.DEVNULL, stdout=output)

    def restore_record(self, file: Path) -> None:
        """Bring that back; returns when the ledger is healthy again."""
        with file.open("rb") as backup:
            self._run_script("restore-ledger", stdin=backup, stdout=subprocess.DEVNULL)

    def upgrade(self, **settings: str) -> None:
        """Replace engines and gateways, as operators do, by such that are configured in another way."""
        self._run_script("upgrade", settings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def _run_script(self, name: str, settings: Mapping[str, str] = MappingProxyType({}), **streams: Any) -> None:
        own = {"COMPOSE": " ".join(self.engine.command), "REDIS_PORT": self.redis_port, "BOTS_RATE": BOTS_RATE}
        done = subprocess.run(
            [PROJECT / "deploy" / name],
            env={**os.environ, **own, **settings},
            stderr=subprocess.PIPE,
            timeout=300,
            check=False,
            **streams,
        )
        assert done.returncode == 0, done.stderr.decode()

    @property
    def redis_port(self) -> str:
        """Where Redis listens in its container."""
        return "16379" if len(self.engine.files) > 1 else "6379"

    def leader(self) -> str | None:
        """Return the service of the engine that leads, if one does."""
        return next((engine for engine in self.engine.engines if self.role(engine) == "leader"), None)

    def roles(self) -> list[str]:
        """Return what the engines are, in alphabetical order."""
        return sorted(self.role(engine) for engine in self.engine.engines)

    def containers(self) -> set[str]:
        """Return the ids of all engines' and gateways' containers."""
        return set(self.engine.compose("ps", "-q", *self.engine.engines, "gateway").split())


class Users:
    """
    `outcry load` against the market, in the background.

    Args:
        folder: For its report and its words.
        arguments: More of its flags.
    """

    def __init__(self, folder: Path, *arguments: str, url: str = URL) -> None:
        self._report = folder / "report.json"
        self._words = folder / "words"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTCRY_")}
        environment["SSL_CERT_FILE"] = str(SECRETS / "ca.pem")
        words = ("load", "--url", url, "--secret-file", str(SECRETS / "token_key"), "--report", str(self._report))
        with self._words.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "outcry", *words, *arguments],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    @property
    def words(self) -> str:
        """What it has said so far."""
        return self._words.read_text()

    def wait_until_measured(self, seconds: float = 60) -> None:
        """Return when all users are whole, and the measurement has begun."""
        wait_until(lambda: "measuring" in self.words, seconds, lambda: f"users are not whole:\n{self.words[-2000:]}")

    def finish(self, seconds: float = 120) -> Any:
        """Wait for its end and return its report; the verdict must be good."""
        status = self._process.wait(seconds * PATIENCE)
        assert status == 0, f"the users' verdict:\n{self.words[-4000:]}"
        return json.loads(self._report.read_text())

    def end(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


class Trader:
    """
    One user's orders.

    Args:
        name: Of the user.
    """

    def __init__(self, name: str) -> None:
        self._token = mint(name, (SECRETS / "token_key").read_bytes().strip(), time.time() + 3600)

    def rest(self, client_order_id: str) -> None:
        """Leave an order far from the market; returns when it is acknowledged."""
        order = {
            "op": "order",
            "client_order_id": client_order_id,
            "instrument": "ACME",
            "side": "bid",
            "kind": "limit",
        }
        reply = self._ask({**order, "price": 1, "quantity": 1, "time_in_force": "gtc"}, "reply")
        assert reply["ok"], reply

    def open_orders(self) -> list[str]:
        """Return the client order ids of what rests."""
        account = self._ask({"op": "subscribe", "channel": "account"}, "account")
        return [order["client_order_id"] for order in account["orders"]]

    def _ask(self, request: dict[str, Any], kind: str) -> dict[str, Any]:
        """Send a request and return the first message of a kind."""
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = 10 * PATIENCE
        with connect(
            URL, subprotocols=[Subprotocol(Encoding.JSON.value)], additional_headers=headers, open_timeout=timeout
        ) as connection:
            connection.send(json.dumps({**request, "id": 1}))
            while True:
                for message in json.loads(connection.recv(timeout)):
                    if message["type"] == kind:
                        return dict(message)


class Reader:
    """
    One user's questions to the ledger, through the door.

    Args:
        name: Of the user.
        roles: In the token.
    """

    def __init__(self, name: str, *roles: str) -> None:
        self._token = mint(name, (SECRETS / "token_key").read_bytes().strip(), time.time() + 3600, *roles)

    def ask(self, path: str) -> dict[str, Any]:
        """Return what a path below /v1/ answers, whatever its status says."""
        answer: dict[str, Any] = json.loads(get(f"{RECORD}{path}", {"Authorization": f"Bearer {self._token}"}))
        return answer


class Witness(threading.Thread):
    """
    One connection, listened to until it ends: how did it end?

    Args:
        name: Of the user.
    """

    def __init__(self, name: str) -> None:
        super().__init__(daemon=True)
        self._token = mint(name, (SECRETS / "token_key").read_bytes().strip(), time.time() + 3600)
        self.is_connected = False
        self.said_goodbye = False
        self.close_code: int | None = None
        """None while it lasts; 1006 if it ended without a word."""

    def run(self) -> None:
        with connect(
            URL,
            subprotocols=[Subprotocol(Encoding.JSON.value)],
            additional_headers={"Authorization": f"Bearer {self._token}"},
            open_timeout=10 * PATIENCE,
        ) as connection:
            self.is_connected = True
            try:
                while True:
                    self.said_goodbye |= "goodbye" in str(connection.recv())
            except ConnectionClosed as closed:
                self.close_code = closed.rcvd.code if closed.rcvd else 1006


def get(url: str, headers: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a page, whatever its status says."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=5) as answer:
            text: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
    return text.decode()


def wait_until(condition: Callable[[], object], seconds: float, what: str | Callable[[], str]) -> None:
    """Return when the condition holds; fail with `what` when it has not after so long."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what if isinstance(what, str) else what()
        time.sleep(POLL_S)


def said(report: Any, names: Sequence[str]) -> str:
    """Return some counts of a report, for the test's output."""
    return ", ".join(f"{name} {report['counts'][name]}" for name in names)
