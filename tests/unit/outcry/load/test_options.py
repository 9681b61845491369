"""What a load run can be told, and what it refuses in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.load.crew_options import CrewOptions
from outcry.load.mix import DEFAULT_MIX
from outcry.load.options import DEFAULTS, Deployment, LoadOptions, read_metrics, settled
from outcry.load.scenario import SCENARIOS, Deed, find_scenario

CREW = CrewOptions(users=100, verify_percent=5.0, load_processes=2)
URL = "ws://127.0.0.1:8101/v1/stream"


def options(**fields: Any) -> LoadOptions:
    given: dict[str, Any] = {
        "scenario": SCENARIOS["steady"], "crew": CREW, "ramp": 1.0, "seconds": 5.0, "mix": DEFAULT_MIX, "slow": 0.0,
        "churn": 0.0, "orders": 0.0, "opening": 64, "sources": (),
        "metrics": {}, "deployment": None, "seed": 1, **fields,
    }  # fmt: skip
    return LoadOptions(**given)


def deployment(**fields: Any) -> Deployment:
    given: dict[str, Any] = {
        "urls": [URL], "token_file": Path("tokens"), "secret_file": None, "loss_command": None, **fields
    }  # fmt: skip
    return Deployment(**given)


def test_a_flag_wins_over_the_scenario_and_that_over_the_default() -> None:
    churn, steady = SCENARIOS["churn"], SCENARIOS["steady"]
    assert settled("churn", None, steady) == DEFAULTS["churn"] == 0
    assert settled("churn", None, churn) == 0.05
    assert settled("churn", 0.0, churn) == 0


def test_scenarios_set_only_flags_that_there_are() -> None:
    for scenario in SCENARIOS.values():
        assert scenario.flags.keys() <= DEFAULTS.keys()
        shares = [action.share for action in scenario.actions]
        assert shares == sorted(shares)
        assert all(0 < share < 1 for share in shares)


def test_every_scenario_can_be_run_as_it_is() -> None:
    for scenario in SCENARIOS.values():
        flags = {name: settled(name, None, scenario) for name in ("ramp", "seconds", "slow", "churn", "orders")}
        options(scenario=scenario, **flags).checked()
        assert (
            Deed.LOSE_GATEWAY not in {each.deed for each in scenario.actions} or settled("gateways", None, scenario) > 1
        )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"crew": CREW._replace(users=0)}, "--users must be 1 to 50000, not 0"),
        ({"seconds": 0.0}, "--seconds must be 1 to"),
        ({"ramp": -1.0}, "--ramp must be 0 to"),
        ({"slow": 1.0}, "--slow must be 0 to 0.9"),
        ({"crew": CrewOptions(1, 5.0, 1), "slow": 0.5}, "leaves nobody who reads"),
        ({"churn": 2.0}, "--churn must be 0 to 1"),
        ({"orders": 5_000.0}, "--orders must be 0 to 4000"),
        ({"crew": CREW._replace(load_processes=101)}, "--load-processes must be 1 to 64, not 101"),
        ({"sources": ["localhost"]}, "--source must be local IP addresses"),
        ({"deployment": deployment(urls=["http://x"])}, "--url must be such as ws://"),
        ({"deployment": deployment(token_file=None)}, "give --token-file or --secret-file"),
        ({"deployment": deployment(), "scenario": SCENARIOS["loss"]}, "needs --loss-command"),
        ({"deployment": deployment(), "scenario": SCENARIOS["burst"]}, "bursts with --orders"),
    ],
)
def test_misuse_is_told_in_a_sentence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        options(**fields).checked()
    assert said in str(caught.value)


def test_scenarios_are_found_by_name() -> None:
    with pytest.raises(ConfigurationError, match="one of steady, burst, open, churn, slow, loss, storm, not 'quake'"):
        find_scenario("quake")


def test_further_metrics_have_names() -> None:
    assert read_metrics(["engine=http://e:9/metrics?a=b"]) == {"engine": "http://e:9/metrics?a=b"}
    for text in ("http://e:9/metrics", "engine=", "engine=file:///etc/passwd"):
        with pytest.raises(ConfigurationError, match="--metrics must be NAME="):
            read_metrics([text])
