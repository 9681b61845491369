"""A quote at the gateway: its form, who may send it, and what is answered; and who is called present."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.messages import Account, OpenOrder, Reply
from openoutcry.wire.quoted_pair import PAIRS_MAX, QuotedPair
from openoutcry.wire.types import Code, OrderKind, Side, TimeInForce
from services.gateway.requests import decode_request
from services.matching.command_log import _well_typed
from shared.logs.commands import decode_commands, encode_commands
from shared.logs.events import Outcome, PairsRefused
from shared.logs.mass_quote import MassQuote
from tests.unit.services.gateway.test_office import Office, asked

PAIR = {"instrument": "ACME", "bid": 99, "bid_quantity": 10, "ask": 101, "ask_quantity": 20}


def fault(**fields: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        decode_request(
            encode_request({"op": "quote", "id": 1, "quote_id": "q", **fields}, Encoding.JSON), Encoding.JSON
        )
    return str(refused.value.text)


def test_a_quote_becomes_its_command() -> None:
    _, batch, replies = asked("market_maker", op="quote", quote_id="q1", pairs=[PAIR, {"instrument": "OTHER"}])
    pairs = (QuotedPair("ACME", 99, 10, 101, 20), QuotedPair("OTHER"))
    assert (batch, replies) == ([MassQuote("gateway-1", 1, "adam", "q1", pairs)], [])
    assert decode_commands(encode_commands(batch)) == batch
    assert all(map(_well_typed, batch))
    wrong = MassQuote("g", 1, "adam", "q1", (QuotedPair("ACME", 1.0, 1, 2, 1),))  # type: ignore[arg-type]
    assert not _well_typed(wrong)


def test_only_market_makers_quote() -> None:
    _, batch, replies = asked("trader", op="quote", quote_id="q1", pairs=[PAIR])
    assert (batch, replies) == ([], [Reply(1, False, Code.NOT_PERMITTED, "role: trader may not quote", {})])


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([], "pairs: list should have at least 1 item after validation, not 0, not []"),
        ([PAIR, {**PAIR, "bid": -1, "instrument": "B"}], "pairs.1.bid: must be at least 0, not -1"),
        ([{**PAIR, "price": 3}], "pairs.0.price: is no field of this request"),
        ([PAIR, PAIR], "pairs.1.instrument: ACME stands twice"),
        ([{**PAIR, "instrument": f"I{n}"} for n in range(PAIRS_MAX + 1)], "pairs: may have 15 entries, this has 16"),
        ([{f"f{n}": n for n in range(300)}], "pairs.0: has fields that a pair does not have"),
    ],
)
def test_a_wrong_quote_is_told_by_pair_and_field(pairs: list[Any], text: str) -> None:
    assert fault(pairs=pairs) == text


def test_a_quote_id_leaves_room_for_its_orders_names() -> None:
    assert "must match" in fault(quote_id="q" * 33, pairs=[PAIR])


def test_the_reply_names_the_pairs_that_were_refused() -> None:
    office = Office()
    client, listener = office.enter_as("market_maker")
    for number in (1, 2):
        office.ask(client, listener, op="quote", id=number, quote_id=f"q{number}", pairs=[PAIR])
    orders = office.gateway.orders
    orders.take_batch()
    told = [PairsRefused("other", 1, [(0, "no")]), PairsRefused("gateway-1", 1, [(7, "quote: the bid 101 is …")])]
    outcomes = [Outcome("gateway-1", number, Code.OK, "", 0, 0) for number in (1, 2)]
    replies = [reply for _, reply in orders.answer(outcomes, told)]  # type: ignore[arg-type]
    assert [reply.data for reply in replies] == [{"refused": {"7": "quote: the bid 101 is …"}}, {"refused": {}}]


def test_a_log_entry_holds_fewer_quotes_than_orders() -> None:
    """One of 512 quotes of 15 pairs would hold the engine for a second."""
    office = Office()
    client, listener = office.enter_as("market_maker")
    for number in range(30):
        pairs = [{**PAIR, "instrument": f"I{n}"} for n in range(15)]
        office.ask(client, listener, op="quote", id=number, quote_id=f"q{number}", pairs=pairs)
    first, second = office.gateway.orders.take_batch(), office.gateway.orders.take_batch()
    assert [command.number for command in [*first, *second]] == list(range(1, 31))
    assert len(first) == 16


def test_a_lost_answer_says_what_may_be_repeated() -> None:
    office = Office()
    client, listener = office.enter_as("market_maker")
    office.ask(client, listener, op="quote", quote_id="q1", pairs=[PAIR])
    office.gateway.orders.take_batch()
    [(_, reply)] = office.gateway.orders.expire(office.now + 100)
    assert reply.code is Code.OUTCOME_UNKNOWN
    assert "same quote_id" in reply.text


def test_who_quotes_is_timed_like_whoever_switched_cancel_on_disconnect_on() -> None:
    """The engine ends quotes of users whom no gateway calls present."""
    market = Office().gateway.market
    rules = (OrderKind.LIMIT, TimeInForce.QUOTE, 99, 10, 10)
    quoted = OpenOrder(1, "q1:0b", "ACME", Side.BID, *rules)
    plain = quoted._replace(time_in_force=TimeInForce.GTC)
    accounts = {"max": Account(1, [quoted], {}, {}), "ann": Account(1, [plain], {}, {})}
    market.load(market.feed_id, [], [], accounts, 0)
    assert list(market.timed) == ["max"]
