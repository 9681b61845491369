"""A slow reader costs bounded memory, and learns what it missed."""

from __future__ import annotations

from openoutcry.tape_queue import TapeQueue
from openoutcry.trade_tape import Missing


def drained(queue: TapeQueue[str]) -> list[str | Missing]:
    found = []
    while (thing := queue.take()) is not None:
        found.append(thing)
    return found


def test_things_come_in_order() -> None:
    queue: TapeQueue[str] = TapeQueue()
    queue.add(1, "a")
    queue.add_missing(Missing(2, 3))
    queue.add(4, "d")
    assert len(queue) == 3
    assert drained(queue) == ["a", Missing(2, 3), "d"]
    assert len(queue) == 0


def test_beyond_the_limit_the_oldest_go_and_are_named_once() -> None:
    queue: TapeQueue[str] = TapeQueue(limit=2)
    for number, thing in enumerate("abcdef", start=1):
        queue.add(number, thing)
    assert len(queue) == 3
    assert drained(queue) == [Missing(1, 4), "e", "f"]


def test_dropped_news_of_missing_things_are_part_of_what_is_missing() -> None:
    queue: TapeQueue[str] = TapeQueue(limit=2)
    queue.add(1, "a")
    queue.add_missing(Missing(2, 7))
    queue.add(8, "h")
    queue.add(9, "i")
    assert drained(queue) == [Missing(1, 7), "h", "i"]


def test_a_reader_that_has_caught_up_misses_nothing_more() -> None:
    queue: TapeQueue[str] = TapeQueue(limit=1)
    queue.add(1, "a")
    queue.add(2, "b")
    drained(queue)
    queue.add(3, "c")
    assert drained(queue) == ["c"]
