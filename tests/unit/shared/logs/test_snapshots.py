"""What the engine keeps for late joiners survives Redis, and damage is told apart."""

from __future__ import annotations

from collections.abc import Callable

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, OpenOrder, Terms
from openoutcry.wire.types import MarketState, OrderKind, Side, TimeInForce
from shared.logs.snapshots import SNAPSHOT_VERSION as VERSION
from shared.logs.snapshots import (
    BookState,
    BookStateReader,
    decode_accounts,
    decode_book_state,
    decode_listing,
    encode_accounts,
    encode_book_state,
    encode_listing,
)

STATE = BookState(
    "ACME",
    7,
    "3-12",
    4,
    0,
    [[100, 5, 1]],
    [],
    99,
    100,
    99,
    101,
    98,
    50,
    3,
    MarketState.HALTED,
    "news",
    17,
    2,
    9,
    101,
    500,
    "volatility",
    19,
    Terms("ACME", 9, 101, 500, band_bp=200)[4:],
    (3, 100, 50, -20),
)

PLAIN = STATE._replace(terms_time=0, reference=0, collar_bp=0, phase="", until=0, terms=(), auction=())


def test_a_book_survives() -> None:
    decoded = decode_book_state(encode_book_state(STATE))
    assert decoded == STATE._replace(terms=([], *STATE.terms[1:]))
    assert decoded.state is MarketState.HALTED


def test_a_book_of_version_2_is_read() -> None:
    """Gateways are replaced before the engines, or after them."""
    assert decode_book_state(msgpack.packb([2, STATE[:16]])) == PLAIN._replace(state_time=0, epoch_trade_id=0)


def test_a_book_of_an_exchange_without_terms_is_read_and_written_as_before() -> None:
    """A gateway of before reads 18 fields and no more: it goes on until somebody sets terms."""
    assert encode_book_state(PLAIN) == msgpack.packb([VERSION, STATE[:18]])
    assert decode_book_state(msgpack.packb([VERSION, STATE[:18]])) == PLAIN


def test_a_book_in_no_call_is_written_as_before() -> None:
    """Most books of the day are."""
    plain = STATE._replace(auction=())
    assert encode_book_state(plain) == msgpack.packb([VERSION, STATE[:24]])
    assert decode_book_state(encode_book_state(plain)).auction == ()


def test_a_book_without_sessions_is_written_as_before() -> None:
    plain = STATE._replace(phase="", until=0, terms=(), auction=())
    assert encode_book_state(plain) == msgpack.packb([VERSION, STATE[:21]])
    assert decode_book_state(msgpack.packb([VERSION, STATE[:21]])) == plain


@pytest.mark.parametrize("at", range(len(STATE)))
def test_a_book_with_a_field_of_another_type_is_malformed(at: int) -> None:
    """It would break whoever loads it, far from the key that holds it."""
    with pytest.raises(MalformedMessage):
        decode_book_state(msgpack.packb([VERSION, [*STATE[:at], None, *STATE[at + 1 :]]]))


def test_terms_with_bytes_are_malformed() -> None:
    """JSON has none: the definition would end the gateway when somebody asks for it."""
    session = {"opens": b"09:00", "closes": "17:00"}
    with pytest.raises(MalformedMessage):
        decode_listing(msgpack.packb([VERSION, [Instrument("ACME", session=session)]]))  # type: ignore[arg-type]


def test_a_book_with_a_level_of_another_shape_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        decode_book_state(msgpack.packb([VERSION, STATE._replace(bids=[[100, 5]])]))


@pytest.mark.parametrize(
    "account",
    [
        ["ada", [1, [], {}, {"USD": "1.5"}, False]],
        ["ada", [1, [], {"ACME": "2"}, {}, False]],
        ["ada", [1, [[1]], {}, {}, False]],
        ["ada", [1, [[1, "mine", "ACME", "bid", "limit", "gtc", "100", 5, 3]], {}, {}, False]],
        ["ada", [1, [], {}, {}, 0]],
        [7, [1, [], {}, {}, False]],
        ["ada", [1, [], {}, {}, False, {}]],
        ["ada", [1, [], {}, {}, False, {"ACME": [1, 0, [], "1"]}, {}, {}]],
        ["ada", [1, [], {}, {}, False, {"ACME": [1, 0, "0.000000"]}, {}, {}]],
        ["ada", [1, [], {}, {}, False, {"ACME": [1, 0, [[1, 2]], "0.000000"]}, {}, {}]],
        ["ada", [1, [], {}, {}, False, {"ACME": 1}, {}, {}]],
        ["ada", [1, [], {}, {}, False, {}, {"USD": 1}, {}]],
        ["ada", [1, [], {}, {}, False, {}, {}, {"USD": "1"}]],
    ],
)
def test_an_account_with_a_field_of_another_type_is_malformed(account: object) -> None:
    with pytest.raises(MalformedMessage):
        decode_accounts(msgpack.packb([VERSION, [account]]))


def test_a_listing_survives_in_its_order() -> None:
    listing = [Instrument("B"), Instrument("A", "option", option={"right": "call"})]
    assert decode_listing(encode_listing(listing)) == listing


def test_accounts_survive() -> None:
    order = OpenOrder(1, "mine", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 3)
    ada = Account(4, [order], {"ACME": 2}, {"USD": "-0.000001"})
    accounts = {"ada": ada, "bob": Account(0, [], {}, {}, cancel_on_disconnect=True)}
    assert decode_accounts(encode_accounts(accounts)) == accounts


def test_accounts_that_hold_something_survive() -> None:
    held = {"ACME": [5, 2, [[9, 3, "vesting"]], "-12.500000"]}
    ada = Account(4, [], {"ACME": 5}, {"USD": "7.000000"}, False, held, {"USD": "1.000000"}, {"USD": "-0.000001"})
    bank = Account(1, [], {}, {"USD": "-7.000000"}, False, {}, {"USD": "0.000000"}, {"USD": "0.000000"})
    assert decode_accounts(encode_accounts({"~bank": bank, "ada": ada})) == {"~bank": bank, "ada": ada}


def test_accounts_of_an_exchange_that_keeps_none_are_written_as_before() -> None:
    """A gateway of before reads five fields and no more."""
    ada = Account(4, [], {"ACME": 2}, {"USD": "-0.000001"})
    row = ["ada", [4, [], {"ACME": 2}, {"USD": "-0.000001"}, False]]
    assert encode_accounts({"ada": ada}) == msgpack.packb([VERSION, [row]])


@pytest.mark.parametrize("decode", [decode_book_state, decode_listing, decode_accounts])
@pytest.mark.parametrize(
    "content", [None, [], [VERSION + 1, []], *([VERSION, wrong] for wrong in (None, [1], [[1, 2, 3]], ["x"]))]
)
def test_damage_and_other_versions_are_malformed(decode: Callable[[bytes], object], content: object) -> None:
    with pytest.raises(MalformedMessage):
        decode(msgpack.packb(content))


def test_an_unknown_market_state_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="ajar"):
        decode_book_state(msgpack.packb([VERSION, STATE._replace(state="ajar")]))  # type: ignore[arg-type]


def in_parts(data: bytes, count: int) -> BookState:
    """Read a book as a gateway reads a deep one."""
    reader = BookStateReader(data)
    sides: list[list[list[int]]] = [[], []]
    for side in sides:
        while (levels := reader.read_levels(count)) is not None:
            assert 0 < len(levels) <= count
            side.extend(levels)
    return reader.state()._replace(bids=sides[0], asks=sides[1])


LEVELS = st.lists(st.lists(st.integers(0, 1 << 40), min_size=3, max_size=3), max_size=20)


@given(LEVELS, LEVELS, st.integers(1, 7))
def test_a_book_that_is_read_in_parts_is_the_same(bids: list[list[int]], asks: list[list[int]], count: int) -> None:
    for state in (STATE._replace(bids=bids, asks=asks), STATE._replace(bids=bids, asks=asks, terms_time=5)):
        data = encode_book_state(state)
        assert in_parts(data, count) == decode_book_state(data)


@given(st.binary(max_size=3), st.data())
def test_what_is_malformed_is_so_in_parts_as_well(piece: bytes, data: st.DataObject) -> None:
    """Bytes that are cut, written over or have more behind them."""
    whole = encode_book_state(STATE._replace(bids=[[100, 5, 1], [99, 7, 300]], asks=[[101, 70_000, 2]]))
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(len(whole), at + 3)))
    damaged = whole[:at] + piece + whole[end:]
    try:
        expected = decode_book_state(damaged)
    except MalformedMessage:
        with pytest.raises(MalformedMessage):
            in_parts(damaged, 1)
    else:
        assert in_parts(damaged, 1) == expected
