from __future__ import annotations

from outcry.flow.pace import DEBT_SECONDS_MAX, Pace


def test_asks_for_the_rate() -> None:
    pace = Pace(200, now=10.0, changes=0)
    assert pace.commands_due(10.5, changes=0, under_way=0) == 100


def test_counts_what_was_seen_not_what_was_sent() -> None:
    """Commands that changed nothing are asked for again, so that the rate is one of changes."""
    pace = Pace(100, now=0.0, changes=0)
    assert pace.commands_due(1.0, changes=0, under_way=0) == 100
    assert pace.commands_due(1.0, changes=90, under_way=0) == 10


def test_takes_commands_under_way_for_changes() -> None:
    pace = Pace(100, now=0.0, changes=0)
    assert pace.commands_due(1.0, changes=40, under_way=60) == 0


def test_changes_before_it_began_are_not_its_own() -> None:
    pace = Pace(100, now=0.0, changes=5_000)
    assert pace.commands_due(0.5, changes=5_000, under_way=0) == 50


def test_gives_up_old_debt() -> None:
    """After a stall of a minute nobody wants a minute's orders at once."""
    pace = Pace(100, now=0.0, changes=0)
    assert pace.commands_due(60.0, changes=0, under_way=0) == 100 * DEBT_SECONDS_MAX


def test_others_changes_count_too() -> None:
    """The rate is of the market: who else trades leaves less for the bots, never a negative number."""
    pace = Pace(100, now=0.0, changes=0)
    assert pace.commands_due(1.0, changes=500, under_way=0) == 0
