"""What is due, and in which order."""

from __future__ import annotations

from services.matching.timers import EXPIRY_RANK, NEVER, PHASE_RANK, RULE_RANK, Timers


def popped(timers: Timers, time_us: int) -> list[str]:
    found: list[str] = []
    while (timer := timers.pop(time_us)) is not None:
        found.append(timer.key)
    return found


def test_at_the_same_moment_what_ends_ends_first_and_then_as_it_was_set() -> None:
    timers = Timers()
    for key, due, rank in (("c", 5, PHASE_RANK), ("b", 5, RULE_RANK), ("a", 5, EXPIRY_RANK), ("d", 5, PHASE_RANK)):
        timers.set("x", key, due, rank)
    timers.set("x", "later", 6, EXPIRY_RANK)
    assert popped(timers, 4) == []
    assert popped(timers, 5) == ["a", "b", "c", "d"]
    assert timers.next_due == 6


def test_what_is_set_again_happens_once_and_at_the_later_setting() -> None:
    timers = Timers()
    timers.set("x", "a", 5, PHASE_RANK)
    timers.set("x", "a", 9, PHASE_RANK)
    assert (popped(timers, 8), timers.due("x", "a")) == ([], 9)
    assert popped(timers, 9) == ["a"]
    assert (len(timers), timers.next_due) == (0, NEVER)


def test_what_is_forgotten_takes_no_room_for_long() -> None:
    timers = Timers()
    for n in range(1_000):
        timers.set("x", str(n), n + 1, PHASE_RANK)
        timers.forget("x", str(n))
    assert (len(timers), timers.rows()) == (0, [])
    assert len(timers._heap) <= 65
    assert popped(timers, 2_000) == []
