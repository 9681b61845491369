"""What is fuzzed: each reader of bytes from outside, the errors that it documents, and bytes to begin with.

A target takes any bytes. It returns, or something is wrong: documented errors stay inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

import msgpack

from openoutcry.message_shape import check_message
from openoutcry.wire.codec import Encoding, decode_messages
from openoutcry.wire.errors import ConfigurationError, InvalidRequest, MalformedMessage
from services.gateway.aio.connection import ClientConnection
from services.gateway.aio.server import GatewayServer
from services.gateway.client_address import read_proxy_header
from services.gateway.limits import GatewayLimits
from services.gateway.requests import decode_request
from services.ledger.proof.block_chain import read_block_facts
from services.ledger.proof.head import read_head as read_proof_head
from services.ledger.proof.leaf import read_leaf
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.receipt import read_receipt, verify_receipt
from services.ledger.proof.signed_head import read_consistency_proof, read_signed_head
from services.ledger.proof.signing_keys import read_verifying_keys
from services.matching import Engine
from services.matching.command_log import decode_entry
from services.matching.packet_builder import PacketBuilder
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
from shared.logs.commands import encode_commands
from shared.logs.packet import decode_packet, encode_packet
from shared.logs.snapshots import (
    decode_accounts,
    decode_book_state,
    decode_listing,
    encode_accounts,
    encode_book_state,
    encode_listing,
)
from shared.store_errors import CorruptEntry, LaterRelease
from shared.token_bucket import Rate
from shared.websocket_frame import BINARY, client_frame
from tests.property.test_hostile import COMMANDS, SECRET, Wire, serving

VECTORS: Final = Path(__file__).parents[2] / "protocol" / "vectors"
UNLIMITED: Final = Rate(1e9, 1_000_000_000)


class Target(NamedTuple):
    """Something that reads bytes."""

    read: Callable[[bytes], None]
    """Takes any bytes, and raises nothing."""
    seeds: Sequence[bytes]
    """Good ones."""
    close: Callable[[], None] = lambda: None
    """To be called when no more is read."""


def _messages(encoding: Encoding) -> Target:
    def read(data: bytes) -> None:
        with contextlib.suppress(MalformedMessage):
            for message in decode_messages(data, encoding):
                check_message(message)

    name = "json" if encoding is Encoding.JSON else "msgpack"
    return Target(read, _vectors("messages", name))


def _requests(encoding: Encoding) -> Target:
    def read(data: bytes) -> None:
        with contextlib.suppress(InvalidRequest):
            decode_request(data, encoding)

    name = "json" if encoding is Encoding.JSON else "msgpack"
    return Target(read, _vectors("requests", name))


def _vectors(kind: str, encoding: str) -> list[bytes]:
    """Return the good payloads of the wire vectors."""
    rows = json.loads((VECTORS / f"{kind}.json").read_text())
    return [row[encoding].encode() if encoding == "json" else bytes.fromhex(row[encoding]) for row in rows]


def _engine() -> Engine:
    engine = Engine()
    for command in COMMANDS:
        engine.apply(command, 1_000_000)
    return engine


def _packet() -> Target:
    def read(data: bytes) -> None:
        with contextlib.suppress(MalformedMessage):
            decode_packet(data)

    builder = PacketBuilder(Engine())
    for command in COMMANDS:
        builder.apply(command, 1_000_000)
    packet = builder.take()
    assert packet is not None
    return Target(read, [encode_packet(packet)])


def _log_entry() -> Target:
    def read(data: bytes) -> None:
        """What passes must be safe to apply: refused by rules at worst."""
        try:
            entry = decode_entry("commands", b"1-0", {b"c": data})
        except (CorruptEntry, LaterRelease):
            return
        engine = Engine()
        for command in entry.commands:
            engine.apply(command, entry.time_us)
        engine.check_invariants()

    return Target(read, [encode_commands(list(COMMANDS)), *(encode_commands([command]) for command in COMMANDS)])


def _checkpoint() -> Target:
    def read(content: bytes) -> None:
        """The checksum is made right: it guards against damage, not against who can compute it."""
        data = msgpack.packb((CHECKPOINT_VERSION, crc32(content), content))
        for decode in (decode_checkpoint, read_head, read_config):
            with contextlib.suppress(MalformedMessage):
                decode(data)
        position_told(data)

    engine = _engine()
    for market in engine.take_changed():
        market.book.take_change()
    return Target(read, [msgpack.unpackb(encode_checkpoint(Checkpoint(engine, 7, "store")))[2]])


def _snapshots() -> Target:
    def read(data: bytes) -> None:
        for decode in (decode_book_state, decode_listing, decode_accounts):
            with contextlib.suppress(MalformedMessage):
                decode(data)

    engine = _engine()
    market = engine.instruments["ACME"]
    accounts = {user: account.message() for user, account in engine.accounts.items()}
    seeds = [
        encode_book_state(market.book_state(engine.epoch, "7-8")),
        encode_listing([market.instrument]),
        encode_accounts(accounts),
    ]
    return Target(read, seeds)


def _proofs() -> Target:
    """Files that people hand to each other; what a receipt holds is read even where nobody has signed it."""
    content = json.loads((VECTORS / "receipts.json").read_text())
    keys = read_verifying_keys(content["keys"])

    def read(data: bytes) -> None:
        with contextlib.suppress(NotProven):
            verify_receipt(read_receipt(data), keys)
        for read_file in (read_signed_head, read_consistency_proof, read_leaf, read_proof_head, read_block_facts):
            with contextlib.suppress(NotProven):
                read_file(data)
        with contextlib.suppress(ConfigurationError):
            read_verifying_keys(data.decode("latin-1"))

    receipts = [case["file"].encode() for case in content["cases"] if case["proves"]]
    receipt = read_receipt(receipts[0])
    parts = [receipt.blocks[0].leaves[0].data, receipt.blocks[0].facts, receipt.head.data]
    return Target(read, [*receipts, *parts, receipt.head.to_file(), content["keys"].encode()])


def _proxy_header() -> Target:
    def read(data: bytes) -> None:
        read_proxy_header(data)

    second = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02\x01\x00\x1f\x90"
    return Target(read, [b"PROXY TCP4 10.0.0.1 10.0.0.2 256 8080\r\n", b"PROXY UNKNOWN\r\n", second])


def _connection(*, is_open: bool) -> Target:
    """Bytes of a client: its handshake, or what follows a good one. The first byte says where they are cut in two."""
    loop = asyncio.new_event_loop()

    async def start() -> GatewayServer:
        limits = GatewayLimits(accepts=UNLIMITED, attempts=UNLIMITED, arrivals=UNLIMITED)
        return serving(limits)

    server = loop.run_until_complete(start())
    handshake = (
        f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        f"{'A' * 22}==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: openoutcry.v1.msgpack\r\n"
        f"Authorization: Bearer {mint_token('ann', SECRET, 4e9)}\r\n\r\n"
    ).encode()

    async def talk(data: bytes) -> None:
        connection, wire = ClientConnection(server.connection_ports), Wire()
        connection.connection_made(wire)  # type: ignore[arg-type]
        if is_open:
            connection.data_received(handshake)
            assert server.gateway.clients, "the handshake was refused: nothing would be tried"
        cut = 1 + (data[0] if data else 0)
        for part in (data[1:cut], data[cut:]):
            await wire.resumed()
            if part and not wire.is_closed:
                connection.data_received(part)
        connection.connection_lost(None)
        assert not server.gateway.clients

    frames = [client_frame(payload, BINARY, b"abcd") for payload in _vectors("requests", "msgpack")]
    seeds = [b"\x05" + frame for frame in frames] if is_open else [b"\x40" + handshake]
    return Target(lambda data: loop.run_until_complete(talk(data)), seeds, loop.close)


TARGETS: Final[dict[str, Callable[[], Target]]] = {
    "messages-msgpack": lambda: _messages(Encoding.MSGPACK),
    "messages-json": lambda: _messages(Encoding.JSON),
    "requests-msgpack": lambda: _requests(Encoding.MSGPACK),
    "requests-json": lambda: _requests(Encoding.JSON),
    "frames": lambda: _connection(is_open=True),
    "handshake": lambda: _connection(is_open=False),
    "proxy-header": _proxy_header,
    "packet": _packet,
    "log-entry": _log_entry,
    "snapshots": _snapshots,
    "checkpoint": _checkpoint,
    "proofs": _proofs,
}
