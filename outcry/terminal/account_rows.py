"""Lists of the user's own things, a line each: open orders, executions, positions; and the market's trades."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from openoutcry.held_lots import HeldLots
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Execution, OpenOrder, Trade
from openoutcry.wire.types import ExecutionEvent, NoSide, Side
from outcry.terminal.money import amount, money

BUY_SELL = {Side.BID: "buy", Side.ASK: "sell"}


class ListRow(NamedTuple):
    """A line of a list."""

    key: int | str
    """Names what it shows, for the cursor."""
    text: str


def order_row(order: OpenOrder, instrument: Instrument | None, ahead: int | None) -> ListRow:
    """Say an open order, as `ACME buy 3/5 at 101.00 gtc ≤140 ahead`."""
    price = _price(order.price, instrument) if order.price else "market"
    text = f"{order.instrument} {BUY_SELL[Side(order.side)]} {order.remaining:,}/{order.quantity:,} at {price}"
    if order.trigger:
        text += f" stop {_price(order.trigger, instrument)}"
    text += f" {order.time_in_force}"
    if order.expires_on:
        text += f" until {order.expires_on}"
    return ListRow(order.order_id, text + ("" if ahead is None else f" ≤{ahead:,} ahead"))


def order_rows(
    orders: Iterable[OpenOrder], listing: Mapping[str, Instrument], ahead: Callable[[int], int | None]
) -> list[ListRow]:
    """Say all of them, the newest first."""
    newest = sorted(orders, key=lambda order: -order.order_id)
    return [order_row(order, listing.get(order.instrument), ahead(order.order_id)) for order in newest]


def execution_row(number: int, execution: Execution | Missing, listing: Mapping[str, Instrument]) -> ListRow:
    """Say what happened to an order."""
    if isinstance(execution, Missing):
        return ListRow(number, f"executions {execution.first:,} to {execution.last:,} are missing")
    instrument = listing.get(execution.instrument)
    side = BUY_SELL[Side(execution.side)]
    text = f"{_clock(execution.time)} {execution.event} {execution.instrument} {side}"
    if execution.event == ExecutionEvent.FILLED:
        text += f" {execution.fill_quantity:,} at {_price(execution.fill_price, instrument)} {execution.liquidity}"
    else:
        price = f" at {_price(execution.price, instrument)}" if execution.price else ""
        text += f" {execution.quantity:,}{price}"
    return ListRow(number, text + (f" ({execution.reason})" if execution.reason else ""))


def trade_row(trade: Trade | Missing, instrument: Instrument) -> ListRow:
    """Say a trade of the market; the side is that of the order that arrived."""
    if isinstance(trade, Missing):
        return ListRow(trade.last, f"trades {trade.first:,} to {trade.last:,} are missing")
    how = "auction" if trade.aggressor_side == NoSide.NONE else BUY_SELL[Side(trade.aggressor_side)]
    return ListRow(trade.trade_id, f"{_clock(trade.time)} {trade.quantity:,} at {money(trade.price, instrument)} {how}")


def position_rows(
    positions: Mapping[str, int],
    holdings: Mapping[str, HeldLots],
    purses: Mapping[str, tuple[int, int | None, int | None]],
) -> list[ListRow]:
    """
    Say what is held: lots by instrument, then money by currency.

    Args:
        positions: Net lots.
        holdings: Where the exchange keeps accounts.
        purses: By currency: money, what of it is free, realised result, in millionths; None without accounts.
    """
    rows = []
    for symbol in sorted({*positions, *holdings}):
        held = holdings.get(symbol)
        text = f"{symbol} {positions.get(symbol, 0):,} lots"
        if held is not None:
            average = held.average_cost(4)
            text += f", average cost {average:,}" if average is not None else ""
            text += f", {held.reserved:,} offered" if held.reserved else ""
        rows.append(ListRow(symbol, text))
    for currency, (held_money, free, result) in sorted(purses.items()):
        text = f"{currency} {amount(held_money)}"
        text += f", {amount(free)} free" if free is not None else " net of trades"
        text += f", result {amount(result)}" if result is not None else ""
        rows.append(ListRow(currency, text))
    return rows


def _price(ticks: int, instrument: Instrument | None) -> str:
    return f"{ticks:,} ticks" if instrument is None else money(ticks, instrument)


def _clock(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%H:%M:%S}"
