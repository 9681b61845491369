"""How many users a run has: one rule for demo, chaos and load."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.load.crew_options import LOAD_PROCESSES_MAX, USERS_MAX, CrewOptions


@pytest.mark.parametrize(
    "crew", [CrewOptions(1, 0, 1), CrewOptions(USERS_MAX, 100, LOAD_PROCESSES_MAX), CrewOptions(1000, 0.5, 2)]
)
def test_what_is_within_the_limits_is_taken(crew: CrewOptions) -> None:
    assert crew.checked() is crew


@pytest.mark.parametrize(
    ("crew", "said"),
    [
        (CrewOptions(0, 5, 1), "--users must be 1 to 50000, not 0"),
        (CrewOptions(1_000_000, 5, 1), "--users must be 1 to 50000, not 1000000"),
        (CrewOptions(10, -1.0, 1), "--verify must be 0 to 100, not -1"),
        (CrewOptions(10, float("nan"), 1), "--verify must be 0 to 100, not nan"),
        (CrewOptions(10, 5, 11), "--load-processes must be 1 to 10, not 11"),
        (CrewOptions(1000, 5, 65), "--load-processes must be 1 to 64, not 65"),
        (CrewOptions(1000, 5, 0), "--load-processes must be 1 to 64, not 0"),
    ],
)
def test_what_is_beyond_them_is_named_with_its_rule(crew: CrewOptions, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        crew.checked()
    assert str(caught.value) == said


def test_no_process_is_without_users() -> None:
    """`outcry demo --users 1` has two processes by default."""
    assert CrewOptions.of(1, 5, 2) == CrewOptions(1, 5, 1)
    assert CrewOptions.of(10, 5, 2).load_processes == 2
