"""A time is found by halving, as by reading all packets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.queries.lineage import Branch, Lineage, Place
from services.ledger.queries.place_search import PacketTime, PlaceBounds, bounds_of, first_place

Packets = dict[int, list[PacketTime]]
STEPS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30)


def history_of(steps: list[tuple[int, int]], position: int, time: int) -> list[PacketTime]:
    found = []
    for commands, later in steps:
        position, time = position + commands, time + later
        found.append((position, time))
    return found


@given(STEPS, STEPS, st.integers(0, 100), st.integers(0, 120))
def test_it_is_the_first_packet_that_is_not_before(
    old: list[tuple[int, int]], new: list[tuple[int, int]], fork: int, time: int
) -> None:
    first = history_of(old, 0, 10)
    kept = [packet for packet in first if packet[0] <= fork]
    left = kept[-1] if kept else (0, 10)
    second = history_of(new, *left)
    packets: Packets = {1: first, 2: second}
    lineage = Lineage((Branch(1, fork), Branch(2, None)))
    end = (second or kept or [(0, 0)])[-1][0]
    looks = 0

    def look(branch: Branch, position: int) -> PacketTime | None:
        nonlocal looks
        looks += 1
        until = end if branch.until is None else branch.until
        return next((packet for packet in packets[branch.number] if position <= packet[0] <= until), None)

    current: list[tuple[Place, int]] = [((1, position), at) for position, at in kept]
    current += [((2, position), at) for position, at in second]
    expected = next((place for place, at in current if at >= time), None)
    assert first_place(time, lineage, end, look) == expected
    assert looks <= 2 * 10
    bounds = bounds_of(time, time + 5, lineage, end, look)
    assert bounds.is_empty == (expected is None)
    for place, at in current:
        if time <= at < time + 5:
            assert bounds.first is not None
            assert bounds.first <= place
            assert bounds.last is None or place <= bounds.last


def test_without_times_it_is_everywhere() -> None:
    assert bounds_of(None, None, Lineage(()), 5, lambda _branch, _position: None) == PlaceBounds()
