"""The lists' lines."""

from __future__ import annotations

from decimal import Decimal

from openoutcry.held_lots import HeldLots
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Execution, OpenOrder, Trade
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, NoSide, OrderKind, Side, TimeInForce
from outcry.terminal.account_rows import execution_row, order_rows, position_rows, trade_row

ACME = Instrument("ACME")
LISTING = {"ACME": ACME}


def test_orders_are_told_newest_first_with_their_place() -> None:
    first = OpenOrder(1, "", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 10_100, 5, 3)
    stop = OpenOrder(2, "", "OTHER", Side.ASK, OrderKind.MARKET, TimeInForce.DAY, 0, 4, 4, 90)
    assert [row.text for row in order_rows([first, stop], LISTING, {1: 140}.get)] == [
        "OTHER sell 4/4 at market stop 90 ticks day",
        "ACME buy 3/5 at 101.00 gtc ≤140 ahead",
    ]


def test_executions_say_what_filled_and_why_others_ended() -> None:
    filled = Execution(
        7, ExecutionEvent.FILLED, 0, 1, "", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 10_100, 5, 2, 10_050, 3,
        9, Liquidity.MAKER, Code.OK,
    )  # fmt: skip
    assert execution_row(1, filled, LISTING).text == "00:00:00 filled ACME buy 3 at 100.50 maker"
    ended = filled._replace(event=ExecutionEvent.CANCELLED, reason=Code.BLACKOUT)
    assert execution_row(2, ended, LISTING).text == "00:00:00 cancelled ACME buy 5 at 101.00 (blackout)"
    assert execution_row(3, Missing(4, 9), LISTING).text == "executions 4 to 9 are missing"


def test_trades_say_who_arrived() -> None:
    trade = Trade("ACME", 1, 5, 0, 10_000, 1_000, Side.ASK)
    assert trade_row(trade, ACME) == (5, "00:00:00 1,000 at 100.00 sell")
    assert trade_row(trade._replace(aggressor_side=NoSide.NONE), ACME).text.endswith("auction")
    assert trade_row(Missing(2, 4), ACME).text == "trades 2 to 4 are missing"


def test_positions_say_lots_cost_and_money() -> None:
    held = HeldLots(10, 4, (), Decimal(1_001))
    rows = position_rows({"ACME": 10}, {"ACME": held}, {"USD": (5_000_000, 4_000_000, -1_500_000)})
    assert [row.text for row in rows] == [
        "ACME 10 lots, average cost 100.1000, 4 offered",
        "USD 5.00, 4.00 free, result -1.50",
    ]
    bare = position_rows({"ACME": -3}, {}, {"USD": (300_000_000, None, None)})
    assert [row.text for row in bare] == ["ACME -3 lots", "USD 300.00 net of trades"]
