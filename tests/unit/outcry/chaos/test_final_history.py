"""The history that is derived from the packets alone, and what it finds wrong with them."""

from __future__ import annotations

import pytest

from openoutcry.wire import digest
from openoutcry.wire.messages import Status, Transfer
from openoutcry.wire.types import BANK, Code, MarketState, TransferKind
from outcry.chaos.final_history import GrowingHistory, before
from shared.logs.events import AccountsBegun, Outcome, PrivateTransfer
from tests.unit.outcry.chaos.history_house import entry, history
from tests.unit.services.gateway.exchange import Exchange


def test_a_history_without_faults_has_no_findings() -> None:
    exchange = Exchange("ACME")
    read = history(
        entry(exchange, bids=[(100, 5)], executions=[exchange.accepted("ann", 1)]),
        entry(exchange, asks=[(101, 5)], outcomes=[Outcome("g", 1, Code.OK, "", 1, 0)]),
    )
    assert read.findings == []
    assert read.accepted == {("ann", "c1"): [1]}
    assert read.books["ACME"].bids.best() == 100
    assert [begin.epoch for begin in read.epochs] == [7]


def test_a_packet_that_is_missing_is_found() -> None:
    exchange = Exchange("ACME")
    first, _, third = (entry(exchange, bids=[(100 + number, 5)]) for number in range(3))
    assert any("goes on after 2" in finding for finding in history(first, third).findings)


def test_an_order_that_is_accepted_twice_is_found() -> None:
    """Under two order ids it would trade twice."""
    exchange = Exchange("ACME")
    again = exchange.accepted("ann", 2)
    again = again._replace(execution=again.execution._replace(client_order_id="c1", user_seq=2))
    exchange.user_seqs["ann"] = 0
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]), entry(exchange, executions=[again]))
    assert read.accepted["ann", "c1"] == [1, 2]
    assert any("accepted again" in finding for finding in read.findings)


def test_a_command_that_is_applied_twice_is_found() -> None:
    exchange = Exchange("ACME")
    outcome = Outcome("g", 1, Code.OK, "", 1, 0)
    read = history(entry(exchange, outcomes=[outcome]), entry(exchange, outcomes=[outcome]))
    assert any("g 1 is applied after 1" in finding for finding in read.findings)


def test_a_trade_without_its_two_sides_is_found() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, trades=[exchange.trade(100, 5)]))
    assert any("has the sides []" in finding for finding in read.findings)


def deposited(user: str, user_seq: int, amount: str, balance: str) -> PrivateTransfer:
    row = Transfer(user_seq, 0, "t1", TransferKind.DEPOSIT, "USD", amount, balance, 0)
    return PrivateTransfer(user, row)


def test_transfers_and_executions_share_their_numbers() -> None:
    exchange = Exchange("ACME")
    given = [deposited(BANK, 1, "-9.000000", "-9.000000"), deposited("ann", 1, "9.000000", "9.000000")]
    exchange.user_seqs["ann"] = 1
    begin = entry(exchange, beginnings=[AccountsBegun(1)], transfers=given, executions=[exchange.accepted("ann", 1)])
    read = history(begin, entry(exchange, executions=[exchange.accepted("ann", 2)]))
    assert read.findings == []
    assert read.accounts["ann"].cash == {"USD": 9_000_000}
    assert list(read.transfers["ann"]) == [1]
    assert list(read.executions["ann"]) == [2, 3]


def test_a_transfer_that_is_missing_is_found() -> None:
    exchange = Exchange("ACME")
    given = [deposited(BANK, 1, "-9.000000", "-9.000000"), deposited("ann", 2, "9.000000", "9.000000")]
    read = history(entry(exchange, beginnings=[AccountsBegun(1)], transfers=given))
    assert any("transfer 2 of ann" in finding for finding in read.findings)


def test_money_from_nowhere_is_found() -> None:
    exchange = Exchange("ACME")
    given = [deposited(BANK, 1, "-9.000000", "-9.000000"), deposited("ann", 1, "9.000001", "9.000001")]
    read = history(entry(exchange, beginnings=[AccountsBegun(1)], transfers=given), entry(exchange))
    assert read.findings == ["1-1: 1 of USD came from nowhere"]


def test_another_balance_is_found() -> None:
    exchange = Exchange("ACME")
    given = [deposited(BANK, 1, "-9.000000", "-9.000000"), deposited("ann", 1, "9.000000", "8.000000")]
    read = history(entry(exchange, beginnings=[AccountsBegun(1)], transfers=given))
    assert read.findings == ["1-1: transfer 1 of ann leads not to 8.000000"]


def test_a_digest_that_is_not_that_of_the_levels_is_found() -> None:
    exchange = Exchange("ACME")
    told = entry(exchange, bids=[(100, 5)])
    change = told.packet.changes[0]
    wrong = told.packet._replace(changes=[change._replace(digest=change.digest ^ 1)])
    assert any("has digest" in finding for finding in history(told._replace(packet=wrong)).findings)


def test_a_book_may_be_crossed_in_a_call_and_not_behind_it() -> None:
    """Orders wait for one price; once it is open again nothing is left that could trade."""
    exchange = Exchange("ACME")
    call, again = (Status("ACME", state, "", 5) for state in (MarketState.AUCTION, MarketState.OPEN))
    crossed = entry(exchange, bids=[(100, 1)], asks=[(99, 1)], statuses=[call])
    assert history(crossed).findings == []
    [finding] = history(crossed, entry(exchange, statuses=[again])).findings
    assert "is crossed" in finding


def test_a_crossed_book_is_found() -> None:
    exchange = Exchange("ACME")
    assert any(
        "is crossed" in finding for finding in history(entry(exchange, bids=[(100, 1)], asks=[(99, 1)])).findings
    )


def test_a_history_that_grows_is_read_on_and_one_that_changed_is_read_anew() -> None:
    """A store that goes back takes packets with it; what they said must be forgotten."""
    exchange = Exchange("ACME")
    first, second = (entry(exchange, executions=[exchange.accepted("ann", number)]) for number in (1, 2))
    growing = GrowingHistory()
    assert len(growing.read([first]).accepted) == 1
    assert len(growing.read([first, second]).accepted) == 2
    shorter = growing.read([first])
    assert len(shorter.accepted) == 1
    assert shorter.findings == []


def test_entries_that_are_known_are_not_added_again() -> None:
    exchange = Exchange("ACME")
    entries = [entry(exchange, executions=[exchange.accepted("ann", number)]) for number in (1, 2, 3)]
    growing = GrowingHistory()
    first = growing.read(entries[:1])
    assert growing.read(entries) is first
    assert first.accepted == {("ann", f"c{number}"): [number] for number in (1, 2, 3)}
    assert (first.finding_count, growing.read(entries).accepted) == (0, first.accepted)


def test_another_history_is_read_from_its_beginning() -> None:
    """The store went back: what was read of the entries that are gone must not stay."""
    exchange, other = Exchange("ACME"), Exchange("ACME")
    growing = GrowingHistory()
    growing.read([entry(exchange, executions=[exchange.accepted("ann", number)]) for number in (1, 2)])
    now = growing.read([entry(other, executions=[other.accepted("ann", 7)])])
    assert now.accepted == {("ann", "c7"): [7]}


def test_what_was_trimmed_leads_to_what_is_left() -> None:
    exchange = Exchange("ACME")
    entries = [entry(exchange) for _ in range(4)]
    assert before(entries[2], reversed(entries)) == entries[:2]


def test_a_history_that_is_over_leads_nowhere() -> None:
    """A store that was wiped begins again at 0, and its first packets have ids above all that were before."""
    exchange = Exchange("ACME")
    lost = [entry(exchange) for _ in range(3)]
    anew = Exchange("ACME", epoch=8)
    anew.term = 2
    first = entry(anew)
    assert before(first, [*lost, first]) == []


def test_a_fault_in_the_exchange_s_digest_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The history computes it by the document's text; with the exchange's own code it was right on both sides."""
    monkeypatch.setattr(digest, "mix", lambda x: x)
    digest.level_digest.cache_clear()
    try:
        made = entry(Exchange("ACME"), bids=[(100, 5)])
        assert "ACME has digest" in history(made).findings[0]
    finally:
        digest.level_digest.cache_clear()
