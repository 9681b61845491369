"""What came of a crowd's special orders and quotes, as the feed shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from openoutcry.wire.messages import Execution
from openoutcry.wire.types import ExecutionEvent, TimeInForce
from outcry.flow.special_flow import QUOTERS, SPECIAL_USERS
from shared.logs.packet import Packet

STOPS: Final = "stops"
TRIGGERED: Final = "stops triggered"
DAY: Final = "orders for the day"
TILL: Final = "orders till a moment"
EXPIRED: Final = "orders expired"
MINIMUM: Final = "orders with a minimum"
QUOTES: Final = "sides quoted"
NAMES: Final = (STOPS, TRIGGERED, DAY, TILL, EXPIRED, MINIMUM, QUOTES)
"""In the order of reading."""
_BY_TIME: Final[Mapping[str, str]] = {TimeInForce.DAY: DAY, TimeInForce.GTD: TILL, TimeInForce.QUOTE: QUOTES}
_USERS: Final = frozenset((*SPECIAL_USERS, *QUOTERS))


class SpecialEffect:
    """Counts by name; see NAMES."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, packet: Packet) -> None:
        """Count a packet; O(its executions)."""
        for user, execution in packet.executions:
            if user in _USERS:
                self.note(execution)
                # A minimum is told to nobody; of these users what is immediate has one.
                if execution.event == ExecutionEvent.ACCEPTED and execution.time_in_force == TimeInForce.IOC:
                    self._counts[MINIMUM] += 1

    def note(self, execution: Execution) -> None:
        """Count one execution of whoever sends special orders among others; a minimum does not show."""
        if execution.event == ExecutionEvent.TRIGGERED:
            self._counts[TRIGGERED] += 1
        elif execution.event == ExecutionEvent.EXPIRED:
            self._counts[EXPIRED] += 1
        elif execution.event == ExecutionEvent.ACCEPTED:
            name = STOPS if execution.trigger else _BY_TIME.get(execution.time_in_force)
            if name is not None:
                self._counts[name] += 1

    def told(self) -> Mapping[str, int]:
        """Return what there was, by name in the order of NAMES, ready for JSON; empty if there was nothing."""
        return {name: self._counts[name] for name in NAMES if self._counts[name]}


def told_in_words(counts: Mapping[str, int]) -> str:
    """Write what `told` gave: "12 stops, 3 stops triggered"."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
