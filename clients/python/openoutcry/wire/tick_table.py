"""Which prices an instrument has: a table of steps that grow with the price.

Owns the rule and its table's form. A price obeys the row of the greatest `from` that is at most the price: it is a
multiple of that row's step. Each later `from` is a multiple of its own step and of the one before, so the rows meet.
Without a table every whole tick is a price.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from openoutcry.wire.types import PRICE_MAX

TICK_ROWS_MAX: Final = 64
"""Rows of a table."""


class TickTable:
    """
    A table of steps.

    Args:
        rows: [from, step], in ticks, of which `tick_table_fault` has nothing to say; none: every whole tick is a price.
    """

    __slots__ = ("_froms", "_steps", "rows")

    def __init__(self, rows: Sequence[Sequence[int]] = ()) -> None:
        self.rows = tuple((start, step) for start, step in rows)
        self._froms = [start for start, _ in self.rows] or [1]
        self._steps = [step for _, step in self.rows] or [1]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def step(self, price: int) -> int:
        """Return the step that a price obeys, in ticks; O(log rows)."""
        return self._steps[self._row(price)]

    def is_on_tick(self, price: int) -> bool:
        """Tell whether there is such a price; O(log rows)."""
        return price >= 1 and price % self.step(price) == 0

    def round_down(self, price: int) -> int:
        """Return the highest price of the table that is at most this one; 0 if there is none."""
        return price - price % self.step(price) if price >= 1 else 0

    def round_up(self, price: int) -> int:
        """Return the lowest price of the table that is at least this one."""
        return price if self.is_on_tick(price) else self.step_up(price)

    def step_up(self, price: int) -> int:
        """Return the lowest price of the table above this one, which need not be of the table itself."""
        if price < 1:
            return self._steps[0]
        step = self.step(price)
        return price - price % step + step  # never beyond the next row's first price, a multiple of this step

    def step_down(self, price: int) -> int:
        """Return the highest price of the table below this one; 0 if there is none."""
        return self.round_down(price - 1)

    def rule(self, price: int) -> str:
        """Return the sentence for a price that is not of the table."""
        row = self._row(price)
        return f"from {self._froms[row]:,} ticks on, prices are multiples of {self._steps[row]:,}, not {price:,}"

    def _row(self, price: int) -> int:
        return max(bisect_right(self._froms, price) - 1, 0)


NO_TABLE: Final = TickTable()
"""Every whole tick is a price."""


def tick_table_fault(rows: Sequence[Sequence[int]]) -> tuple[int, str, str] | None:  # noqa: PLR0911 - one a rule
    """Return the number, field and broken rule of a table's first wrong row, or None; rows are pairs of integers."""
    if len(rows) > TICK_ROWS_MAX:
        return TICK_ROWS_MAX, "", f"a table has at most {TICK_ROWS_MAX} rows, not {len(rows):,}"
    before, step_before = 0, 1
    for place, (start, step) in enumerate(rows):
        if not place and start != 1:
            return place, "from", f"the first row is from 1, not {start:,}"
        if place and not before < start <= PRICE_MAX:
            return place, "from", f"must be above {before:,} and at most {PRICE_MAX:,}, not {start:,}"
        if not 1 <= step <= PRICE_MAX:
            return place, "step", f"must be from 1 to {PRICE_MAX:,}, not {step:,}"
        if place and start % step_before:
            return place, "from", f"must be a multiple of {step_before:,}, the step before, not {start:,}"
        if place and start % step:
            return place, "step", f"must divide {start:,}, not {step:,}"
        before, step_before = start, step
    return None
