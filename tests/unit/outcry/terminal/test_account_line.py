"""What a user holds, in one line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from openoutcry.held_lots import HeldLots, RestrictedLots
from openoutcry.wire.instrument import Instrument
from outcry.terminal.account_line import account_line

ACME = Instrument("ACME")


def test_it_names_what_is_held_offered_and_held_back() -> None:
    held = HeldLots(
        100, 40, [RestrictedLots(1, 5, "vesting"), RestrictedLots(86_400_000_000, 60, "vesting")], Decimal(1)
    )
    line = account_line(ACME, held, 2_400_000_000, 400_400_000, -3_333_333, 7)
    assert line == (
        "100 ACME, average cost 0.0100, 40 offered, 60 not to be sold before 1970-01-02 00:00 UTC at the latest"
        " | 2,400.00 USD, 400.40 free, result -3.333333"
    )


def test_nothing_is_a_holding_too() -> None:
    assert account_line(ACME, None, 0, 0, 0, 7) == "0 ACME | 0.00 USD, 0.00 free, result 0.00"


@pytest.mark.parametrize(
    ("lots", "cost", "average"),
    [(2, "0.05", "0.02"), (2, "0.07", "0.04"), (3, "10", "3.33"), (-3, "-10", "3.33"), (0, "0", None)],
)
def test_the_average_cost_is_rounded_half_even(lots: int, cost: str, average: str | None) -> None:
    found = HeldLots(lots, 0, [], Decimal(cost)).average_cost(2)
    assert found == (None if average is None else Decimal(average))


def test_free_lots_are_what_is_neither_offered_nor_held_back() -> None:
    held = HeldLots(100, 40, [RestrictedLots(10, 30, "vesting")], Decimal(0))
    assert (held.free(9), held.free(10)) == (30, 60)
    assert HeldLots(-5, 0, [], Decimal(0)).free(1) == 0
