"""How long the market took to recover, by kind of fault."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple


class RecoveryTimes(NamedTuple):
    """From the moment when a fault began, its own length included."""

    first_order_ms: float | None
    """Until the first order was acknowledged that a trader sent after the fault began; None if none was."""
    books_ms: float | None
    """Until orders went through again, and then every user was connected, had been sent something, and had every book
    in sync, at or beyond where the engine was at that moment; None if that did not come."""


class Happened(NamedTuple):
    """A fault that was carried out."""

    at: float
    """Seconds since the first moment of the run."""
    kind: str
    text: str
    recovery: RecoveryTimes


def by_kind(happened: Sequence[Happened], of: str) -> dict[str, dict[str, Any]]:
    """
    Sum up one figure of all recoveries.

    Args:
        happened: In any order.
        of: Field of `Recovery`.

    Returns:
        Kind of fault to `p50` and `max` in ms (None if there was no recovery) and `count`, of those that recovered.
    """
    kinds = sorted({each.kind for each in happened})
    return {kind: _summed([getattr(each.recovery, of) for each in happened if each.kind == kind]) for kind in kinds}


def _summed(figures: Sequence[float | None]) -> dict[str, Any]:
    known = [figure for figure in figures if figure is not None]
    if not known:
        return {"p50": None, "max": None, "count": 0}
    return {"p50": round(statistics.median(known), 1), "max": round(max(known), 1), "count": len(known)}
