"""What somebody has, somebody else has not: adding up all accounts finds what came from nowhere."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, OpenOrder
from openoutcry.wire.types import BANK, ISSUER, OrderKind, Side, TimeInForce
from outcry.load.conservation import conserved

ACME = Instrument("ACME")
BID = OpenOrder(7, "b", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 3)
ASK = BID._replace(order_id=8, side=Side.ASK, remaining=2)
ANN = Account(
    4, [BID, ASK], {"ACME": 6}, {"USD": "9.000000"}, False, {"ACME": [6, 2, [], "0.000000"]}, {"USD": "3.000000"}, {}
)
MARKET = {
    BANK: Account(1, [], {}, {"USD": "-9.000000"}, False, {}, {"USD": "0.000000"}, {}),
    ISSUER: Account(1, [], {"ACME": -6}, {}, False, {"ACME": [-6, 0, [], "0.000000"]}, {}, {}),
    "ann": ANN,
}
LISTING = {"ACME": ACME}


def test_a_market_that_adds_up() -> None:
    found = conserved(MARKET, LISTING)
    assert found == (3, 2, [], True)


def test_without_accounts_trades_add_up_too() -> None:
    bought = Account(1, [], {"ACME": 3}, {"USD": "-1.500000"})
    sold = Account(1, [], {"ACME": -3}, {"USD": "1.500000"})
    found = conserved({"a": bought, "b": sold}, LISTING)
    assert found == (2, 2, [], False)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (ANN._replace(positions={"ACME": 7}), "ACME: all accounts together have 1, not 0"),
        (ANN._replace(cash={"USD": "9.000001"}), "USD: all accounts together have 1, not 0"),
        (ANN._replace(orders=[ASK]), "ann: 3000000 of USD are reserved, its orders need 0"),
        (ANN._replace(reserved={}), "ann: 0 of USD are reserved, its orders need 3000000"),
        (ANN._replace(orders=[BID]), "ann: 2 lots of ACME are reserved, its orders need 0"),
        (ANN._replace(cash={"USD": "2.000000"}), "ann: its orders need 3000000 of USD, more than it has"),
    ],
)
def test_what_does_not_add_up_is_named(changed: Account, complaint: str) -> None:
    assert complaint in conserved({**MARKET, "ann": changed}, LISTING).complaints
