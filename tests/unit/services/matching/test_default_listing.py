"""What the market lists where nothing else is said."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from services.matching.default_listing import DEFAULT_LISTING


@pytest.mark.parametrize("instrument", DEFAULT_LISTING, ids=lambda instrument: instrument.symbol)
def test_the_default_listing_obeys_the_rules(instrument: Instrument) -> None:
    assert instrument.checked() is instrument


def test_the_default_listing_names_each_symbol_once() -> None:
    assert len({instrument.symbol for instrument in DEFAULT_LISTING}) == len(DEFAULT_LISTING) == 10


def test_the_default_options_symbols_say_strike_year_and_month() -> None:
    options = [instrument.symbol for instrument in DEFAULT_LISTING if instrument.kind == "option"]
    assert options == ["ACME-C90-2703", "ACME-C100-2703", "ACME-C110-2703", "ACME-C100-2709"]
