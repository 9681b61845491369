"""A book for people: a ladder of levels with bars, the last trades, and whether to believe it.

Pure: takes what is known, returns what `rich` draws, or one plain line where there is no terminal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from openoutcry.events import StaleReason
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Trade
from openoutcry.wire.types import NoSide, Side

TRADES_SHOWN: Final = 8
"""Where the height is not known."""
TRADES_SHOWN_MIN: Final = 4
TRADES_KEPT: Final = 60
BAR_CELLS: Final = 24
"""Width of the longest bar; the others are in proportion to their quantity."""
OTHER_CELLS: Final = 36
"""Kept for quantities and prices."""
OTHER_LINES: Final = 6
"""Heading, spread, standing (two), the trades' title, and the cursor's."""
BID_STYLE: Final = "green"
ASK_STYLE: Final = "red"
AUCTION_STYLE: Final = "cyan"

STYLES: Final[dict[str, str]] = {Side.BID: BID_STYLE, Side.ASK: ASK_STYLE}
"""Of a trade, by the side that arrived; in an auction both waited."""


@dataclass(slots=True)
class LadderView:
    """What a ladder shows at one moment."""

    instrument: Instrument
    depth: int
    bids: Sequence[tuple[int, int]] = ()
    """(price, quantity), best first."""
    asks: Sequence[tuple[int, int]] = ()
    epoch: int = 0
    seq: int = 0
    digest: int = 0
    stale: StaleReason | None = StaleReason.LOADING
    delay_us: int | None = None
    """From the engine's publishing of the newest change to its receipt here; None until one comes while we look."""
    changes: int = 0
    """Verified since the start."""
    recoveries: int = 0
    auction: Auction | None = None
    """What its call would come to; None outside of one."""
    trades: deque[Trade | Missing] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    """Latest last."""


def ladder(view: LadderView, size: tuple[int, int] | None = None) -> RenderableType:
    """
    Draw the whole view.

    Args:
        view: What is known.
        size: Columns and lines to fit into and to use, at least 60 by 16; None is as much as it needs.
    """
    depth, trades, bar = view.depth, TRADES_SHOWN, BAR_CELLS
    if size is not None:
        lines = size[1] - OTHER_LINES
        depth = max(1, min(view.depth, (lines - TRADES_SHOWN_MIN) // 2))
        trades = max(TRADES_SHOWN_MIN, lines - 2 * depth)
        bar = max(4, size[0] - OTHER_CELLS)
    return Group(_heading(view), _levels(view, depth, bar), _standing(view), _trades(view, trades))


def plain_line(view: LadderView) -> str:
    """Say the view in one line, for logs and pipes."""
    bid, ask = _best(view, view.bids), _best(view, view.asks)
    standing = f"STALE ({view.stale})" if view.stale else "verified"
    auction = f" {auction_line(view.auction, view.instrument)}" if view.auction else ""
    return (
        f"{view.instrument.symbol} bid {bid} ask {ask}{auction} epoch {view.epoch} seq {view.seq} "
        f"digest {view.digest:08x} {standing} delay {_delay(view)}"
    )


def plain_trade(trade: Trade | Missing, instrument: Instrument) -> str:
    """Say a trade in one line."""
    if isinstance(trade, Missing):
        return f"{instrument.symbol} trades {trade.first} to {trade.last} are missing"
    at = datetime.fromtimestamp(trade.time / 1e6, UTC)
    how = "in an auction" if trade.aggressor_side == NoSide.NONE else trade.aggressor_side
    what = f"{trade.quantity} at {money(trade.price, instrument)} {how}"
    return f"{instrument.symbol} trade {trade.trade_id} {at:%H:%M:%S.%f} {what}"


def auction_line(auction: Auction, instrument: Instrument) -> str:
    """Say what a call would come to, as `opening auction 1,200 at 101.00, 300 more bid, until 09:00:00`."""
    said = f"{auction.kind} auction"
    if not auction.price:
        said += " without a price"
    else:
        said += f" {auction.volume:,} at {money(auction.price, instrument)}"
    if auction.surplus:
        said += f", {abs(auction.surplus):,} more {'bid' if auction.surplus > 0 else 'asked'}"
    if auction.until:
        said += f", until {datetime.fromtimestamp(auction.until / 1e6, UTC):%H:%M:%S} UTC"
    return said


def money(ticks: int, instrument: Instrument) -> str:
    """Write a price in the instrument's currency, with all decimals that its tick has."""
    return f"{instrument.amount(ticks):,}"


def _heading(view: LadderView) -> RenderableType:
    title = Text(view.instrument.symbol, style="bold", no_wrap=True, overflow="ellipsis")
    return title.append(f"  {view.instrument.name}  {view.instrument.currency}", style="dim")


def _levels(view: LadderView, depth: int, bar: int) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column()
    cells = bar / max((quantity for _, quantity in (*view.bids[:depth], *view.asks[:depth])), default=1)
    for price, quantity in reversed(_padded(view.asks, depth)):
        table.add_row(*_level(price, quantity, cells, view.instrument, ASK_STYLE))
    table.add_row("", Text(_spread(view), style="dim"), "")
    for price, quantity in _padded(view.bids, depth):
        table.add_row(*_level(price, quantity, cells, view.instrument, BID_STYLE))
    return table


def _padded(levels: Sequence[tuple[int, int]], depth: int) -> list[tuple[int, int]]:
    """Fill up to the depth, so that the ladder does not jump."""
    return [*levels[:depth], *[(0, 0)] * (depth - len(levels))]


def _level(price: int, quantity: int, cells: float, instrument: Instrument, style: str) -> tuple[Text, Text, Text]:
    if not quantity:
        return Text(""), Text("·", style="dim"), Text("")
    bar = "█" * max(1, round(cells * quantity))
    return Text(f"{quantity:,}"), Text(money(price, instrument), style=style), Text(bar, style=style)


def _spread(view: LadderView) -> str:
    if view.auction is not None:
        return auction_line(view.auction, view.instrument)
    if not view.bids or not view.asks:
        return "no spread"
    return f"spread {money(view.asks[0][0] - view.bids[0][0], view.instrument)}"


def _standing(view: LadderView) -> RenderableType:
    stale, verified = Text(f"✗ stale: {view.stale}", style="bold red"), Text("✓ verified", style="bold green")
    mark = stale if view.stale else verified
    mark.append(f"  epoch {view.epoch}  seq {view.seq:,}  digest {view.digest:08x}", style="default")
    return mark.append(f"\n{view.changes:,} changes, {view.recoveries} recoveries, delay {_delay(view)}", style="dim")


def _trades(view: LadderView, count: int) -> RenderableType:
    lines = Text("last trades", style="dim")
    for trade in list(reversed(view.trades))[:count]:
        lines.append("\n" + plain_trade(trade, view.instrument), style=_trade_style(trade))
    return lines


def _trade_style(trade: Trade | Missing) -> str:
    if isinstance(trade, Missing):
        return "yellow"
    return STYLES.get(trade.aggressor_side, AUCTION_STYLE)


def _best(view: LadderView, levels: Sequence[tuple[int, int]]) -> str:
    if not levels:
        return "none"
    price, quantity = levels[0]
    return f"{quantity} at {money(price, view.instrument)}"


def _delay(view: LadderView) -> str:
    return "unknown" if view.delay_us is None else f"{view.delay_us / 1000:.1f} ms"
