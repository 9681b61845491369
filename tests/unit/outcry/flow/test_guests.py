"""A person who looks at a development market has money and lots, and so can trade and be refused."""

from __future__ import annotations

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from outcry.flow.guests import GUEST, GUEST_LOTS, GUEST_MONEY
from outcry.flow.order_flow import OrderFlow
from services.matching.accounts.funded_account import FundedAccount
from services.matching.engine import Engine
from shared.logs.commands import ListInstrument, PlaceOrder
from shared.logs.events import Outcome

DAY_US = 20_000 * 86_400_000_000


def test_the_guest_holds_money_and_lots_once() -> None:
    instruments = [Instrument("ACME"), Instrument("HAUS")._replace(currency="EUR")]
    engine, flow = Engine(), OrderFlow(instruments, "bots-1", seed=1)
    commands = [ListInstrument("leader", n, each) for n, each in enumerate(instruments, 1)]
    again = OrderFlow(instruments, "bots-2", seed=1)
    for command in (*commands, *flow.funding(DAY_US), *flow.guests(), *again.guests()):
        engine.apply(command, DAY_US)
    guest = engine.account(GUEST)
    assert isinstance(guest, FundedAccount)
    assert [guest.purses[currency].amount for currency in ("USD", "EUR")] == [GUEST_MONEY, GUEST_MONEY]
    assert [guest.holdings[symbol].lots for symbol in ("ACME", "HAUS")] == [GUEST_LOTS, GUEST_LOTS]
    engine.check_invariants()


def test_what_the_guest_cannot_pay_is_refused() -> None:
    engine, flow = Engine(), OrderFlow([Instrument("ACME")], "bots-1", seed=1)
    for command in (ListInstrument("leader", 1, Instrument("ACME")), *flow.funding(DAY_US), *flow.guests()):
        engine.apply(command, DAY_US)
    codes = []
    for number, (side, quantity) in enumerate([(Side.BID, 10), (Side.BID, 10**6), (Side.ASK, GUEST_LOTS + 1)], 1):
        how = (OrderKind.LIMIT, 10_000, quantity, TimeInForce.GTC)
        order = PlaceOrder(
            "gateway", number, GUEST, "ACME", f"order-{number}", side, *how,
            post_only=False, self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
        )  # fmt: skip
        codes += [event.code for event in engine.apply(order, DAY_US) if isinstance(event, Outcome)]
    assert codes == ["", Code.INSUFFICIENT_CASH, Code.INSUFFICIENT_HOLDINGS]
