"""A slow reader costs bounded memory, and learns what it missed."""

from __future__ import annotations

from openoutcry.backlog import Backlog
from openoutcry.trade_tape import Missing


def drained(backlog: Backlog[str]) -> list[str | Missing]:
    found = []
    while (thing := backlog.take()) is not None:
        found.append(thing)
    return found


def test_things_come_in_order() -> None:
    backlog: Backlog[str] = Backlog()
    backlog.add(1, "a")
    backlog.add_missing(Missing(2, 3))
    backlog.add(4, "d")
    assert len(backlog) == 3
    assert drained(backlog) == ["a", Missing(2, 3), "d"]
    assert len(backlog) == 0


def test_beyond_the_limit_the_oldest_go_and_are_named_once() -> None:
    backlog: Backlog[str] = Backlog(limit=2)
    for number, thing in enumerate("abcdef", start=1):
        backlog.add(number, thing)
    assert len(backlog) == 3
    assert drained(backlog) == [Missing(1, 4), "e", "f"]


def test_dropped_news_of_missing_things_are_part_of_what_is_missing() -> None:
    backlog: Backlog[str] = Backlog(limit=2)
    backlog.add(1, "a")
    backlog.add_missing(Missing(2, 7))
    backlog.add(8, "h")
    backlog.add(9, "i")
    assert drained(backlog) == [Missing(1, 7), "h", "i"]


def test_a_reader_that_has_caught_up_misses_nothing_more() -> None:
    backlog: Backlog[str] = Backlog(limit=1)
    backlog.add(1, "a")
    backlog.add(2, "b")
    drained(backlog)
    backlog.add(3, "c")
    assert drained(backlog) == ["c"]
