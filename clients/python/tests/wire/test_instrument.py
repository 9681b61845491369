"""Definitions say what is wrong with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError, InvalidArgument
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import PRICE_MAX


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


ACME = Instrument("ACME", tick_size="0.05", currency="EUR")


@pytest.mark.parametrize("amount", ["99.90", Decimal("99.9"), 99.9, "9.99e1"])
def test_an_amount_of_money_is_turned_into_ticks(amount: Decimal | str | float) -> None:
    """A float counts as the decimal that it is written as: 99.9 is 99.9 and not 99.900000000000005684."""
    assert ACME.ticks(amount) == 1998
    assert ACME.amount(1998) == Decimal("99.90")
    assert str(ACME.amount(1998)) == "99.90"


def test_whole_amounts_are_turned_too() -> None:
    assert ACME.ticks(100) == 2000


def test_every_tick_comes_back() -> None:
    for size in ("0.01", "0.000001", "999999999.999999", "3", "0.125"):
        instrument = Instrument("ACME", tick_size=size)
        for ticks in (1, 2, 3, 7, 99_999, PRICE_MAX):
            assert instrument.ticks(instrument.amount(ticks)) == ticks


@pytest.mark.parametrize("amount", ["99.91", 99.91, 0.1 + 0.2, Decimal("99.9000000000000000000000000000000000001")])
def test_an_amount_between_two_ticks_is_refused_with_both(amount: Decimal | str | float) -> None:
    with pytest.raises(InvalidArgument, match=r"no whole number of ACME's ticks of 0\.05 EUR; .* and "):
        ACME.ticks(amount)


def test_the_nearest_ticks_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"nearest are 99\.90 and 99\.95"):
        ACME.ticks("99.91")


@pytest.mark.parametrize(
    "amount", [True, None, "", "abc", float("nan"), float("inf"), Decimal("sNaN"), "1e999999999", b"1"]
)
def test_what_is_no_amount_of_money_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^amount: "):
        ACME.ticks(amount)
