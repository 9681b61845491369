"""What a shorter way is worth, where it should be worth nothing."""

from __future__ import annotations

import pytest

from benchmarks.batch_race import shares

RACES = 1_000


def test_continuously_the_nearer_robot_wins_every_race() -> None:
    assert shares(0, RACES) == {"near": 1.0, "far": 0.0}


def test_between_auctions_nearness_wins_nothing() -> None:
    """Half the races, within three standard errors of a thousand."""
    won = shares(500, RACES)
    assert won["near"] == pytest.approx(0.5, abs=3 * 0.5 / RACES**0.5)
