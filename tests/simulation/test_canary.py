"""Would the simulation find a bug if there were one? Every planted one, within its number of seeds."""

from __future__ import annotations

import pytest

from tests.simulation.canaries import CANARIES, Canary
from tests.simulation.simulation import simulate


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.what)
def test_a_planted_bug_is_found(canary: Canary) -> None:
    """A checker that finds nothing here would find nothing in earnest."""
    seeds = range(canary.first, canary.first + canary.seeds)
    assert any(simulate(seed, canary.patches(), canary.only).finding for seed in seeds)
