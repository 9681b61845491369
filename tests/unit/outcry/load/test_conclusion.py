"""From what was measured to the report: what makes a run bad, and what its figures are of."""

from __future__ import annotations

import math
from typing import Any

import pytest

from outcry.load.conclusion import Measured, conclude
from outcry.load.counts import LoadCounts, complaints_about
from outcry.load.crew_options import CrewOptions
from outcry.load.delays import MEANINGS
from outcry.load.exposition import Exposition, HistogramState
from outcry.load.findings import Findings
from outcry.load.hops import NOT_REPORTED
from outcry.load.latency import new_histogram
from outcry.load.look import LoadStatistics, Look
from outcry.load.mix import DEFAULT_MIX
from outcry.load.options import LoadOptions
from outcry.load.report import LoadReport
from outcry.load.scenario import find_scenario
from outcry.load.verdict import BookVerdict
from outcry.stack.usage import Usage

OPTIONS = LoadOptions(
    find_scenario("steady"), CrewOptions(10, 5, 2), ramp=1.0, seconds=2.0, mix=DEFAULT_MIX, slow=0.2, churn=0.0,
    orders=0.0, opening=64, sources=[], metrics={}, deployment=None, seed=1,
)  # fmt: skip
GOOD = BookVerdict(30, 0, [])


def seen(whole: int = 8, below_zero: int = 0, troubles: tuple[str, ...] = (), **counts: int) -> LoadStatistics:
    return LoadStatistics(
        counts=LoadCounts(**counts).as_dict(), slow_counts=LoadCounts().as_dict(), connections=[5, 5],
        slow_connections=2, whole=whole, whole_at_us=0, latency=new_histogram(), below_zero=below_zero,
        delays={name: new_histogram() for name in MEANINGS}, orders_waiting=0, troubles=troubles,
    )  # fmt: skip


def look(at: float, cpu: float = 0.0, **other: Any) -> Look:
    return Look(at, seen(**other), {"load": Usage(cpu, 50.0)})


def report(verdict: BookVerdict = GOOD, *, last: Look | None = None, **changes: Any) -> LoadReport:
    after = look(12.0, cpu=3.0, updates=600, bytes=4 << 20, frames=200)
    measured = Measured(
        options=OPTIONS, deployment="own", proof="books are the engine's", urls=["ws://a"], instruments=["ACME"],
        market_settings={"rate": 200}, slow_users=2, opening_seconds=1.0, updates_published=100,
        before=look(10.0, cpu=1.0, updates=100), after=after, fairness={}, last=last or after, scrapes={},
        verdict=verdict, happenings=[], gateways_lost=[], began_at="", machine={},
    )  # fmt: skip
    return conclude(measured._replace(**changes), Findings())


def test_a_run_without_a_fault_is_good() -> None:
    found = report()
    assert (found.verdict, found.complaints, found.proof, found.is_good) == ("ok", [], "books are the engine's", True)


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ({"gaps_seen": 2, "gaps_recovered": 1}, "2 gaps, of which only 1 were recovered"),
        ({"digests_wrong": 3}, "3 digests were wrong on the way"),
        ({"whole": 7, "troubles": ("closed with 4503",)}, "7 of 8 users were in sync at the end: closed with 4503"),
    ],
)
def test_any_fault_up_to_the_verdict_makes_it_bad(counts: dict[str, Any], complaint: str) -> None:
    """Of the last look, not of the measurement's end: a gap that is seen while books are compared counts too."""
    found = report(last=look(13.0, **counts))
    assert (found.verdict, found.complaints, found.is_good) == ("failed", [complaint], False)


def test_a_wrong_book_makes_it_bad() -> None:
    found = report(BookVerdict(29, 1, ["ann ACME: wrong"]))
    assert (found.verdict, found.complaints, found.books_wrong) == ("failed", ["ann ACME: wrong"], 1)


def test_gaps_that_were_all_recovered_are_no_fault() -> None:
    assert report(last=look(13.0, gaps_seen=2, gaps_recovered=2)).verdict == "ok"
    assert complaints_about(LoadCounts(gaps_seen=2, gaps_recovered=2, disconnects=9).as_dict()) == []


def test_where_nobody_follows_books_nothing_is_proven_and_that_is_said() -> None:
    found = report(BookVerdict(0, 0, []))
    assert (found.verdict, found.is_good) == ("unproven", True)
    assert "none can be compared" in found.proof


def test_counts_and_rates_are_of_the_measured_time_alone() -> None:
    found = report()
    assert (found.seconds, found.updates_delivered, found.bytes_delivered) == (2.0, 500, 4 << 20)
    assert found.rates == {"updates_published": 50.0, "updates_delivered": 250.0, "frames": 100.0, "mib": 2.0}
    assert (found.cpu_seconds, found.rss_mib) == ({"load": 2.0}, {"load": 50.0})


def test_deltas_that_came_before_they_were_published_are_pointed_out() -> None:
    assert report().clock_warning == ""
    assert report(last=look(13.0, below_zero=1_234)).clock_warning.startswith("1,234 deltas came before")


def scrape(start: float = 1.0, **values: float) -> Exposition:
    return Exposition({"process_start_time_seconds": start, **values}, {})


CONNECTIONS = "outcry_gateway_connections"
ABORTED = "outcry_gateway_aborted_total"


def test_a_gateway_is_told_by_what_grew_between_two_scrapes() -> None:
    begin = scrape(**{CONNECTIONS: 5, ABORTED: 1})
    found = report(scrapes={"gateway-1": (begin, scrape(**{CONNECTIONS: 4, ABORTED: 3}))})
    assert found.gateways == {"gateway-1": {"connections": 4, "lagged": 0.0, "aborted": 2.0, "flushes": 0.0}}


@pytest.mark.parametrize(
    "end", [None, scrape(2.0, **{CONNECTIONS: 5}), scrape(**{ABORTED: 1})], ids=["gone", "another process", "an engine"]
)
def test_one_of_which_nothing_is_known_is_not_given_figures(end: Exposition | None) -> None:
    found = report(scrapes={"gateway-1": (scrape(**{CONNECTIONS: 5}), end)})
    assert found.gateways == {"gateway-1": NOT_REPORTED}


def test_others_processes_are_told_by_their_own_metrics_and_ours_as_we_measured_them() -> None:
    cpu, rss = "process_cpu_seconds_total", "process_resident_memory_bytes"
    pair = scrape(**{cpu: 1.0, rss: 0.0}), scrape(**{cpu: 8.0, rss: float(3 << 20)})
    found = report(scrapes={"engine": pair, "load": pair})
    assert found.cpu_seconds == {"load": 2.0, "engine": 7.0}
    assert found.rss_mib == {"load": 50.0, "engine": 3.0}


def test_a_histogram_that_went_back_is_another_process() -> None:
    """It began at the same second; its counts say so."""
    begin, end = (Exposition({}, {"h": HistogramState({math.inf: count}, 0.0)}) for count in (5.0, 4.0))
    assert not end.is_same_process(begin)
    assert begin.is_same_process(end)
