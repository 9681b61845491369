"""What an enemy, or a broken disk, could put before us: checkpoints, log entries, frames. Documented errors only."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import Any
from zlib import crc32

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.gateway.aio.connection import FRAME_BYTES_MAX, ClientConnection
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.limits import GatewayLimits
from services.matching import Engine
from services.matching.command_log import LogEntry, decode_entry
from services.matching.recovery.checkpoint import (
    CHECKPOINT_VERSION,
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    position_told,
    read_config,
    read_head,
)
from shared.identity import mint_token
from shared.logs.commands import (
    CancelAll,
    ListInstrument,
    PlaceOrder,
    Present,
    SetCancelOnDisconnect,
    Tick,
    encode_commands,
)
from shared.store_errors import CorruptEntry
from shared.websocket_frame import client_frame
from tests.property.test_codec import values
from tests.unit.services.gateway.exchange import Exchange

SECRET = b"s" * 32
RULES = (TimeInForce.GTC, False, SelfTradePrevention.CANCEL_NEWEST)
COMMANDS = [
    ListInstrument("gw", 1, Instrument("ACME")),
    PlaceOrder("gw", 2, "ann", "ACME", "a", Side.ASK, OrderKind.LIMIT, 101, 7, *RULES),
    PlaceOrder("gw", 3, "bob", "ACME", "b", Side.BID, OrderKind.LIMIT, 101, 3, *RULES),
    CancelAll("gw", 4, "ann", None),
    PlaceOrder("gw", 5, "ann", "ACME", "c", Side.ASK, OrderKind.LIMIT, 103, 7, *RULES),
    SetCancelOnDisconnect("gw", 6, "ann", True),
    Present("gw", 7, ("ann", "bob")),
    Tick("gw", 8),
]


def content() -> Any:
    """A real checkpoint's content."""
    engine = Engine()
    for command in COMMANDS:
        engine.apply(command, 1_000_000)
    for market in engine.take_changed():
        market.book.take_change()
    return msgpack.unpackb(msgpack.unpackb(encode_checkpoint(Checkpoint(engine, 7, "store")))[2])


CONTENT = content()


def replaced(value: Any, path: list[int], new: Any) -> Any:
    """A nested list with the value at a path replaced; a path that leads too far ends at the last list."""
    if not path or not isinstance(value, list) or not value:
        return new
    at = path[0] % len(value)
    return [*value[:at], replaced(value[at], path[1:], new), *value[at + 1 :]]


@settings(max_examples=400)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=5), values)
def test_a_checkpoint_with_one_wrong_value_is_read_or_malformed(path: list[int], new: Any) -> None:
    """The checksum guards against damage, not against who can compute it: even then only the documented error."""
    packed = msgpack.packb(replaced(CONTENT, path, new))
    data = msgpack.packb((CHECKPOINT_VERSION, crc32(packed), packed))
    for read in (decode_checkpoint, read_head, read_config):
        with contextlib.suppress(MalformedMessage):
            read(data)
    assert isinstance(position_told(data), int | None)


@given(st.binary(max_size=200), st.integers(0, 1 << 20))
def test_a_damaged_checkpoint_is_malformed(noise: bytes, at: int) -> None:
    data = bytearray(msgpack.packb((CHECKPOINT_VERSION, crc32(msgpack.packb(CONTENT)), msgpack.packb(CONTENT))))
    at %= len(data)
    before = bytes(data)
    data[at : at + len(noise)] = noise
    if bytes(data) == before:
        return
    for read in (decode_checkpoint, read_head, read_config):
        with pytest.raises(MalformedMessage):
            read(bytes(data[: at + len(noise)]) if at % 2 and len(noise) else bytes(data))
    assert isinstance(position_told(bytes(data)), int | None)


@settings(max_examples=400)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=4), values)
def test_a_log_entry_with_one_wrong_value_is_well_typed_or_corrupt(path: list[int], new: Any) -> None:
    """What passes must be safe to apply: refused by rules at worst, never an exception in the engine."""
    data = msgpack.packb(replaced(msgpack.unpackb(encode_commands(list(COMMANDS))), path, new))
    try:
        entry = decode_entry("commands", b"1-0", {b"c": data})
    except CorruptEntry:
        return
    engine = Engine()
    for command in LogEntry(entry.entry_id, entry.time_us, entry.commands).commands:
        engine.apply(command, entry.time_us)
    engine.check_invariants()


def serving(limits: GatewayLimits | None = None) -> GatewayServer:
    """A gateway that has loaded a market, and listens nowhere: else every handshake would be refused."""
    server = GatewayServer(GatewaySettings(port=0), SECRET, limits or GatewayLimits())
    exchange = Exchange("ACME")
    server.gateway.heard(server.gateway.market.load(*exchange.snapshots()), server.now(), server.time_us())
    return server


class Wire:
    """A transport of a client that never reads."""

    def __init__(self) -> None:
        self.unsent = 0
        self.is_closed = False
        self.is_paused = False

    def write(self, data: bytes) -> None:
        self.unsent += len(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_extra_info(self, name: str) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def write_eof(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    async def resumed(self) -> None:
        """Wait until more is read."""
        while self.is_paused and not self.is_closed:  # noqa: ASYNC110 - a transport is told, and tells nobody
            await asyncio.sleep(0)

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


async def talk(tmp_path: Any, seed: int) -> None:
    """One connection: a good handshake, and then frames and bytes of every kind, cut anywhere."""
    random = Random(seed)
    server = serving()
    connection, wire = ClientConnection(server.connection_ports), Wire()
    connection.connection_made(wire)  # type: ignore[arg-type]
    token = mint_token("ann", SECRET, 4e9)
    request = (
        f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        f"{'A' * 22}==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: openoutcry.v1.msgpack\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    if random.random() < 0.9:
        connection.data_received(request)
        assert server.gateway.clients
    for _ in range(60):
        payload = random.choice(
            [
                random.randbytes(random.randrange(200)),
                msgpack.packb({"op": random.choice(["ping", "subscribe", "order", "nothing"]), "id": random.random()}),
                b"\x81" * random.randrange(3000),
                b"\x00" * (FRAME_BYTES_MAX + random.randrange(-2, 3)),
            ]
        )
        opcode = random.choice([0, 1, 2, 2, 2, 3, 8, 9, 10, 15])
        frame = client_frame(payload, opcode, random.randbytes(4))
        data = random.choice([frame, frame, frame[: random.randrange(len(frame))], random.randbytes(40), request])
        await wire.resumed()
        if wire.is_closed:
            break
        connection.data_received(data)
    connection.connection_lost(None)
    assert not server.gateway.clients


@pytest.mark.parametrize("seed", range(40))
async def test_a_connection_takes_any_bytes(tmp_path: Any, seed: int) -> None:
    """Whatever a client sends, it is answered, refused or closed; nothing escapes, and nothing is left behind."""
    async with asyncio.timeout(20):
        await talk(tmp_path, seed)
