"""A part that keeps dying is given up, one that dies now and then is not."""

from __future__ import annotations

from outcry.stack.restarts import RESTART_WINDOW_SECONDS, Restarts


def test_so_many_within_the_window_and_not_one_more() -> None:
    restarts = Restarts(2)
    assert [restarts.count("gateway-1", now) for now in (0.0, 1.0, 2.0)] == [True, True, False]


def test_each_part_has_its_own_count() -> None:
    restarts = Restarts(1)
    assert restarts.count("gateway-1", 0.0)
    assert restarts.count("gateway-2", 0.0)


def test_what_lies_before_the_window_is_forgotten() -> None:
    restarts = Restarts(1)
    assert restarts.count("matching", 0.0)
    assert not restarts.count("matching", RESTART_WINDOW_SECONDS)
    assert restarts.count("matching", RESTART_WINDOW_SECONDS + 0.1)


def test_a_refused_restart_is_not_counted() -> None:
    """Else a part that is asked for again and again would never be started any more."""
    restarts = Restarts(1)
    restarts.count("matching", 0.0)
    restarts.count("matching", RESTART_WINDOW_SECONDS - 1)
    assert restarts.count("matching", RESTART_WINDOW_SECONDS + 1)
