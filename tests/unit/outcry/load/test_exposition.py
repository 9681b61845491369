"""Metrics as text, and what happened between two scrapes."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from openoutcry.wire.errors import MalformedMessage
from outcry.load.exposition import HistogramState, read_exposition
from outcry.load.hops import NOT_REPORTED, gateway_hops, process_figures

BUCKETS = (0.001, 0.01, 0.1)
PROCESS = "process_start_time_seconds 5\nprocess_cpu_seconds_total {cpu}\nprocess_resident_memory_bytes 2097152\n"


def scraped(*seconds: float, cpu: float = 1.0, start: float = 5.0) -> str:
    registry = CollectorRegistry()
    hop = Histogram("outcry_gateway_flush_seconds", "a hop", buckets=BUCKETS, registry=registry)
    aborted = Counter("outcry_gateway_aborted", "ended", ["reason"], registry=registry)
    aborted.labels("bytes").inc(2)
    aborted.labels("time").inc(3)
    for each in seconds:
        hop.observe(each)
    return generate_latest(registry).decode() + PROCESS.format(cpu=cpu).replace("5\n", f"{start}\n", 1)


def test_reads_values_and_histograms() -> None:
    found = read_exposition(scraped(0.005, 0.05))
    assert found.values["outcry_gateway_aborted_total"] == 5, "labels are summed"
    histogram = found.histograms["outcry_gateway_flush_seconds"]
    assert (histogram.observations, histogram.buckets[0.01], histogram.total) == (2, 1, pytest.approx(0.055))


@pytest.mark.parametrize("text", ["<html>", "a{ 1"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_exposition(text)


def test_quantiles_are_estimated_within_buckets() -> None:
    histogram = HistogramState({0.001: 0, 0.01: 10, 0.1: 20, math.inf: 20}, 0.5)
    assert histogram.quantile(0.5) == pytest.approx(0.01)
    assert histogram.quantile(0.25) == pytest.approx(0.0055)
    assert histogram.quantile(1.0) == pytest.approx(0.1)


def test_what_lies_beyond_the_last_bound_counts_as_that() -> None:
    assert HistogramState({0.1: 0, math.inf: 5}, 50).quantile(0.5) == pytest.approx(0.1)
    assert HistogramState({}, 0).quantile(0.5) == 0


def test_hops_are_what_was_observed_in_between_at_all_gateways() -> None:
    begin, end = read_exposition(scraped(0.5, 0.5)), read_exposition(scraped(0.5, 0.5, 0.005, 0.005))
    hops = gateway_hops({"gateway-1": (begin, end), "gateway-2": (begin, end)})
    assert (hops["flush"]["count"], hops["flush"]["mean"], hops["flush"]["gateways"]) == (4, 5.0, 2)
    assert hops["engine to gateway"] == NOT_REPORTED


def test_an_older_gateway_or_none_is_not_reported() -> None:
    assert set(gateway_hops({"gateway-1": (None, None)}).values()) == {NOT_REPORTED}


def test_another_process_behind_the_same_address_is_not_compared() -> None:
    """A load balancer answers with any of its gateways; a restart begins at 0."""
    begin, other = read_exposition(scraped(0.005)), read_exposition(scraped(0.005, 0.005, start=6.0))
    assert gateway_hops({"lb": (begin, other)})["flush"] == NOT_REPORTED
    assert process_figures({"lb": (begin, other)}) == {"lb": NOT_REPORTED}


def test_cpu_and_memory_of_a_process() -> None:
    begin, end = read_exposition(scraped(cpu=1.0)), read_exposition(scraped(cpu=3.5))
    assert process_figures({"engine": (begin, end)}) == {"engine": {"cpu_seconds": 2.5, "rss_mib": 2.0}}
