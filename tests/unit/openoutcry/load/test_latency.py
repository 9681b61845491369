from __future__ import annotations

import pytest

from openoutcry.load.latency import LATENCY_US_MAX, PENDING_MAX, LatencyRecorder, add_encoded, new_histogram


def test_takes_what_came_since_the_last_time() -> None:
    recorder = LatencyRecorder()
    recorder.record(1_000)
    recorder.take()
    recorder.record(2_000)
    recorder.record(2_000)
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    assert histogram.get_total_count() == 2
    assert histogram.get_min_value() == pytest.approx(2_000, rel=0.01)


def test_histograms_of_processes_add_up() -> None:
    histogram = new_histogram()
    for delay in (1_000, 3_000):
        recorder = LatencyRecorder()
        recorder.record(delay)
        add_encoded(histogram, recorder.take())
    assert histogram.get_total_count() == 2
    assert histogram.get_max_value() == pytest.approx(3_000, rel=0.01)


def test_nothing_recorded_is_nothing_to_add() -> None:
    histogram = new_histogram()
    add_encoded(histogram, LatencyRecorder().take())
    assert histogram.get_total_count() == 0


@pytest.mark.parametrize(("delay", "counted"), [(-5, 1), (0, 1), (10 * LATENCY_US_MAX, LATENCY_US_MAX)])
def test_impossible_delays_count_at_the_edges(delay: int, counted: int) -> None:
    """Two readings of one clock may be out of order by a microsecond, and a clock may be set."""
    recorder = LatencyRecorder()
    recorder.record(delay)
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    assert histogram.get_max_value() == pytest.approx(counted, rel=0.01)


def test_what_is_held_is_bounded() -> None:
    """A supervisor that does not ask must not fill the memory."""
    recorder = LatencyRecorder()
    for _ in range(PENDING_MAX + 10):
        recorder.record(500)
    assert len(recorder._pending) == 10
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    assert histogram.get_total_count() == PENDING_MAX + 10
