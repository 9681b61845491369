"""`python -m benchmarks.flood [--only KIND,…] [--seconds S] [--mebibytes M]`: others' orders while somebody floods.

A whole exchange in processes on this machine, one gateway; a flooder from an address of its own; and one honest user
who trades at an even pace. Delays are counted from when an order was due, so a standstill is not left out.
"""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from benchmarks.command import parser, progress, some_of, tell
from benchmarks.flood.flooder import Sent, flood
from benchmarks.flood.kinds import KINDS, Kind
from benchmarks.flood.observer import Seen, observe
from benchmarks.measure import machine
from benchmarks.table import Cell, Table
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions

USERS: Final = 8
"""Of the flood, those with tokens."""
INSTRUMENT: Final = "ACME"
"""Open around the clock."""
SECONDS: Final = 6.0
TINY_SECONDS: Final = 0.5
MEBIBYTES: Final = 8
BEFORE_S: Final = 0.2
"""The observer trades alone for so long."""
COLUMNS: Final = (
    "flood", "MiB sent", "opened", "ended", "statuses", "order p50 ms", "p99 ms", "worst ms", "latest heartbeat ms",
    "refused",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the floods that are asked for, all of them unless told, and print the table."""
    options = _options().parse_args(arguments)
    where = machine()
    table = asyncio.run(measure(options))
    tell([("python -m benchmarks.flood", table)], where, options)


async def measure(options: Namespace) -> Table:
    """Return a row for each flood."""
    seconds = TINY_SECONDS if options.tiny else options.seconds
    rows: list[list[Cell]] = []
    with private_folder() as folder, ProcessPoolExecutor(1, get_context("spawn")) as process:
        listing = folder / "instruments.json"
        listing.write_text(json.dumps([{"symbol": INSTRUMENT}]), encoding="utf-8")
        stack_options = StackOptions(gateways=1, redis_url=None, port=None, instruments_file=listing)
        with Stack(stack_options, folder, lambda _: None) as stack:
            await stack.start(StopSignal())
            for name in options.only or list(KINDS):
                progress(name)
                kind = KINDS[name]
                rows.append(_row(kind, *await _meet(kind, stack, process, seconds, options.mebibytes)))
                await asyncio.sleep(0 if options.tiny else 1.0)
    title = (
        f"An honest user's orders and heartbeats while another floods for {seconds:g} s, up to "
        f"{options.mebibytes} MiB a connection."
    )
    return Table("flood", title, COLUMNS, rows)


async def _meet(
    kind: Kind, stack: Stack, process: ProcessPoolExecutor, seconds: float, mebibytes: int
) -> tuple[Sent, Seen]:
    tokens = [stack.token(f"flooder-{number}") for number in range(USERS)]
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()
    token = stack.token(f"honest-{list(KINDS.values()).index(kind)}")  # its order ids are new to each flood
    observing = observe(stack.gateway_urls[0], token, INSTRUMENT, seconds + 2 * BEFORE_S, begun)

    async def flooding() -> Sent:
        await begun.wait()
        await asyncio.sleep(BEFORE_S)
        return await loop.run_in_executor(process, flood, kind, stack.ports[0], tokens, mebibytes << 20, seconds)

    seen, sent = await asyncio.gather(observing, flooding())
    return sent, seen


def _row(kind: Kind, sent: Sent, seen: Seen) -> list[Cell]:
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(sent.statuses.items())) or "none"
    return [
        kind.title, round(sent.bytes / 2**20, 2), sent.opened, sent.ended, statuses,
        *(round(seen.quantile(share), 1) for share in (0.5, 0.99, 1)),
        round(seen.heartbeat_ms), seen.refused + seen.unanswered,
    ]  # fmt: skip


def _options() -> ArgumentParser:
    options = parser("Measure what floods do to others.")
    options.add_argument("--only", type=some_of(KINDS), default=[], metavar="KIND,…", help=", ".join(KINDS))
    options.add_argument("--seconds", type=float, default=SECONDS, metavar="S", help="of each flood")
    options.add_argument("--mebibytes", type=int, default=MEBIBYTES, metavar="M", help="of each connection, at most")
    return options


if __name__ == "__main__":
    main()
