"""What may happen in a run."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.load.options import DEFAULTS, settled
from outcry.load.scenario import SCENARIOS, Deed, Scenario, find_scenario


def test_a_name_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match="must be one of steady, burst, open, churn, slow, loss, storm, not 'x'"
    ):
        find_scenario("x")


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_every_scenario_sets_known_flags_and_acts_in_order_within_the_run(scenario: Scenario) -> None:
    """A flag that nobody knows would be settled for nobody; a deed beyond the end would never be done."""
    assert set(scenario.flags) <= set(DEFAULTS)
    shares = [action.share for action in scenario.actions]
    assert shares == sorted(shares)
    assert all(0 < share < 1 for share in shares)
    assert find_scenario(scenario.name) is scenario


def test_whoever_gives_a_flag_has_the_last_word() -> None:
    churn = find_scenario("churn")
    assert settled("churn", 0.5, churn) == 0.5
    assert settled("churn", 0.0, churn) == 0.0, "0 is given, not left out"
    assert settled("churn", None, churn) == 0.05
    assert settled("churn", None, find_scenario("steady")) == DEFAULTS["churn"]


def test_a_burst_ends_as_it_began_and_breaks_no_connection() -> None:
    deeds = [action.deed for action in find_scenario("burst").actions]
    assert deeds == [Deed.BURST, Deed.CALM]
    assert {deed: deed.breaks_connections for deed in Deed} == {
        Deed.BURST: False,
        Deed.CALM: False,
        Deed.LOSE_GATEWAY: True,
        Deed.DROP_ALL: True,
    }
