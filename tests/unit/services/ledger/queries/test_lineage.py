"""Which records hold, and which answers touch a gap."""

from __future__ import annotations

import pytest

from services.ledger.queries.lineage import Branch, Gap, Lineage, lineage_of

GAP = Gap(2, 10, 20, "trimmed", 1_000, 2_000)
LINEAGE = Lineage((Branch(1, 8), Branch(2, None)), (GAP,))


@pytest.mark.parametrize(
    ("first", "last", "start", "end", "touched"),
    [
        (None, None, None, None, True),
        ((2, 20), None, None, None, False),
        ((2, 19), None, None, None, True),
        (None, (2, 10), None, None, False),
        (None, (2, 11), None, None, True),
        (None, (1, 99), None, None, False),
        ((1, 99), None, None, None, True),
        (None, None, 2_001, None, False),
        (None, None, 2_000, None, True),
        (None, None, None, 1_000, False),
        (None, None, None, 1_001, True),
    ],
)
def test_a_gap_is_touched(
    first: tuple[int, int] | None, last: tuple[int, int] | None, start: int | None, end: int | None, touched: bool
) -> None:
    assert LINEAGE.lacks_some(first, last, start, end) is touched


def test_a_gap_that_has_no_end_yet_is_touched_by_what_comes_after_it() -> None:
    lineage = LINEAGE._replace(gaps=(GAP._replace(before_time=None),))
    assert lineage.lacks_some(None, None, 10**9, None)


def test_what_is_orphaned_is_not_missing() -> None:
    lineage = lineage_of([Branch(2, None), Branch(1, 8)], [GAP, Gap(1, 9, 12, "trimmed", 0, None)])
    assert lineage == LINEAGE
    assert lineage.is_current(1, 8)
    assert not lineage.is_current(1, 9)
    assert not lineage.is_current(3, 1)
