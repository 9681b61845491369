"""The garbage collector's share of an engine's time while a book grows."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from services.matching.__main__ import COLLECTOR_THRESHOLDS

LOOKED_AT_MAX = 25_000
"""Objects that one collection may walk through, some 10 ms."""
GROWTH = 120_000
"""New objects that stay: a book of some 40,000 orders more."""


@pytest.fixture
def threshold() -> Iterator[None]:
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("threshold")
def test_a_growing_book_is_never_walked_through_at_once() -> None:
    """A collection of 100,000 young objects took 40 ms, in the middle of trading."""
    sizes: list[int] = []

    def note(phase: str, found: dict[str, int]) -> None:
        if phase == "start":
            sizes.append(sum(len(gc.get_objects(generation)) for generation in range(found["generation"] + 1)))

    gc.callbacks.append(note)
    try:
        grown = [[number] for number in range(GROWTH)]
    finally:
        gc.callbacks.remove(note)
    assert len(grown) == GROWTH
    assert sizes, "the young must be looked at, since errors leave circles"
    assert max(sizes) <= LOOKED_AT_MAX
