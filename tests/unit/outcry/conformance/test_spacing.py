"""Intervals are judged by runs of updates, so that one late update proves nothing."""

from __future__ import annotations

import pytest

from outcry.conformance.expectation import Failed
from outcry.conformance.spacing import check_spacing


def test_regular_updates_pass() -> None:
    check_spacing([0.0, 0.1, 0.2, 0.35], interval_s=0.1, jitter_s=0.01)


def test_a_late_update_is_no_fault_of_the_next() -> None:
    """The second was read 40 ms late; the third was sent in time."""
    check_spacing([0.0, 0.14, 0.2, 0.3], interval_s=0.1, jitter_s=0.05)


def test_a_dense_run_fails_even_if_each_distance_could_be_jitter() -> None:
    times = [number * 0.08 for number in range(20)]
    with pytest.raises(Failed, match="20 updates came within 1520 ms, with an interval of 100 ms"):
        check_spacing(times, interval_s=0.1, jitter_s=0.05)


def test_without_interval_anything_passes() -> None:
    check_spacing([0.0, 0.0, 0.001], interval_s=0.0, jitter_s=0.0)
