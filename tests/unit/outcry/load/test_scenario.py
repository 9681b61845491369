"""What may happen in a run."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.load.scenario import Deed, find_scenario


def test_a_name_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match="must be one of steady, burst, open, churn, slow, loss, storm, not 'x'"
    ):
        find_scenario("x")


def test_a_burst_ends_as_it_began_and_breaks_no_connection() -> None:
    deeds = [action.deed for action in find_scenario("burst").actions]
    assert deeds == [Deed.BURST, Deed.CALM]
    assert {deed: deed.breaks_connections for deed in Deed} == {
        Deed.BURST: False,
        Deed.CALM: False,
        Deed.LOSE_GATEWAY: True,
        Deed.DROP_ALL: True,
    }
