"""Nobody is always first: the starts of loops over users, and what they come to over many loops."""

from __future__ import annotations

from collections import Counter
from statistics import mean

import pytest

from services.gateway.rotation import Rotation

LOOPS = 1000
"""Ten seconds of flushes at the default pace."""


def mean_places(rotation: Rotation, size: int, loops: int, *, every: int = 1) -> list[float]:
    """Return each member's mean place, 0 first and 1 last, over the loops that count."""
    sums = [0] * size
    for loop in range(loops * every):
        start = rotation.start(size)
        if loop % every == 0:
            for number in range(size):
                sums[number] += (number - start) % size
    return [each / loops / (size - 1) for each in sums]


@pytest.mark.parametrize("size", [2, 3, 7, 50, 100, 997])
def test_everybodys_mean_place_is_the_middle(size: int) -> None:
    """Also the best and the worst differ by less than the 10 % that the 5th and 95th percentile may."""
    places = mean_places(Rotation(), size, LOOPS)
    assert max(places) - min(places) < 0.02
    assert mean(places) == pytest.approx(0.5)


@pytest.mark.parametrize("every", [2, 3, 10, 20])
def test_also_for_those_whom_only_some_of_the_loops_concern(every: int) -> None:
    """Channels take turns, and so do the parts of a sweep: no multiple of the step may fall into a rhythm."""
    places = mean_places(Rotation(), 100, LOOPS // 4, every=every)
    assert max(places) - min(places) < 0.05


def test_also_over_a_second_of_heartbeats_and_a_few_flushes() -> None:
    places = mean_places(Rotation(), 100, 20)
    assert max(places) - min(places) < 0.15


def test_everybody_is_first_equally_often() -> None:
    rotation = Rotation()
    firsts = Counter(rotation.start(10) for _ in range(LOOPS))
    assert len(firsts) == 10
    assert max(firsts.values()) - min(firsts.values()) <= 3


def test_a_start_is_always_a_place() -> None:
    rotation = Rotation()
    for size in (0, 1, 2, 3, 10_000, 0, 1):
        for _ in range(100):
            assert 0 <= rotation.start(size) < max(size, 1)


def test_an_order_is_the_same_ring_from_another_place() -> None:
    rotation = Rotation()
    users = dict.fromkeys("abcdef")
    orders = {"".join(rotation.order(users)) for _ in range(50)}
    assert orders == {"abcdef"[start:] + "abcdef"[:start] for start in range(6)}
    assert rotation.order({}) == []
    assert rotation.order({"a": 1}) == ["a"]
