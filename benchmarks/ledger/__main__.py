"""`python -m benchmarks.ledger [--postgres URL]`: the ledger catches up with a recorded market, in turns."""

from __future__ import annotations

import gc
import itertools
import resource
import secrets
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from benchmarks.command import parser, progress, tell
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table
from outcry.flow.funding import funding
from outcry.flow.order_flow import OrderFlow
from services.ledger.__main__ import COLLECTOR_THRESHOLDS
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_writer import LedgerWriter
from services.ledger.aio.migration import migrate
from services.ledger.aio.proof_store import load_chain
from services.ledger.aio.recorder import Recorder
from services.ledger.command_block import StoredEntry
from services.ledger.proof.block_chain import BlockChain, BlockSpan, SealedBlock
from services.ledger.proof.leaf import BlockRows
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signing_keys import HeadSigner
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command, ListInstrument, encode_commands
from shared.logs.events import PrivateExecution
from shared.logs.feed_entry import decode_feed_entry
from shared.logs.market_commands import BeginAccounts, MakeTransfer
from shared.logs.packet import encode_packet
from shared.logs.stream_keys import COMMANDS_FIELD, PACKET_FIELD, PUBLISHED_FIELD

COMMANDS: Final = 100_000
TINY_COMMANDS: Final = 8_000
TURNS: Final = 3
IN_ENTRY: Final = 12
"""Commands that a gateway appends at once, at 10,000 a second."""
IN_PACKET: Final = 192
IN_READ: Final = 16
"""Packets that the reader takes at once, when they are of this size."""
START_MS: Final = 1_780_000_000_000
MS_OF_ENTRY: Final = 1


class Recorded(NamedTuple):
    """Both logs of a market."""

    entries: list[StoredEntry]
    feed: list[StoredEntry]
    commands: int


class TimedChain(BlockChain):
    """A chain that knows how long it took."""

    seconds = 0.0

    def seal(self, span: BlockSpan, data: bytes, packet_hashes: Iterable[bytes], rows: BlockRows) -> SealedBlock:
        """Seal, and count the time."""
        began = time.thread_time()
        sealed = super().seal(span, data, packet_hashes, rows)
        TimedChain.seconds += time.thread_time() - began
        return sealed


class UnprovenChain(BlockChain):
    """A chain that numbers blocks and hashes nothing: what a writer without proofs would have."""

    def seal(self, span: BlockSpan, *_: object) -> SealedBlock:
        """Return the number, and nothing that proves."""
        number = self.state.number + 1
        return SealedBlock(number, span.time, 0, 0, 0, "", b"", b"", b"", b"", b"", b"", b"", "", b"")

    def committed(self, sealed: SealedBlock) -> None:
        """Go on behind a block."""
        self.state = self.state._replace(number=sealed.number)


class Run(NamedTuple):
    """One run's figures."""

    events: int
    seconds: float
    cpu_seconds: float
    """Of the writer's thread; PostgreSQL's processes have their own."""
    proofs_seconds: float
    """Of these, for sealing."""


class Turn(NamedTuple):
    """Two runs, one after the other."""

    proven: Run
    unproven: Run


def record_market(commands: int) -> Recorded:
    """Make both logs: ten instruments, accounts, the bots' flow, which hears of its orders' ends."""
    engine = Engine()
    engine.begin_epoch(1)
    builder = PacketBuilder(engine)
    flow = OrderFlow(DEFAULT_LISTING, "flow", 1)
    first: list[Command] = [ListInstrument("leader", n, each) for n, each in enumerate(DEFAULT_LISTING, 1)]
    money = funding(DEFAULT_LISTING, {"everybody": flow.users}, "money", itertools.count(1))
    first += [command for command in money if isinstance(command, BeginAccounts | MakeTransfer)]  # and no collar
    first += flow.opening()
    entries: list[StoredEntry] = []
    feed: list[StoredEntry] = [_stored(builder)]
    while engine.position < commands:
        part = first[:IN_ENTRY] or flow.commands(IN_ENTRY)
        del first[:IN_ENTRY]
        ms = START_MS + len(entries) * MS_OF_ENTRY
        for command in part:
            for event in builder.apply(command, ms * 1_000):
                if isinstance(event, PrivateExecution) and not event.execution.remaining:
                    flow.ended(event.execution.instrument, event.execution.client_order_id)
        engine.log_id = f"{ms}-0"
        entries.append((engine.log_id.encode(), {COMMANDS_FIELD: encode_commands(part)}))
        if builder.commands >= IN_PACKET:
            feed.append(_stored(builder))
    feed.append(_stored(builder))
    return Recorded(entries, feed, engine.position)


def _stored(builder: PacketBuilder) -> StoredEntry:
    packet = builder.take() or builder.marker()
    return f"1-{packet.position}".encode(), {PACKET_FIELD: encode_packet(packet), PUBLISHED_FIELD: b"5"}


def run_once(url: URL, market: Recorded, kind: type[BlockChain]) -> Run:
    """Catch up with all of it, decoding included, and heads signed."""
    salts = SaltKeys([SaltKey(secrets.token_bytes(32))])
    signer = HeadSigner(Ed25519PrivateKey.generate())
    engine = open_engine(url, writes=True)
    TimedChain.seconds = 0.0

    def chain(connection: Connection) -> BlockChain:
        return kind("bench", 0, salts, signer, load_chain(connection, "bench", 0))

    with engine.connect() as connection:
        recorder = Recorder(LedgerWriter(connection, 0, chain))
        log = deque(market.entries)
        began, cpu = time.perf_counter(), time.thread_time()
        for at in range(0, len(market.feed), IN_READ):
            stored = market.feed[at : at + IN_READ]
            recorder.record([decode_feed_entry("feed", *each) for each in stored], log)
        seconds, cpu_seconds = time.perf_counter() - began, time.thread_time() - cpu
    return Run(recorder.take_counts()[2], seconds, cpu_seconds, TimedChain.seconds)


def measure(market: Recorded, turns: int, postgres: str | None) -> Table:
    """Return one row for each database; they take turns, and so do proofs and none."""
    found: dict[str, list[Turn]] = {name: [] for name in ("SQLite", *(["PostgreSQL"] if postgres else []))}
    for turn, (name, turned) in itertools.product(range(turns), found.items()):
        progress(f"turn {turn + 1} of {turns}, {name}")
        kinds = [TimedChain, UnprovenChain] if turn % 2 == 0 else [UnprovenChain, TimedChain]
        runs = {kind: _run_into(name, postgres or "", market, kind) for kind in kinds}
        turned.append(Turn(runs[TimedChain], runs[UnprovenChain]))
    rows: list[list[Cell]] = [
        [
            name,
            spread([run.events / run.seconds for run, _ in turned]),
            spread([run.events / run.cpu_seconds for run, _ in turned]),
            spread([run.events / run.cpu_seconds for _, run in turned]),
            f"{statistics.median(1 - off.cpu_seconds / on.cpu_seconds for on, off in turned):.1%}",
            f"{statistics.median(run.proofs_seconds / run.cpu_seconds for run, _ in turned):.1%}",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
        ]
        for name, turned in found.items()
    ]
    columns = [
        "database",
        "events a second",
        "events a second of processor time",
        "the same without proofs",
        "saved without proofs",
        "of it for sealing",
        "MiB at most, the logs among them",
    ]
    return Table(
        "ledger-speed", "The ledger catches up with a recorded market: all tables, commands, proofs.", columns, rows
    )


def _run_into(name: str, postgres: str, market: Recorded, kind: type[BlockChain]) -> Run:
    """Catch up into a database that has nothing yet."""
    with tempfile.TemporaryDirectory() as folder:
        url = database_url(f"sqlite:///{Path(folder) / 'ledger.db'}" if name == "SQLite" else postgres)
        if name != "SQLite":
            empty(url)
        migrate(url)
        return run_once(url, market, kind)


def empty(url: URL) -> None:
    """Take all tables away."""
    engine = open_engine(url, writes=True)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    options = parser("Measure how fast the ledger writes.")
    options.add_argument("--commands", type=int, default=COMMANDS)
    options.add_argument("--turns", type=int, default=TURNS)
    options.add_argument("--postgres", help="a database that is emptied: postgresql://USER@HOST:PORT/DATABASE")
    given = options.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    where = machine()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    progress("recording a market")
    market = record_market(TINY_COMMANDS if given.tiny else given.commands)
    table = measure(market, 1 if given.tiny else given.turns, given.postgres)
    tell([("python -m benchmarks.ledger", table)], where, given)


if __name__ == "__main__":
    main()
