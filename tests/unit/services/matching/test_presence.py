"""Who was last seen when."""

from __future__ import annotations

from services.matching.presence import Presence


def test_nobody_is_absent_for_the_length_of_the_grace() -> None:
    """Absent for more than the grace: the tick that makes it whole is still the user's."""
    presence = Presence()
    presence.see("ann")
    presence.ticks += 3
    assert presence.take_absent(3) is None
    presence.ticks += 1
    assert presence.take_absent(3) == "ann"


def test_who_was_seen_again_is_absent_later() -> None:
    presence = Presence()
    presence.see("ann")
    presence.see("bob")
    presence.ticks += 2
    presence.see("ann")
    presence.ticks += 2
    assert [presence.take_absent(3), presence.take_absent(3)] == ["bob", None]


def test_an_absence_is_told_once_the_longest_first() -> None:
    """Order decides who is cancelled first when a tick cannot do all; it must be the same everywhere."""
    presence = Presence()
    for user in ("cat", "ann", "bob"):
        presence.see(user)
    presence.ticks += 9
    assert [presence.take_absent(3) for _ in range(4)] == ["cat", "ann", "bob", None]


def test_who_is_forgotten_is_never_absent() -> None:
    presence = Presence()
    presence.see("ann")
    presence.forget("ann")
    presence.forget("nobody")
    presence.ticks += 9
    assert presence.take_absent(3) is None


def test_its_rows_make_it_again() -> None:
    presence = Presence(5, [("ann", 2), ("bob", 4)])
    presence.see("ann")
    assert (presence.ticks, presence.rows()) == (5, [("bob", 4), ("ann", 5)])
    again = Presence(presence.ticks, presence.rows())
    assert again.rows() == presence.rows()
