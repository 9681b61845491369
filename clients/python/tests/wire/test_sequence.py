"""The sequence rule, each line of it."""

from __future__ import annotations

import pytest

from openoutcry.wire.sequence import Verdict, classify


@pytest.mark.parametrize(
    ("mine", "prev_seq", "seq", "verdict"),
    [
        pytest.param(5, 5, 6, Verdict.APPLY, id="the next change"),
        pytest.param(5, 5, 9, Verdict.APPLY, id="the next changes, merged"),
        pytest.param(5, 3, 6, Verdict.APPLY, id="a range that straddles the position"),
        pytest.param(5, 4, 5, Verdict.DUPLICATE, id="what is known"),
        pytest.param(5, 0, 4, Verdict.DUPLICATE, id="what is long known"),
        pytest.param(5, 5, 5, Verdict.DUPLICATE, id="an empty range at the position"),
        pytest.param(5, 6, 7, Verdict.GAP, id="one change is missing"),
        pytest.param(5, 9, 9, Verdict.GAP, id="an empty range beyond the position"),
        pytest.param(0, 0, 1, Verdict.APPLY, id="the first change of all"),
    ],
)
def test_ranges_are_classified(mine: int, prev_seq: int, seq: int, verdict: Verdict) -> None:
    assert classify(mine, prev_seq, seq) is verdict
