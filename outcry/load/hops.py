"""Where the time goes, hop by hop: from the gateways' histograms, and the users' heartbeats for the last one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from outcry.load.exposition import Exposition, total

NOT_REPORTED: Final = "not reported"
GATEWAY_HOPS: Final[Mapping[str, tuple[str, str]]] = {
    "engine to gateway": (
        "outcry_gateway_read_delay_seconds",
        "engine's publishing to the gateway's reading, a packet",
    ),
    "wait for the pace": (
        "outcry_gateway_flush_wait_seconds",
        "oldest packet read to the flush's beginning, a flush",
    ),
    "flush": (
        "outcry_gateway_flush_seconds",
        "encoding and writing one flush to every listener, a flush",
    ),
}
"""Hop to (metric, meaning), in order; then comes the client's."""


def gateway_hops(scrapes: Mapping[str, tuple[Exposition | None, Exposition | None]]) -> dict[str, Any]:
    """
    Return the gateways' hops between two scrapes, all gateways together.

    Args:
        scrapes: Name to the scrapes at the beginning and the end; None where there was none.

    Returns:
        Hop to its figures in ms, what it measures, and how many gateways told; NOT_REPORTED if none did.
    """
    pairs = [(begin, end) for begin, end in scrapes.values() if begin and end and end.is_same_process(begin)]
    hops: dict[str, Any] = {}
    for hop, (metric, meaning) in GATEWAY_HOPS.items():
        states = [
            end.histograms[metric].since(begin.histograms[metric])
            for begin, end in pairs
            if metric in begin.histograms and metric in end.histograms
        ]
        summed = total(states)
        hops[hop] = {**summed.figures_ms(), "of": meaning, "gateways": len(states)} if summed else NOT_REPORTED
    return hops


def process_figures(scrapes: Mapping[str, tuple[Exposition | None, Exposition | None]]) -> dict[str, Any]:
    """Return CPU seconds between two scrapes and RSS at the second, by name; NOT_REPORTED where it is unknown."""
    return {name: _process(begin, end) for name, (begin, end) in scrapes.items()}


def _process(begin: Exposition | None, end: Exposition | None) -> Any:
    cpu, rss = "process_cpu_seconds_total", "process_resident_memory_bytes"
    if not (begin and end and end.is_same_process(begin) and cpu in begin.values and rss in end.values):
        return NOT_REPORTED
    return {
        "cpu_seconds": round(end.values[cpu] - begin.values[cpu], 2),
        "rss_mib": round(end.values[rss] / (1 << 20), 1),
    }
