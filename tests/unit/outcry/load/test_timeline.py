"""The deeds of a run, and when everybody was whole after them."""

from __future__ import annotations

from outcry.load.counts import LoadCounts
from outcry.load.scenario import SCENARIOS, Action, Deed, Scenario
from outcry.load.timeline import Timeline

LOSS = Scenario("loss", "", actions=(Action(0.5, Deed.LOSE_GATEWAY),))


def counts(disconnects: int) -> dict[str, int]:
    return LoadCounts(disconnects=disconnects).as_dict()


def test_deeds_come_at_their_share_of_the_time() -> None:
    timeline = Timeline(SCENARIOS["burst"], 30.0)
    assert (timeline.next_s(), timeline.due(9.9)) == (10.0, None)
    assert timeline.due(10.0) is Deed.BURST
    assert timeline.next_s() == 20.0
    assert timeline.due(20.1) is Deed.CALM
    assert timeline.next_s() == 30.0
    assert timeline.due(30.0) is None


def test_a_loss_ends_when_the_last_user_is_whole_again() -> None:
    timeline = Timeline(LOSS, 10.0)
    timeline.done(Deed.LOSE_GATEWAY, "killed", 5.0, 1_000_000, counts(2))
    timeline.observe(counts(2), 900_000, all_whole=True)
    assert not timeline.is_waiting, "nobody has noticed yet"
    timeline.observe(counts(32), 900_000, all_whole=False)
    assert timeline.is_waiting
    timeline.observe(counts(32), 1_750_000, all_whole=True)
    assert not timeline.is_waiting
    (happening,) = timeline.happenings
    assert (happening.users_affected, happening.whole_again_s) == (30, 0.75)


def test_an_earlier_wholeness_is_no_recovery() -> None:
    """Users who have not yet noticed are still counted as whole."""
    timeline = Timeline(LOSS, 10.0)
    timeline.done(Deed.LOSE_GATEWAY, "killed", 5.0, 1_000_000, counts(0))
    timeline.observe(counts(30), 999_999, all_whole=True)
    assert timeline.happenings[0].whole_again_s is None


def test_a_burst_breaks_nothing() -> None:
    timeline = Timeline(SCENARIOS["burst"], 30.0)
    timeline.done(Deed.BURST, "x20", 10.0, 1_000_000, {})
    timeline.observe(counts(5), 2_000_000, all_whole=True)
    assert timeline.happenings[0].users_affected == 0
    assert not timeline.is_waiting
