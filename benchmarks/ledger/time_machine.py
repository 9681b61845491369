"""How fast a record is verified, and how long a book of any moment takes: `python -m benchmarks.ledger.time_machine`.

A market of ten instruments and 1,000 users is recorded by the ledger's own writer into SQLite, with a mark each
MARK_COMMANDS. Packets are those of a busy day, 1 to 32 commands each, or (`--packet 1`) of the worst, where every
command has one of its own. Then the whole record is verified with one process and with two, and books of random moments
are made. `--keep FILE` leaves the record there, and takes it from there if it is there. Figures of one run on one
machine; what is compared is run in turns.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from outcry.time_machine.aio.verify_run import verify
from outcry.time_machine.time_text import moment_text
from services.ledger.__main__ import COLLECTOR_THRESHOLDS
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_writer import LedgerWriter
from services.ledger.aio.migration import migrate
from services.ledger.aio.recorder import Recorder
from services.ledger.aio.store_mark import MARK_COMMANDS
from services.ledger.command_block import StoredEntry
from services.ledger.draft import COMMANDS_MAX
from services.ledger.proof.block_chain import BlockChain
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.schema import ledger_info
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.logs.commands import CancelOrder, Command, ListInstrument, PlaceOrder, Tick, encode_commands
from shared.logs.engine_version import ENGINE_VERSION
from shared.logs.feed_entry import FeedEntry
from shared.logs.market_commands import BeginAccounts, MakeTransfer
from shared.logs.packet import FeedId, decode_packet, encode_packet
from shared.logs.stream_keys import COMMANDS_FIELD

USERS: Final = 1_000
PACKETS: Final = (1, 1, 2, 4, 8, 16, 32)
"""Commands of a packet, each as likely: what an engine finds in the log in one round, at rest and at its busiest."""
OPEN_MAX: Final = 20
"""Open orders of a user, who then cancels the oldest."""
LATE: Final = 0.02
"""Share of cancels that come when the order has gone."""
START_MS: Final = 1_795_132_800_000
STEP_MS: Final = 5
TICK_COMMANDS: Final = 1_000 // STEP_MS
"""The leader's clock ticks once a second, and the market forgets the order ids of a quarter of an hour ago."""
NO: Final = (False,)
SYMBOLS: Final = tuple(f"S{number}" for number in range(10))


def commands(count: int, engine: Engine) -> Iterator[Command]:
    """Yield what a day's users ask who see the market: orders, of which half trade, and cancels of what grows old."""
    random = Random(7)  # noqa: S311 - the same each time
    number = 0

    def made(kind: type[Command], *fields: object) -> Command:
        nonlocal number
        number += 1
        command: Command = kind("bench", number, *fields)  # type: ignore[arg-type]
        return command

    for symbol in SYMBOLS:
        yield made(ListInstrument, Instrument(symbol))
    yield made(BeginAccounts, "root", *NO)
    for owner in range(USERS):
        gifts = [("USD", TransferKind.DEPOSIT, BANK, 10**15)]
        gifts += [(symbol, TransferKind.GRANT, ISSUER, 10**7) for symbol in SYMBOLS]
        for asset, kind, source, amount in gifts:
            yield made(MakeTransfer, "root", f"{owner}-{asset}", kind, asset, source, f"u{owner}", amount, 0, "", *NO)
    while number < count:
        if number % TICK_COMMANDS == 0:
            yield made(Tick, 0)
        user = f"u{random.randrange(USERS)}"
        orders = engine.accounts[user].orders
        if len(orders) > OPEN_MAX:
            oldest = next(iter(orders.values())).client_order_id
            yield made(CancelOrder, user, 0, "gone" if random.random() < LATE else oldest)
            continue
        side = random.choice((Side.BID, Side.ASK))
        price = 10_000 + random.randint(-20, 8) * (1 if side is Side.BID else -1)
        yield made(
            PlaceOrder, user, random.choice(SYMBOLS), f"c{number + 1}", side, OrderKind.LIMIT, price,
            random.randint(1, 9), TimeInForce.GTC, *NO, SelfTradePrevention.CANCEL_OLDEST,
        )  # fmt: skip


def record(url: str, count: int, packets: Sequence[int]) -> float:
    """Write the record of so many commands; returns the seconds that the ledger's part took."""
    random = Random(5)  # noqa: S311 - the same each time
    address = database_url(url)
    migrate(address)
    salts = SaltKeys([SaltKey(bytes(32))])
    engine = Engine()
    engine.begin_epoch(1)
    builder = PacketBuilder(engine)
    feed: list[FeedEntry] = []
    log: deque[StoredEntry] = deque()
    seconds, cut = 0.0, 1

    def take(*, marker: bool = False) -> None:
        packet = builder.marker() if marker else builder.take()
        if packet is not None:
            data = encode_packet(packet)
            feed.append(FeedEntry(FeedId(1, packet.position), decode_packet(data), data, 1))

    with open_engine(address, writes=True).connect() as connection:
        with connection.begin():
            owner = [{"name": "product", "value": "bench"}, {"name": "shard", "value": "0"}]
            connection.execute(ledger_info.insert(), owner)
        writer = LedgerWriter(connection, 0, lambda _: BlockChain("bench", 0, salts))
        recorder = Recorder(writer)

        def write() -> None:
            nonlocal seconds
            began = time.perf_counter()
            recorder.record(feed, log)
            seconds += time.perf_counter() - began
            feed.clear()

        take(marker=True)
        for number, command in enumerate(commands(count, engine), 1):
            entry_id = f"{START_MS + number * STEP_MS}-0"
            log.append((entry_id.encode(), {COMMANDS_FIELD: encode_commands([command])}))
            builder.apply(command, (START_MS + number * STEP_MS) * 1_000)
            engine.log_id = entry_id
            if number >= cut or number % MARK_COMMANDS == 0:
                take()
                cut = number + random.choice(packets)
                if len(log) >= COMMANDS_MAX:
                    write()
            if number % MARK_COMMANDS == 0:
                data = encode_checkpoint(Checkpoint(engine, 1, "store"))
                sha256 = hashlib.sha256(data).digest()
                write()
                writer.write_mark((1, engine.position, engine.log_id, engine.time, ENGINE_VERSION, data, sha256))
        take()
        write()
    return seconds


def books(url: str, count: int, moments: int) -> list[float]:
    """Return the seconds that `outcry book` took for each of some random moments, sorted."""
    random = Random(3)  # noqa: S311 - the same each time
    found: list[float] = []
    for _ in range(moments):
        at = (START_MS + random.randrange(USERS * 11 + 100, count) * STEP_MS) * 1_000
        command = [sys.executable, "-m", "outcry", "book", random.choice(SYMBOLS), "--at", moment_text(at), "--json"]
        began = time.perf_counter()
        subprocess.run([*command, "--database", url], check=True, capture_output=True)  # noqa: S603 - our own
        found.append(time.perf_counter() - began)
    return sorted(found)


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def say(text: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--packet", type=int, default=0, help="commands of every packet; 0: of a busy day")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--keep", type=Path, help="where the record stays, or is already")
    options = parser.parse_args()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "ledger.sqlite"
        url = f"sqlite:///{path}"
        if not path.exists():
            seconds = record(url, options.commands, [options.packet] if options.packet else PACKETS)
            size = path.stat().st_size / options.commands
            say(f"written: {options.commands:,} commands in {seconds:.1f} s of the ledger, {size:.0f} bytes each")
        for jobs in options.jobs:
            before = cpu_seconds()
            found = verify(url, jobs=jobs)
            rate, busy = found.commands / found.seconds, cpu_seconds() - before
            say(
                f"verified by {jobs}: {found.seconds:.1f} s, {rate:,.0f} commands/s, {found.packets:,} packets, "
                f"{found.rows:,} rows; {busy:.1f} s of CPU, {busy / found.commands * 1e6:.1f} us a command"
            )
            assert found.is_clean, found.findings
        if options.moments:
            times = books(url, options.commands, options.moments)
            say(f"books of {len(times)} moments: median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s")


if __name__ == "__main__":
    main()
