"""A table's prices, against a list of all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.tick_table import NO_TABLE, TICK_ROWS_MAX, TickTable, tick_table_fault
from openoutcry.wire.types import PRICE_MAX

TABLE = TickTable([(1, 1), (1_000, 5), (5_000, 10)])
FIVES = TickTable([(1, 5)])


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Right tables of small prices: each row begins at a multiple of both steps."""
    rows = [(1, draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(0, 3))):
        start, step = rows[-1]
        new = draw(st.integers(1, 6))
        product = step * new
        rows.append(((start // product + draw(st.integers(1, 3))) * product, new))
    return rows


def prices(rows: list[tuple[int, int]]) -> list[int]:
    """All prices up to 300, the slow way."""
    return [n for n in range(1, 301) if n % [step for start, step in rows if start <= n][-1] == 0]


@given(rows=tables(), price=st.integers(-2, 200))
def test_it_is_the_list_of_its_prices(rows: list[tuple[int, int]], price: int) -> None:
    assert tick_table_fault(rows) is None
    table, every = TickTable(rows), prices(rows)
    assert table.is_on_tick(price) is (price in every)
    assert table.step_up(price) == min(n for n in every if n > price)
    assert table.round_up(price) == min(n for n in every if n >= price)
    assert table.step_down(price) == max([n for n in every if n < price], default=0)
    assert table.round_down(price) == max([n for n in every if n <= price], default=0)


def test_the_greatest_row_at_or_below_a_price_counts() -> None:
    assert [TABLE.is_on_tick(price) for price in (999, 1_000, 1_002, 1_005, 5_005, 5_010)] == [
        True, True, False, True, False, True,
    ]  # fmt: skip
    assert (TABLE.step_up(999), TABLE.step_up(1_000), TABLE.step_up(4_999)) == (1_000, 1_005, 5_000)
    assert (TABLE.step_down(1_005), TABLE.step_down(1_000), TABLE.step_down(1)) == (1_000, 999, 0)
    assert TABLE.rule(1_002) == "from 1,000 ticks on, prices are multiples of 5, not 1,002"


def test_a_first_step_above_one_leaves_out_the_lowest_prices() -> None:
    assert (FIVES.step_up(0), FIVES.round_down(4), FIVES.step_down(5), FIVES.round_up(1)) == (5, 0, 0, 5)


def test_without_a_table_every_tick_is_a_price() -> None:
    assert not NO_TABLE
    assert TABLE
    assert (NO_TABLE.step_up(7), NO_TABLE.step_down(7), NO_TABLE.round_down(7)) == (8, 6, 7)
    assert NO_TABLE.is_on_tick(PRICE_MAX)


@pytest.mark.parametrize(
    ("rows", "place", "field", "rule"),
    [
        ([(2, 1)], 0, "from", "the first row is from 1, not 2"),
        ([(1, 0)], 0, "step", f"must be from 1 to {PRICE_MAX:,}, not 0"),
        ([(1, 1), (1_000, 3)], 1, "step", "must divide 1,000, not 3"),
        ([(1, 3), (1_000, 5)], 1, "from", "must be a multiple of 3, the step before, not 1,000"),
        ([(1, 1), (10, 5), (10, 5)], 2, "from", f"must be above 10 and at most {PRICE_MAX:,}, not 10"),
        ([(1, 1), (PRICE_MAX + 1, 1)], 1, "from", f"must be above 1 and at most {PRICE_MAX:,}, not {PRICE_MAX + 1:,}"),
        ([(n + 1, 1) for n in range(65)], TICK_ROWS_MAX, "", "a table has at most 64 rows, not 65"),
    ],
)
def test_a_wrong_table_is_told_by_row_field_and_rule(
    rows: list[tuple[int, int]], place: int, field: str, rule: str
) -> None:
    assert tick_table_fault(rows) == (place, field, rule)


def test_a_table_may_have_64_rows() -> None:
    assert tick_table_fault([(n + 1, 1) for n in range(TICK_ROWS_MAX)]) is None
    assert tick_table_fault([]) is None
