"""The scenarios of a run: named flags, and actions at their time."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError

BURST_FACTOR: Final = 20.0
"""How many times its rate a market bursts to."""


class Deed(enum.StrEnum):
    """Something done to a running deployment."""

    BURST = "burst begins"
    CALM = "burst ends"
    LOSE_GATEWAY = "gateway lost"
    DROP_ALL = "all users dropped"

    @property
    def breaks_connections(self) -> bool:
        """Whether users are expected to lose their place, so that their return is to be timed."""
        return self in (Deed.LOSE_GATEWAY, Deed.DROP_ALL)


class Action(NamedTuple):
    """An action and its time."""

    share: float
    """Of the measured seconds, 0 to 1."""
    deed: Deed


class Scenario(NamedTuple):
    """A named kind of run."""

    name: str
    tells: str
    """What happens, and which figure to look at."""
    flags: Mapping[str, float] = {}
    """Values instead of the flags' own defaults; a given flag wins."""
    actions: tuple[Action, ...] = ()
    """In order."""


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario("steady", "Everybody follows the market: delivery latency and CPU."),
        Scenario(
            "burst",
            f"The middle third of the run trades at {BURST_FACTOR:.0f} times the rate (of --orders against --url): "
            "latency before, during and after, disconnects.",
            actions=(Action(1 / 3, Deed.BURST), Action(2 / 3, Deed.CALM)),
        ),
        Scenario(
            "open",
            "Everybody connects at once, without a ramp: seconds until all are live with complete books.",
            {"ramp": 0.0, "seconds": 10.0, "opening": 4096},
        ),
        Scenario(
            "churn",
            "One user in twenty leaves every second, and comes back and resumes: resumes against snapshots, seconds to "
            "return, latency of those who stay.",
            {"churn": 0.05},
        ),
        Scenario(
            "slow",
            "One user in ten never reads: latency of the others beside a steady run, the gateways' memory and aborts.",
            {"slow": 0.10},
        ),
        Scenario(
            "loss",
            "A third into the run one gateway is killed (with --url: --loss-command is run): seconds until all users "
            "are in sync again.",
            {"gateways": 3},
            (Action(1 / 3, Deed.LOSE_GATEWAY),),
        ),
        Scenario(
            "storm",
            "Half-way all users drop at once, come back and resume: seconds until all are in sync again.",
            actions=(Action(1 / 2, Deed.DROP_ALL),),
        ),
    )
}


def find_scenario(name: str) -> Scenario:
    """
    Return a scenario by its name.

    Raises:
        ConfigurationError: Names those there are.
    """
    if name not in SCENARIOS:
        raise ConfigurationError(f"--scenario must be one of {', '.join(SCENARIOS)}, not {name!r}")
    return SCENARIOS[name]
