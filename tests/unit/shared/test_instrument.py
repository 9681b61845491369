"""Definitions say what is wrong with them."""

from __future__ import annotations

import pytest

from shared.errors import ConfigurationError
from shared.instrument import Instrument
from shared.market_listing import DEFAULT_LISTING
from shared.types import PRICE_MAX


@pytest.mark.parametrize("instrument", DEFAULT_LISTING, ids=lambda instrument: instrument.symbol)
def test_the_default_listing_obeys_the_rules(instrument: Instrument) -> None:
    assert instrument.checked() is instrument


def test_the_default_listing_names_each_symbol_once() -> None:
    assert len({instrument.symbol for instrument in DEFAULT_LISTING}) == len(DEFAULT_LISTING) == 10


@pytest.mark.parametrize(
    ("instrument", "field"),
    [
        (Instrument("acme"), "symbol"),
        (Instrument("A" * 25), "symbol"),
        (Instrument(""), "symbol"),
        (Instrument("ACME", "bond"), "kind"),
        (Instrument("ACME", tick_size="0"), "tick_size"),
        (Instrument("ACME", tick_size="0.0000001"), "tick_size"),
        (Instrument("ACME", tick_size="-1"), "tick_size"),
        (Instrument("ACME", lot_size=0), "lot_size"),
        (Instrument("ACME", price_max=PRICE_MAX + 1), "price_max"),
        (Instrument("ACME", quantity_max=0), "quantity_max"),
        (Instrument("ACME", "option"), "option"),
        (Instrument("ACME", option={"right": "call"}), "option"),
    ],
)
def test_a_broken_rule_names_its_field(instrument: Instrument, field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        instrument.checked()
