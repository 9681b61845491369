"""Traces of orders across processes, without a word more in either log.

A command is named by its writer and number wherever it goes. The ids of a trace and of its root are a hash of the two,
so every process knows them, and whether that order is among those traced: no context travels. Spans are made when their
times are known, and exported by a thread of OpenTelemetry's, from a bounded queue that drops what does not fit.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

_LOW_64_BITS: Final = (1 << 64) - 1


class Stage(enum.StrEnum):
    """A part of an order's way; the first is the root of the trace."""

    ENTRY = "order entry"
    """From the gateway's receiving the request to its command's being in the log."""
    MATCHING = "matching"
    """From the engine's reading the command to its packet's being in the feed."""
    FAN_OUT = "fan-out"
    """From a gateway's reading the packet to the end of the flush to its users; one for every gateway."""


class Numbered(Protocol):
    """Anything that names a command: the command itself, or its outcome."""

    @property
    def source(self) -> str:
        """Its writer."""

    @property
    def number(self) -> int:
        """Its number of that writer."""


class TracedOrder(NamedTuple):
    """An order that is traced."""

    source: str
    number: int
    trace_id: int
    root_id: int


class OrderTraces:
    """
    Records one role's part of the traces; times are ns since 1970, and a stage ends when it is recorded.

    Args:
        role: Named in the traces as the service.
        instance: Which of the role's processes.
        ratio: Share of orders that are traced, 0 to 1; alike in all processes, else traces have holes.
        processor: Takes finished spans.
    """

    def __init__(self, role: str, instance: str, ratio: float, processor: SpanProcessor) -> None:
        self._below = int(ratio * (1 << 64))
        self._processor = processor
        self._scope = InstrumentationScope("openoutcry")
        self._resource = Resource(
            {"service.name": role, "service.namespace": "openoutcry", "service.instance.id": instance}
        )

    def entered(self, received_ns: Mapping[TracedOrder, int]) -> None:
        """Record that orders, received at these times, are in the command log now."""
        for order, began_ns in received_ns.items():
            self._record(Stage.ENTRY, order, began_ns)

    def matched(self, outcomes: Iterable[Numbered], read_ns: int) -> None:
        """Record that commands, read at this time, are answered in the feed now."""
        for order in self.among(outcomes):
            self._record(Stage.MATCHING, order, read_ns)

    def told(self, read_ns: Mapping[TracedOrder, int]) -> None:
        """Record that what orders did, read at these times, has been written to those who follow it now."""
        for order, began_ns in read_ns.items():
            self._record(Stage.FAN_OUT, order, began_ns)

    def among(self, commands: Iterable[Numbered]) -> list[TracedOrder]:
        """Return those that are traced; O(commands), one hash each."""
        found = (_traced(command) for command in commands)
        return [order for order in found if order.trace_id & _LOW_64_BITS < self._below]

    def close(self) -> None:
        """Export what is left, within a bounded time."""
        self._processor.shutdown()

    def _record(self, stage: Stage, order: TracedOrder, began_ns: int) -> None:
        root = _context(order, order.root_id)
        is_root = stage is Stage.ENTRY
        span = ReadableSpan(
            stage.value,
            root if is_root else _context(order, secrets.randbits(64) or 1),
            None if is_root else root,
            self._resource,
            {"openoutcry.source": order.source, "openoutcry.number": order.number},
            kind=SpanKind.PRODUCER if is_root else SpanKind.CONSUMER,
            start_time=began_ns,
            end_time=time.time_ns(),
            instrumentation_scope=self._scope,
        )
        self._processor.on_end(span)


def _context(order: TracedOrder, span_id: int) -> SpanContext:
    return SpanContext(order.trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _traced(command: Numbered) -> TracedOrder:
    digest = hashlib.blake2b(f"{command.source}/{command.number}".encode(), digest_size=24).digest()
    trace_id, root_id = int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big")
    return TracedOrder(command.source, command.number, trace_id or 1, root_id or 1)
