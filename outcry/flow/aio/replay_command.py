"""`outcry replay`: a replay with a progress bar and a summary."""

from __future__ import annotations

import asyncio
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from outcry.flow.aio.replay import Replay
from outcry.flow.lobster_orders import LobsterOrders
from shared.aio.first_error import first_error

SHOW_SECONDS: Final = 0.2
PLAIN_SECONDS: Final = 5.0
"""Between two lines where there is no terminal."""


async def run_replay(replay: Replay, console: Console) -> None:
    """
    Run a replay to its end, and say what came of it.

    Args:
        replay: Not started.
        console: Where to show how far it is.

    Raises:
        OpenOutcryError: As `Replay` and `Driver` do.
    """
    try:
        await replay.start()
        async with asyncio.TaskGroup() as tasks:
            helpers = [tasks.create_task(replay.follow())]
            await replay.prepare()
            helpers.append(tasks.create_task(_show(replay, console)))
            started = asyncio.get_running_loop().time()
            await replay.run()
            seconds = asyncio.get_running_loop().time() - started
            for helper in helpers:
                helper.cancel()
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        await replay.aclose()
    console.print(summary(replay, seconds), highlight=False, soft_wrap=True)


def summary(replay: Replay, seconds: float) -> str:
    """Return what came of a replay, a line for each kind of figure."""
    seq = replay.tape.seqs.get(replay.symbol)
    stands = "its book did not change" if seq is None else f"is at seq {seq:,}"
    rate = replay.messages / max(seconds, 1e-3)
    lines = [
        f"{replay.messages:,} messages ({rate:,.0f}/s) became {replay.commands_sent:,} commands in {seconds:.1f} s",
        f"{replay.symbol} made {replay.trades:,} trades and {stands}",
    ]
    lines += [f"{count:,} passed over: {reason.value}" for reason, count in replay.orders.skipped.most_common()]
    lines += fidelity(replay.orders)
    lines += [f"{count:,} refused by the engine: {code.value}" for code, count in replay.tape.refused.most_common()]
    return "\n".join(lines)


def fidelity(orders: LobsterOrders) -> list[str]:
    """Return in how far the exchange did what the file says: executions, and the book at the end."""
    book, apart = orders.book, orders.distance()
    lines = [f"{book.executions:,} executions of visible orders"]
    if book.other_fills:
        shown = ", ".join(f"{other.filled} instead of {other.of_file}" for other in book.examples)
        more = ", …" if book.other_fills > len(book.examples) else ""
        lines[0] += (
            f", {book.other_fills:,} of which filled another order than the file's: it was first in price-time "
            f"priority ({shown}{more})"
        )
    if book.unfilled:
        lines.append(f"{book.unfilled:,} executions found less than the file's lots at their price")
    if book.crossed:
        lines.append(f"{len(book.crossed):,} orders that the file has rest traded as they came: they crossed the book")
    if not apart.levels_apart:
        lines.append(f"the replayed book is the file's own: {apart.lots:,} lots at {apart.levels:,} levels")
    else:
        lines.append(
            f"the replayed book differs from the file's own at {apart.levels_apart:,} of {apart.levels:,} levels, "
            f"by {apart.lots_apart:,} lots in all; the file's has {apart.lots:,}"
        )
    return lines


async def _show(replay: Replay, console: Console) -> None:
    """Show progress until cancelled."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(PLAIN_SECONDS)
            console.print(f"{replay.progress:.0%}, {replay.messages:,} messages", highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        shown = progress.add_task(replay.symbol, total=1.0)
        while True:
            progress.update(shown, completed=replay.progress, refresh=True)
            await asyncio.sleep(SHOW_SECONDS)
