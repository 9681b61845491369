"""Seeds of the simulation in the normal suite; `make sim SEEDS=200` runs more of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.gateway import deep_snapshots, joining, snapshot_making
from services.matching import chores, floor
from services.matching.recovery import snapshot_schedule
from services.matching.sessions import phases
from services.matching.special_orders import waiting_orders
from tests.simulation import faults, parts
from tests.simulation.faults import WITNESSED
from tests.simulation.simulation import simulate

ROOT = Path(__file__).parents[2]
DEEP = [
    (snapshot_schedule, "LEVELS_PER_PACKET_MAX", 2),
    (deep_snapshots, "DEEP_LEVELS", 2),
    (joining, "ROWS_A_PART", 2),
    (snapshot_making, "LEVELS_A_PART", 1),
]
"""Books of three levels are as deep ones, for engines and gateways."""
SMALL_PARTS = [
    (chores, "WORK_MAX", 1),
    (floor, "SWEPT_MAX", 2),
    (phases, "UNCROSSED_MAX", 1),
    (waiting_orders, "ELECTED_MAX", 2),
]
"""What is due, a sweep and an auction take many commands, and engines die in between."""


@pytest.mark.parametrize("seed", range(1, 17))
def test_nothing_is_found(seed: int) -> None:
    """Nobody holds a wrong book, nothing acknowledged is missing untold, and everything comes to rest."""
    result = simulate(seed)
    assert not result.finding, result.report()
    assert result.acknowledged


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_short_failover_before_a_living_leader_is_not_noticed(seed: int) -> None:
    """The store loses its last moments again and again, and no order, no history and no leadership is lost."""
    result = simulate(seed, only=[WITNESSED])
    assert not result.finding, result.report()
    assert result.counts[WITNESSED] >= 3
    assert (result.epochs, result.lost) == (1, 0)
    assert not [kind for kind in result.counts if kind.startswith("end of an engine")]


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_longer_failover_before_a_living_leader_is_not_noticed_either(seed: int) -> None:
    """The store brings back a lease that has run out: a standby leaves it to the leader for the length of a lease."""
    result = simulate(seed, [(faults, "WITNESSED_MS", 4_000)], only=[WITNESSED])
    assert not result.finding, result.report()
    assert result.counts[WITNESSED] >= 3
    assert (result.epochs, result.lost) == (1, 0)


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_found_where_every_book_is_deep(seed: int) -> None:
    """Snapshots are made beside the market, stored late, and sent in parts: nobody's book may be another for it."""
    result = simulate(seed, DEEP)
    assert not result.finding, result.report()
    assert result.acknowledged


@pytest.mark.parametrize("seed", range(1, 6))
def test_with_replicas_waited_for_no_acknowledged_order_is_ever_lost(seed: int) -> None:
    """The commands outlive every failover, so orders do, whoever dies beside the store; only the epoch may change."""
    result = simulate(seed, [(parts, "MATCHING", parts.DURABLE)])
    assert not result.finding, result.report()
    assert result.lost == 0


@pytest.mark.parametrize("seed", range(1, 6))
def test_with_replicas_waited_for_a_former_primary_deceives_nobody(seed: int) -> None:
    """Whoever stays connected to it: what only a store without replicas has, nobody is told."""
    only = ["two stores", "crash of an engine", "reset of connections"]
    result = simulate(seed, [(parts, "MATCHING", parts.DURABLE)], only)
    assert not result.finding, result.report()
    assert result.lost == 0


def test_a_seed_is_the_same_run_everywhere() -> None:
    """Also in another process, after other seeds, and with other hashes: else a finding could not be seen again."""
    here = [simulate(seed, faults_s=8).trace for seed in (3, 4)]
    program = "from tests.simulation.simulation import simulate; print(simulate(4, faults_s=8).trace)"
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert there.stdout.strip() == here[1] != here[0]


def test_a_finding_says_how_to_see_it_again() -> None:
    """One command, and the last events before it."""
    result = simulate(1, faults_s=1)._replace(finding="a book is wrong", tail=["the last event"])
    assert result.report().endswith("seed 1: a book is wrong\nreproduce: make sim SEED=1")
    assert "the last event" in result.report()


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_found_where_a_command_does_little_of_what_is_due(seed: int) -> None:
    """A checkpoint, a standby and a successor go on in the middle of what has to be done."""
    result = simulate(seed, SMALL_PARTS)
    assert not result.finding, result.report()
    assert result.acknowledged
