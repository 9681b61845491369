"""Many hashes in one number."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openoutcry.wire.digest import MASK, mix
from services.matching.book import level_hashes
from services.matching.book.level_hashes import LANES_MAX, LANES_MIN, mixed


@given(st.lists(st.integers(0, MASK), max_size=64))
@example([MASK] * 64)
@example([0] * 64)
@example([0, MASK] * 32)
def test_is_what_the_digest_says_for_each_value(values: list[int]) -> None:
    """A lane that leaked into its neighbour would break every client's proof."""
    assert mixed(values) == [mix(value) for value in values]


@given(st.integers(0, MASK))
@example(0)
@example(MASK)
def test_one_value_is_what_the_digest_says(value: int) -> None:
    """The engine computes with a `mix` of its own, clients with the published one."""
    assert level_hashes.mix(value) == mix(value)


@pytest.mark.parametrize("count", [0, 1, LANES_MIN - 1, LANES_MIN, LANES_MAX, LANES_MAX + 1, 3 * LANES_MAX + 2])
def test_takes_any_number_of_values(count: int) -> None:
    """A packet after a sweep of the book touches thousands of levels."""
    values = [(number * 2_654_435_761) & MASK for number in range(count)]
    assert mixed(values) == [mix(value) for value in values]
