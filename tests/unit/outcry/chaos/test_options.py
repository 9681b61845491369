"""What a run with faults can be told, and whom it may hurt."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.chaos.fault import Blow, ChaosFault, Part, Strike
from outcry.chaos.options import RATE_MAX, SECONDS_MAX, ChaosOptions
from outcry.load.crew_options import CrewOptions
from outcry.stack.options import StackOptions

GOOD = ChaosOptions(
    StackOptions(gateways=2, redis_url=None, port=None, engines=2),
    crew=CrewOptions(users=10, verify_percent=5, load_processes=2),
    seconds=60,
    rate=100,
    seed=1,
)


def test_what_is_within_the_limits_is_taken() -> None:
    for options in (GOOD, GOOD._replace(seconds=1), GOOD._replace(seconds=SECONDS_MAX), GOOD._replace(rate=RATE_MAX)):
        assert options.checked() is options


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seconds": 0}, "--seconds must be 1 to 3600 with --chaos, not 0"),
        ({"seconds": SECONDS_MAX + 1}, "--seconds must be 1 to 3600 with --chaos, not 3601"),
        ({"seconds": float("nan")}, "--seconds must be 1 to 3600 with --chaos, not nan"),
        ({"rate": 0}, "--rate must be above 0 and at most 400 with --chaos, not 0"),
        ({"rate": RATE_MAX + 1}, "--rate must be above 0 and at most 400 with --chaos, not 401"),
        ({"crew": GOOD.crew._replace(users=0)}, "--users must be 1 to 50000, not 0"),
        ({"crew": GOOD.crew._replace(verify_percent=101)}, "--verify must be 0 to 100"),
        ({"crew": GOOD.crew._replace(load_processes=11)}, "--load-processes must be 1 to"),
        ({"stack": GOOD.stack._replace(engines=0)}, "--engines must be 1 to 8, not 0"),
    ],
)
def test_what_is_beyond_them_is_named_with_its_rule(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        GOOD._replace(**change).checked()
    assert str(caught.value).startswith(said)


def test_a_redis_that_somebody_else_runs_is_left_alone_and_so_is_a_standby_that_is_not() -> None:
    assert set(GOOD.parts) == set(Part)
    foreign = GOOD.stack._replace(redis_url="redis://127.0.0.1:6379/0")
    assert Part.REDIS not in GOOD._replace(stack=foreign).parts
    assert Part.STANDBY not in GOOD._replace(stack=GOOD.stack._replace(engines=1)).parts


def test_a_fault_names_what_it_does() -> None:
    gateway, leader = Strike(Blow.KILL, Part.GATEWAY, 1, 0.5), Strike(Blow.FREEZE, Part.LEADER, 0, 2.0)
    assert str(ChaosFault(3.0, (gateway, leader))) == "kill gateway 2 for 0.5 s and freeze leader for 2.0 s"
    assert (ChaosFault(3.0, (gateway,)).kind, ChaosFault(3.0, (gateway, leader)).kind) == (
        "kill gateway",
        "two at once",
    )
