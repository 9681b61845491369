"""Times of recovery, summed up by kind of fault."""

from __future__ import annotations

from outcry.chaos.recoveries import Happened, RecoveryTimes, by_kind


def happened(kind: str, books_ms: float | None) -> Happened:
    return Happened(1.0, kind, kind, RecoveryTimes(10.0, books_ms))


def test_each_kind_has_its_median_its_worst_and_its_count() -> None:
    found = by_kind(
        [happened("kill", 100), happened("kill", 300), happened("kill", 900), happened("cut", 50)], "books_ms"
    )
    assert found == {"cut": {"p50": 50, "max": 50, "count": 1}, "kill": {"p50": 300, "max": 900, "count": 3}}


def test_one_that_never_recovered_is_not_counted_as_fast() -> None:
    found = by_kind([happened("kill", None), happened("kill", 300), happened("cut", None)], "books_ms")
    assert found["kill"] == {"p50": 300, "max": 300, "count": 1}
    assert found["cut"] == {"p50": None, "max": None, "count": 0}
