from __future__ import annotations

import pytest

from outcry.load.latency import (
    LATENCY_US_MAX,
    PENDING_MAX,
    LatencyRecorder,
    add_encoded,
    difference,
    latency_figures,
    latency_ms,
    new_histogram,
    percentile_curve,
)


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


@pytest.mark.parametrize("delay", [LATENCY_US_MAX - 1, LATENCY_US_MAX, LATENCY_US_MAX + 1, 100 * LATENCY_US_MAX])
def test_a_delay_of_an_hour_and_more_is_told_as_an_hour(delay: int) -> None:
    """It was told as 3,601.9 s: the middle of a step, and then the upper end of the histogram's."""
    recorder = LatencyRecorder()
    recorder.record(delay)
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    figures = latency_figures(histogram)
    for name in ("mean", "p50", "p999", "max"):
        assert 3_590_000 < figures[name] <= 3_600_000
    assert figures["max"] == 3_600_000
    assert all(ms <= 3_600_000 for _, ms in percentile_curve(histogram))


def test_what_is_held_is_bounded() -> None:
    """A supervisor that does not ask must not fill the memory."""
    recorder = LatencyRecorder()
    for _ in range(PENDING_MAX + 10):
        recorder.record(500)
    assert len(recorder._pending) == 10
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    assert histogram.get_total_count() == PENDING_MAX + 10


def test_percentiles_are_in_milliseconds() -> None:
    recorder = LatencyRecorder()
    for milliseconds in range(1, 101):
        recorder.record(milliseconds * 1_000)
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    shown = latency_ms(histogram)
    assert 49 < shown["p50"] < 52
    assert 98 < shown["p99"] < 101
    assert 99 < shown["max"] < 101


def test_no_delays_are_zeros() -> None:
    assert set(latency_ms(new_histogram()).values()) == {0.0}


def test_counters_are_compared_by_name() -> None:
    assert difference({"a": 5, "b": 2}, {"a": 3}) == {"a": 2, "b": 2}


def test_figures_tell_how_many_there_were() -> None:
    recorder = LatencyRecorder()
    for delay_us in (1_000, 3_000):
        recorder.record(delay_us)
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    figures = latency_figures(histogram)
    assert (figures["count"], figures["mean"]) == (2, pytest.approx(2.0, rel=0.01))


def test_a_curve_ends_where_the_delays_do() -> None:
    """Of a thousand delays nobody knows the 99.99th percentile."""
    histogram = new_histogram()
    for delay_us in range(1_000, 2_000):
        histogram.record_value(delay_us)
    curve = percentile_curve(histogram)
    percentiles = [percentile for percentile, _ in curve]
    assert percentiles[0] == 0
    assert 99.8 < percentiles[-1] < 99.91
    assert [ms for _, ms in curve] == sorted(ms for _, ms in curve)
    assert percentile_curve(new_histogram()) == []


def test_delays_below_zero_are_told() -> None:
    """Two machines whose clocks differ: the figures are wrong by at least as much."""
    recorder = LatencyRecorder()
    for delay_us in (-5_000, -1, 0, 1_000):
        recorder.record(delay_us)
    recorder.take()
    assert recorder.below_zero == 2
