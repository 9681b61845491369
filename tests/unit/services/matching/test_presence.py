"""Who was last seen when."""

from __future__ import annotations

from services.matching.presence import Presence


def test_nobody_is_absent_for_the_length_of_the_grace() -> None:
    """Absent for more than the grace: the tick that makes it whole is still the user's."""
    attendance = Presence()
    attendance.see("ann")
    attendance.ticks += 3
    assert attendance.take_absent(3) is None
    attendance.ticks += 1
    assert attendance.take_absent(3) == "ann"


def test_who_was_seen_again_is_absent_later() -> None:
    attendance = Presence()
    attendance.see("ann")
    attendance.see("bob")
    attendance.ticks += 2
    attendance.see("ann")
    attendance.ticks += 2
    assert [attendance.take_absent(3), attendance.take_absent(3)] == ["bob", None]


def test_an_absence_is_told_once_the_longest_first() -> None:
    """Order decides who is cancelled first when a tick cannot do all; it must be the same everywhere."""
    attendance = Presence()
    for user in ("cat", "ann", "bob"):
        attendance.see(user)
    attendance.ticks += 9
    assert [attendance.take_absent(3) for _ in range(4)] == ["cat", "ann", "bob", None]


def test_who_is_forgotten_is_never_absent() -> None:
    attendance = Presence()
    attendance.see("ann")
    attendance.forget("ann")
    attendance.forget("nobody")
    attendance.ticks += 9
    assert attendance.take_absent(3) is None


def test_its_rows_make_it_again() -> None:
    attendance = Presence(5, [("ann", 2), ("bob", 4)])
    attendance.see("ann")
    assert (attendance.ticks, attendance.rows()) == (5, [("bob", 4), ("ann", 5)])
    again = Presence(attendance.ticks, attendance.rows())
    assert again.rows() == attendance.rows()
