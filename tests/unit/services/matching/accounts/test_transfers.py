"""Lots and money move between two accounts, once, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.types import AMOUNT_MAX, BANK, ISSUER, Code, ExecutionEvent, Side, TransferKind
from services.matching.accounts.funded_account import RESTRICTED_MAX
from services.matching.accounts.transfers import TRANSFER_IDS_MAX, TransferIds
from shared.logs.commands import ListInstrument
from shared.logs.events import Event, PrivateTransfer
from shared.logs.market_commands import MakeTransfer
from tests.unit.services.matching.accounts.floor import DOLLAR, OTHER, Floor
from tests.unit.services.matching.flow import code, executions, outcome

DEPOSIT, WITHDRAWAL = TransferKind.DEPOSIT, TransferKind.WITHDRAWAL
GRANT, FORFEIT, CORRECTION = TransferKind.GRANT, TransferKind.FORFEIT, TransferKind.CORRECTION


def halves(events: list[Event]) -> list[PrivateTransfer]:
    return [event for event in events if isinstance(event, PrivateTransfer)]


def test_both_accounts_are_told_and_numbered() -> None:
    floor = Floor()
    floor.place("ann", Side.ASK, 100, 1)  # refused, and numbered too
    told = halves(floor.transfer(GRANT, "ACME", ISSUER, "ann", 5, available_from=7))
    assert [event.user for event in told] == [ISSUER, "ann"]
    issued, granted = (event.transfer for event in told)
    assert issued == (1, floor.time, "t1", GRANT, "ACME", "-5", "-5", 0)
    assert granted == (2, floor.time, "t1", GRANT, "ACME", "5", "5", 7)
    told = halves(floor.transfer(DEPOSIT, "USD", BANK, "ann", 12 * DOLLAR))
    assert (told[1].transfer.amount, told[1].transfer.balance) == ("12.000000", "12.000000")


def test_the_same_again_changes_nothing_and_another_is_refused() -> None:
    """A file of grants that is sent again is harmless."""
    floor = Floor()
    assert code(floor.transfer(DEPOSIT, "USD", BANK, "ann", 5, transfer_id="pay-1")) is Code.OK
    again = floor.transfer(DEPOSIT, "USD", BANK, "ann", 5, transfer_id="pay-1")
    assert code(again) is Code.OK
    assert len(again) == 1
    other = outcome(floor.transfer(DEPOSIT, "USD", BANK, "ann", 6, transfer_id="pay-1"))
    assert (other.code, other.text) == (
        Code.DUPLICATE_TRANSFER,
        "transfer_id: pay-1 was used before, for another transfer",
    )
    assert floor.account("ann").purse("USD").amount == 5


def test_an_id_is_remembered_for_so_many_transfers() -> None:
    command = MakeTransfer("s", 1, "root", "0", DEPOSIT, "USD", BANK, "ann", 1, 0, "", False)
    ids = TransferIds()
    for n in range(TRANSFER_IDS_MAX):
        ids.remember(command._replace(transfer_id=str(n)))
    assert ids.repeated(command) is not None
    ids.remember(command._replace(transfer_id="one more"))
    assert ids.repeated(command) is None
    assert len(ids.rows()) == TRANSFER_IDS_MAX


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ((DEPOSIT, "USD", "ann", "bob", 1), "debit: of a deposit it is ~bank, not ann"),
        ((WITHDRAWAL, "USD", "ann", "bob", 1), "credit: of a withdrawal it is ~bank, not bob"),
        ((GRANT, "ACME", BANK, "bob", 1), "debit: of a grant it is ~issuer, not ~bank"),
        ((FORFEIT, "ACME", "bob", "~other", 1), "credit: of a forfeit it is ~issuer, not ~other"),
        ((DEPOSIT, "USD", BANK, "~x", 1), "credit: '~x' cannot be a user's name"),
        ((DEPOSIT, "USD", BANK, BANK, 1), "credit: '~bank' cannot be a user's name"),
        ((CORRECTION, "USD", "bob", "bob", 1), "credit: is bob, which is debited"),
        ((CORRECTION, "USD", "~else", "bob", 1), "debit: '~else' cannot be a user's name"),
        ((DEPOSIT, "ACME", BANK, "bob", 1), "asset: a deposit is of money, and ACME is not"),
        ((GRANT, "USD", ISSUER, "bob", 1), "asset: a grant is of lots, and USD is not"),
        ((DEPOSIT, "EUR", BANK, "bob", 1), "asset: EUR is neither listed nor the currency of what is"),
        ((TransferKind.EXERCISE, "ACME", ISSUER, "bob", 1), "kind: exercise is the exchange's own"),
    ],
)
def test_each_kind_has_its_accounts_and_its_assets(fields: tuple[Any, ...], fault: str) -> None:
    refused = outcome(Floor().transfer(*fields))
    assert refused.text == fault
    assert refused.code is Code.BAD_REQUEST


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"transfer_id": "no spaces"}, "transfer_id: is 1 to 36 letters, digits and . _ : -"),
        ({"note": "a\x00b"}, "note: is at most 200 characters, none of them a control character"),
        ({"note": "\ud800"}, "note: is at most 200 characters, none of them a control character"),
        ({"note": "x" * 201}, "note: is at most 200 characters, none of them a control character"),
        ({"available_from": 5}, "available_from: only lots of a user are held back"),
        ({"available_from": -5}, "available_from: is a time in µs, not -5"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, Any], fault: str) -> None:
    assert outcome(Floor().transfer(DEPOSIT, "USD", BANK, "ann", 1, **fields)).text == fault


def test_amounts_have_a_range_and_all_of_them_together_too() -> None:
    floor = Floor()
    for amount in (0, -1, AMOUNT_MAX + 1):
        assert code(floor.transfer(DEPOSIT, "USD", BANK, "ann", amount)) is Code.AMOUNT_OUT_OF_RANGE
    assert code(floor.transfer(DEPOSIT, "USD", BANK, "ann", AMOUNT_MAX)) is Code.OK
    refused = outcome(floor.transfer(DEPOSIT, "USD", BANK, "bob", 1))
    assert refused.code is Code.AMOUNT_OUT_OF_RANGE
    assert refused.text == f"amount: all accounts together may have {AMOUNT_MAX} of USD, and have {AMOUNT_MAX}"
    assert "bob" not in floor.engine.accounts


@pytest.mark.parametrize("asset", ["USD", "ACME"])
def test_the_exchanges_two_accounts_have_one_range_together(asset: str) -> None:
    floor = Floor()
    assert code(floor.transfer(CORRECTION, asset, ISSUER, "ann", AMOUNT_MAX)) is Code.OK
    assert code(floor.transfer(CORRECTION, asset, BANK, "ann", 1)) is Code.AMOUNT_OUT_OF_RANGE
    assert code(floor.transfer(CORRECTION, asset, BANK, ISSUER, AMOUNT_MAX)) is Code.OK
    assert code(floor.transfer(CORRECTION, asset, ISSUER, "ann", 1)) is Code.AMOUNT_OUT_OF_RANGE


def test_what_is_reserved_stays_unless_orders_may_be_cancelled() -> None:
    """Then the newest go first, and no more of them than needed."""
    floor = Floor()
    floor.deposit("bob", 10)
    for price in (100, 200, 300):
        floor.bid("bob", price, 1)
    refused = outcome(floor.transfer(WITHDRAWAL, "USD", "bob", BANK, 5 * DOLLAR))
    assert refused.text == "amount: needs 5.00 USD, 4.00 are free (6.00 reserved by open orders)"
    done = floor.transfer(WITHDRAWAL, "USD", "bob", BANK, 5 * DOLLAR, cancel_orders=True)
    assert (code(done), outcome(done).cancelled) == (Code.OK, 1)
    ended = executions(done, "bob")
    assert [(each.event, each.price, each.reason) for each in ended] == [
        (ExecutionEvent.CANCELLED, 300, Code.BY_EXCHANGE)
    ]
    assert floor.cash("bob") == (500, 300)


def test_orders_stay_if_even_their_end_would_not_be_enough() -> None:
    """Nothing is half done."""
    floor = Floor()
    floor.deposit("bob", 10)
    floor.bid("bob", 100, 1)
    floor.grant("bob", 4)
    floor.ask("bob", 110, 4)
    refused = floor.transfer(WITHDRAWAL, "USD", "bob", BANK, 11 * DOLLAR, cancel_orders=True)
    assert (code(refused), len(refused)) == (Code.INSUFFICIENT_CASH, 1)
    refused = floor.transfer(FORFEIT, "ACME", "bob", ISSUER, 5, cancel_orders=True)
    assert outcome(refused).text == "amount: needs 5 lots, 0 are free (4 reserved by open orders)"
    assert len(floor.account("bob").orders) == 2
    assert code(floor.transfer(FORFEIT, "ACME", "bob", ISSUER, 4, cancel_orders=True)) is Code.OK
    assert [order.side for order in floor.account("bob").orders.values()] == [Side.BID]


def test_a_forfeit_takes_first_what_is_held_back_longest() -> None:
    floor = Floor()
    day = 86_400_000_000
    for days, lots in ((2, 20), (1, 10), (2, 5), (0, 7)):
        floor.grant("ann", lots, available_from=floor.time + days * day if days else 0)
    restricted = floor.holding("ann").restricted
    assert [(lots, why) for _, why, lots in restricted] == [(10, "vesting"), (25, "vesting")]
    floor.transfer(FORFEIT, "ACME", "ann", ISSUER, 30)
    assert floor.holding("ann").lots == 12
    assert [lots for _, _, lots in floor.holding("ann").restricted] == [5]
    assert floor.ask("ann", 100, 8).code is Code.INSUFFICIENT_HOLDINGS
    assert floor.ask("ann", 100, 7).code is Code.OK


def test_a_transfer_of_lots_is_no_sale() -> None:
    """It takes its share of the cost, and no result is counted."""
    floor = Floor()
    floor.deposit("bob", 10)
    floor.grant("ann", 4)
    floor.ask("ann", 100, 4)
    floor.bid("bob", 100, 4)
    floor.transfer(CORRECTION, "ACME", "bob", "ann", 1)
    assert (floor.holding("bob").lots, floor.holding("bob").cost) == (3, 3 * DOLLAR)
    assert (floor.holding("ann").lots, floor.holding("ann").cost) == (1, 0)
    assert floor.account("bob").purse("USD").result == 0


def test_dates_of_one_holding_have_a_bound() -> None:
    floor = Floor()
    for n in range(RESTRICTED_MAX):
        floor.grant("ann", 1, available_from=floor.time + 1 + n)
    refused = outcome(floor.transfer(GRANT, "ACME", ISSUER, "ann", 1, available_from=floor.time + 500))
    assert refused.text == "available_from: ann waits for 400 dates, the limit is 400"
    floor.grant("ann", 1, available_from=floor.time + 1)
    floor.grant("ann", 1)
    floor.time += 2  # two of them are over
    floor.grant("ann", 1, available_from=floor.time + 500)
    floor.grant("ann", 1, available_from=floor.time + 501)
    assert code(floor.transfer(GRANT, "ACME", ISSUER, "ann", 1, available_from=floor.time + 502)) is Code.BAD_REQUEST
    assert len(floor.holding("ann").restricted) == RESTRICTED_MAX


def test_what_was_listed_as_a_currency_is_no_instrument() -> None:
    """Two assets of one name could not be told apart."""
    floor = Floor()
    refused = outcome(floor.does(ListInstrument, OTHER._replace(symbol="USD", currency="EUR")))
    assert refused.text == "instrument: USD is a currency here, and would be two assets of one name"
    refused = outcome(floor.does(ListInstrument, OTHER._replace(symbol="NEW", currency="ACME")))
    assert refused.text == "instrument: NEW's currency ACME is an instrument here, and would be two assets of one name"
    assert code(floor.does(ListInstrument, OTHER._replace(symbol="NEW", currency="NEW"))) is Code.BAD_REQUEST
