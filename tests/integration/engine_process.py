"""A real `python -m services.matching` as the tests' child, and the few things tests say to it through Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from redis import Redis

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import Command, PlaceOrder, encode_commands
from shared.logs.packet import Packet, decode_packet
from shared.logs.stream_keys import COMMANDS_FIELD, PACKET_FIELD, StreamKeys

KEYS: Final = StreamKeys()
WITHIN_S: Final = 60.0

_RELEASE: Final = """
import runpy
from shared.logs import engine_version
engine_version.ENGINE_VERSION = {}
runpy.run_module("services.matching", run_name="__main__")
"""

T = TypeVar("T")


def eventually(ask: Callable[[], T]) -> T:
    """Ask until the answer is true; that answer."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


class EngineProcess:
    """One engine; settings are given in capitals without their prefix. `release` is another engine version."""

    def __init__(self, redis_url: str, log: Path, release: int | None = None, **settings: object) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTCRY_")}
        environment |= {f"OUTCRY_{name}": str(value) for name, value in settings.items()}
        environment["OUTCRY_REDIS_URL"] = redis_url
        self.log = log
        program = ["-m", "services.matching"] if release is None else ["-c", _RELEASE.format(release)]
        with log.open("ab") as errors:
            self.process = subprocess.Popen([sys.executable, *program], env=environment, stdout=errors, stderr=errors)

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(WITHIN_S)

    def exit_code(self) -> int:
        """Wait for its end."""
        return self.process.wait(WITHIN_S)

    def told(self, text: str) -> bool:
        """Whether its log holds this."""
        return text in self.log.read_text()


class Engines:
    """All engines of a test, on one store."""

    def __init__(self, redis_url: str, directory: Path) -> None:
        self.redis_url = redis_url
        self._directory = directory
        self._started: list[EngineProcess] = []

    def start(self, release: int | None = None, **settings: object) -> EngineProcess:
        log = self._directory / f"engine-{len(self._started)}.log"
        engine = EngineProcess(self.redis_url, log, release, **settings)
        self._started.append(engine)
        return engine

    def start_leading(self, **settings: object) -> EngineProcess:
        """Start one and return when it leads a market that has ACME."""
        engine = self.start(**settings)
        eventually(lambda: engine.told('"leading"') or engine.process.poll() is not None)
        assert engine.process.poll() is None, engine.log.read_text()
        with Redis.from_url(self.redis_url) as redis:
            eventually(lambda: redis.exists(KEYS.snapshot("ACME")))
        return engine

    def told(self, text: str) -> bool:
        """Whether the log of any of them holds this."""
        return any(engine.told(text) for engine in self._started)

    def end(self) -> None:
        for engine in self._started:
            engine.kill()


@contextmanager
def engines_on(redis_url: str, directory: Path) -> Iterator[Engines]:
    engines = Engines(redis_url, directory)
    try:
        yield engines
    finally:
        engines.end()


class Trader:
    """A writer of commands, and a reader of the feed; its connection is opened anew after each failure."""

    def __init__(self, redis_url: str, source: str = "gateway-1") -> None:
        self.redis = Redis.from_url(redis_url, protocol=3, socket_timeout=5)
        self.source = source
        self.number = 0

    def order(self, user: str, side: Side, price: int, quantity: int) -> PlaceOrder:
        self.number += 1
        return PlaceOrder(
            self.source,
            self.number,
            user,
            "ACME",
            f"{self.source}-{self.number}",
            side,
            OrderKind.LIMIT,
            price,
            quantity,
            TimeInForce.GTC,
            False,
            SelfTradePrevention.CANCEL_NEWEST,
        )

    def append(self, *commands: Command) -> str:
        """Append one entry; its id."""
        entry_id: bytes = self.redis.xadd(KEYS.commands, {COMMANDS_FIELD: encode_commands(list(commands))})
        return entry_id.decode()

    def trade(self, quantity: int = 1) -> Packet:
        """Make one trade, and wait for its packet."""
        commands = [self.order("ann", Side.ASK, 100, quantity), self.order("bob", Side.BID, 100, quantity)]
        self.append(*commands)
        return self.wait_for(commands[-1])

    def wait_for(self, command: Command) -> Packet:
        """The packet with this command's outcome."""

        def found() -> Packet | None:
            for packet in self.packets():
                if any((outcome.source, outcome.number) == command[:2] for outcome in packet.outcomes):
                    return packet
            return None

        return eventually(found)

    def feed(self) -> dict[str, dict[bytes, bytes]]:
        """The whole feed, by id."""
        return {feed_id.decode(): fields for feed_id, fields in self.redis.xrange(KEYS.feed)}

    def packets(self) -> list[Packet]:
        """What of the feed is packets."""
        found: list[Packet] = []
        for fields in self.feed().values():
            with suppress(KeyError, MalformedMessage):
                found.append(decode_packet(fields[PACKET_FIELD]))
        return found

    def free_lease(self) -> None:
        """Let the next engine lead at once, rather than after the dead one's lease."""
        self.redis.delete(KEYS.lease)

    def close(self) -> None:
        self.redis.close()
