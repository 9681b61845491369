"""Prices that an instrument's tick table does not have are refused, at every way in."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code, OrderKind
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import ListInstrument
from shared.logs.market_commands import SetTerms
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import code, outcome

ROWS = ((1, 1), (1_000, 5))


@pytest.fixture
def floor() -> Floor:
    """BETA, whose prices are multiples of 5 from 1,000 ticks on."""
    floor = Floor()
    floor.does(ListInstrument, Instrument("BETA"))
    floor.deposit("ann", 10_000)
    assert code(floor.does(SetTerms, "root", "BETA", 0, 0, ROWS)) is Code.OK
    return floor


def test_an_order_names_a_price_of_the_table(floor: Floor) -> None:
    refused = floor.bid("ann", 1_002, 1, instrument="BETA")
    assert (refused.code, refused.text) == (
        Code.OFF_TICK,
        "price: from 1,000 ticks on, prices are multiples of 5, not 1,002",
    )
    assert [floor.bid("ann", price, 1, instrument="BETA").code for price in (999, 1_000, 1_005)] == [Code.OK] * 3


def test_an_order_that_rests_stays_and_its_next_replace_is_asked(floor: Floor) -> None:
    """Whatever the replace changes: an order that is touched obeys today's table."""
    order_id = floor.bid("ann", 997, 10, instrument="BETA").order_id
    floor.does(SetTerms, "root", "BETA", 0, 0, ((1, 5),))
    assert floor.account("ann").orders[order_id].remaining == 10
    refused = floor.replace("ann", order_id, None, 9)
    assert (refused.code, refused.text) == (
        Code.OFF_TICK,
        "price: from 1 ticks on, prices are multiples of 5, not 997",
    )
    assert floor.replace("ann", order_id, 995, 9).code is Code.OK


def test_a_market_order_needs_no_table(floor: Floor) -> None:
    floor.grant("bob", 5, "BETA")
    floor.ask("bob", 1_005, 5, instrument="BETA")
    assert floor.bid("ann", 0, 1, instrument="BETA", kind=OrderKind.MARKET).code is not Code.OFF_TICK


def test_terms_tell_the_table_and_a_checkpoint_keeps_it(floor: Floor) -> None:
    market = floor.engine.instruments["BETA"]
    assert market.terms().tick_table == ROWS
    floor.engine.take_changed()
    engine = decode_checkpoint(encode_checkpoint(Checkpoint(floor.engine, 1, "store"))).engine
    assert engine.instruments["BETA"].terms() == market.terms()
    floor.engine = engine
    assert floor.bid("ann", 1_002, 1, instrument="BETA").code is Code.OFF_TICK
    floor.does(SetTerms, "root", "BETA", 0, 0, ())
    assert floor.bid("ann", 1_002, 1, instrument="BETA").code is Code.OK


def test_a_wrong_table_is_refused_by_row_field_and_rule(floor: Floor) -> None:
    refused = outcome(floor.does(SetTerms, "root", "BETA", 0, 0, ((1, 1), (1_000, 3))))
    assert (refused.code, refused.text) == (Code.BAD_REQUEST, "tick_table.1.step: must divide 1,000, not 3")
    assert floor.engine.instruments["BETA"].tick_table == ROWS
