"""What a gateway's core does where the exchange keeps accounts: transfers, the beginning of accounts, terms."""

from __future__ import annotations

import pytest

from openoutcry.wire.codec import Encoding
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, Message, Reply, Terms, Transfer
from openoutcry.wire.types import BANK, TransferKind
from services.gateway.replica import Changes, MarketReplica, ReplicaBroken
from shared.logs.events import AccountsBegun, PrivateExecution, PrivateTransfer
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.test_gateway import House

HELD = Account(0, [], {}, {}, False, {}, {}, {})
TERMS = Terms("ACME", 5, 10_000, 500, [])


def transfer(user: str, user_seq: int, amount: str, balance: str, asset: str = "USD") -> PrivateTransfer:
    kind = TransferKind.DEPOSIT if asset == "USD" else TransferKind.GRANT
    return PrivateTransfer(user, Transfer(user_seq, 5, f"t{user_seq}", kind, asset, amount, balance, 0))


def begun(exchange: Exchange) -> MarketReplica:
    market = MarketReplica()
    market.load(*exchange.snapshots({BANK: HELD}))
    return market


def test_transfers_and_executions_go_on_in_the_order_of_their_numbers() -> None:
    """They come in two sections of the packet, and would be gaps to the user in any other order."""
    exchange = Exchange("ACME")
    market = begun(exchange)
    changes = Changes()
    first, third = (
        transfer("ann", 1, "9.000000", "9.000000"),
        transfer("ann", 3, "1.000000", "10.000000"),
    )
    exchange.user_seqs["ann"] = 1
    second = exchange.accepted("ann", 1)
    bank = transfer(BANK, 1, "-9.000000", "-9.000000")
    market.apply(*exchange.packet(executions=[second], transfers=[bank, first, third]), changes)
    assert [row for row in changes.executions if row.user == "ann"] == [first, second, third]
    assert market.account("ann").cash == {"USD": "10.000000"}
    assert market.account("ann").reserved == {"USD": "5.000000"}
    assert market.account(BANK).cash == {"USD": "-9.000000"}


def test_transfers_that_are_known_change_nothing() -> None:
    exchange = Exchange("ACME")
    market = begun(exchange)
    packet = exchange.packet(transfers=[transfer("ann", 1, "9.000000", "9.000000")])
    market.apply(*packet, Changes())
    again = Changes()
    market.apply(*packet, again)
    assert not again.executions
    assert market.account("ann").cash == {"USD": "9.000000"}


def test_a_missing_transfer_breaks_it() -> None:
    exchange = Exchange("ACME")
    market = begun(exchange)
    with pytest.raises(ReplicaBroken, match="transfer 2 of ann is not the next of theirs"):
        market.apply(*exchange.packet(transfers=[transfer("ann", 2, "9.000000", "9.000000")]), Changes())


def test_another_balance_breaks_it() -> None:
    """Each transfer proves what is held, as a digest proves a book."""
    exchange = Exchange("ACME")
    market = begun(exchange)
    with pytest.raises(ReplicaBroken, match="transfer 1 of ann leads to another balance"):
        market.apply(*exchange.packet(transfers=[transfer("ann", 1, "5", "6", "ACME")]), Changes())


def test_a_transfer_where_no_accounts_are_known_breaks_it() -> None:
    exchange = Exchange("ACME")
    market = MarketReplica()
    market.load(*exchange.snapshots())
    with pytest.raises(ReplicaBroken, match="the beginning of accounts did not"):
        market.apply(*exchange.packet(transfers=[transfer("ann", 1, "5", "5", "ACME")]), Changes())


def test_accounts_of_users_never_seen_hold_nothing_and_say_so() -> None:
    exchange = Exchange("ACME")
    market = MarketReplica()
    market.load(*exchange.snapshots())
    assert market.account("ann") == Account(0, [], {}, {})
    changes = Changes()
    market.apply(*exchange.packet(beginnings=[AccountsBegun(5)]), changes)
    assert market.account("ann") == HELD
    assert begun(exchange).account("ann") == HELD
    assert changes.beginnings == [AccountsBegun(5)]


def test_a_beginning_that_the_snapshots_hold_changes_nothing() -> None:
    exchange = Exchange("ACME")
    market = MarketReplica()
    ann = Account(2, [], {"ACME": 5}, {}, False, {"ACME": [5, 0, [], "0.000000"]}, {}, {})
    market.load(*exchange.snapshots({BANK: HELD, "ann": ann}))
    changes = Changes()
    market.apply(*exchange.packet(beginnings=[AccountsBegun(5)]), changes)
    assert market.account("ann") == ann
    assert not changes.beginnings


def test_older_terms_than_those_loaded_change_nothing() -> None:
    """Snapshots may be ahead of the feed that is read after them."""
    exchange = Exchange("ACME")
    cover, listing, states, accounts, time_us = exchange.snapshots()
    market = MarketReplica()
    market.load(cover, listing, [states[0]._replace(terms_time=9, reference=1, collar_bp=2)], accounts, time_us)
    changes = Changes()
    market.apply(*exchange.packet(terms=[TERMS]), changes)
    assert not changes.terms
    assert market.instruments["ACME"].terms == Terms("ACME", 9, 1, 2)


def test_terms_that_changed_between_snapshots_are_told() -> None:
    exchange = Exchange("ACME", "BETA")
    cover, listing, states, accounts, time_us = exchange.snapshots()
    market = MarketReplica()
    market.load(cover, listing, states, accounts, time_us)
    later = [states[0]._replace(terms_time=9, reference=1, collar_bp=2), states[1]]
    assert market.load(cover, listing, later, accounts, time_us).terms == [Terms("ACME", 9, 1, 2)]
    assert market.load(cover, listing, states, accounts, time_us).terms == [Terms("ACME", 0, 0, 0)]


@pytest.mark.parametrize("encoding", Encoding)
def test_a_user_hears_transfers_among_executions(encoding: Encoding) -> None:
    house = House("ACME")
    client, listener = house.enter("ann", encoding=encoding)
    house.feed(beginnings=[AccountsBegun(5)])
    house.ask(client, listener, op="subscribe", channel="account")
    listener.forget()
    house.exchange.user_seqs["ann"] = 1
    accepted = house.exchange.accepted("ann", 1)
    house.feed(executions=[accepted], transfers=[transfer("ann", 1, "9.000000", "9.000000")])
    assert numbered(listener.messages) == [(Transfer, 1), (Execution, 2)]


def test_nobody_hears_another_users_transfers() -> None:
    house = House("ACME")
    client, listener = house.enter("bob")
    house.feed(beginnings=[AccountsBegun(5)])
    house.ask(client, listener, op="subscribe", channel="account")
    house.feed(transfers=[transfer("ann", 1, "9.000000", "9.000000"), transfer(BANK, 1, "-9.000000", "-9.000000")])
    assert listener.heard(Transfer) == []


def test_who_is_connected_as_accounts_begin_gets_the_account_anew() -> None:
    house = House("ACME")
    client, listener = house.enter("ann")
    house.ask(client, listener, op="subscribe", channel="account")
    house.feed(beginnings=[AccountsBegun(5)], executions=[house.exchange.accepted("ann", 1)])
    before, after = listener.heard(Account)
    assert (before.holdings, after.holdings) == (None, {"ACME": [0, 0, [], "0.000000"]})
    assert numbered(listener.messages)[-2:] == [(Execution, 1), (Account, 1)]


def test_terms_come_after_the_definitions_and_to_everyone_when_they_change() -> None:
    house = House("ACME", "BETA")
    client, listener = house.enter("ann")
    house.feed(terms=[TERMS])
    assert listener.heard(Terms) == [TERMS]
    listener.forget()
    house.ask(client, listener, op="instruments")
    assert [type(message) for message in listener.messages] == [Reply, Instrument, Instrument, Terms]
    house.feed(terms=[TERMS._replace(time=6, collar_bp=600)])
    listener.forget()
    house.ask(client, listener, op="instruments")
    assert [terms.collar_bp for terms in listener.heard(Terms)] == [600]


def numbered(messages: list[Message]) -> list[tuple[type[Message], int]]:
    kinds = (Account, Execution, Transfer)
    return [(type(message), message.user_seq) for message in messages if isinstance(message, kinds)]


def test_a_packet_without_transfers_is_passed_on_as_it_came() -> None:
    exchange = Exchange("ACME")
    market = begun(exchange)
    rows = [exchange.accepted(user, n) for n, user in enumerate(("cat", "ann", "bob", "ann"), 1)]
    changes = Changes()
    market.apply(*exchange.packet(executions=rows), changes)
    assert [(row.user, row[1].user_seq) for row in changes.executions if isinstance(row, PrivateExecution)] == [
        ("cat", 1),
        ("ann", 1),
        ("bob", 1),
        ("ann", 2),
    ]
