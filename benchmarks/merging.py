"""`python -m benchmarks.merging`: what a user of a busy book gets a second, by the interval asked for.

A seeded crowd trades one book through the real engine; the gateway's own replica, channel and pacer merge its changes.
Only the clock is made: commands arrive at random moments (exponential gaps) of simulated seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Final, NamedTuple

from benchmarks.books import EPOCH, TIME
from benchmarks.command import run
from benchmarks.measure import Effort
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Delta
from openoutcry.wire.types import INTERVALS_MS
from outcry.flow.order_flow import OrderFlow
from services.gateway.channel import BookChannel, Channel, ChannelKey
from services.gateway.pacer import Pacer
from services.gateway.replica import InstrumentReplica, MarketReplica
from services.gateway.subscriber import Subscriber
from services.matching.engine import Engine
from services.matching.packet_builder import take_changes
from shared.logs.commands import Command, ListInstrument
from shared.logs.events import BookChange, PrivateExecution
from shared.websocket_frame import BINARY, server_frame

SEED: Final = 1
RATES: Final = (20, 200, 2_000, 10_000)
"""Changes of the book a second."""
SECONDS: Final = 5
"""Simulated, at each rate."""
WARMING: Final = 1_000
"""Commands before the first that is counted."""
PACE_MS: Final = 10
"""The gateway's own, which interval 0 takes."""
_LISTED: Final = Instrument("ACME", quantity_max=1_000_000)


class _Listener:
    """One user's channel, and what has been sent to it."""

    def __init__(self, market: MarketReplica, interval_ms: int) -> None:
        self.channel: BookChannel[Subscriber] = BookChannel(ChannelKey("book", _LISTED.symbol, 0, interval_ms), market)
        self.channel.begin()
        self.pacer = Pacer((interval_ms or PACE_MS) / 1000)
        self.pacer.take_all(0.0)
        self.frames = self.frame_bytes = self.levels = self.changes = 0
        self.waited_s = 0.0
        self._waiting: list[float] = []

    def change(self, now: float) -> None:
        self.channel.mark(_LISTED.symbol)
        self.pacer.mark(self.channel)
        self._waiting.append(now)

    def flush(self, now: float) -> None:
        due: list[Channel[Subscriber]] = self.pacer.take_due(now)
        for channel in due:
            for message in channel.collect():
                assert isinstance(message, Delta)
                self.frames += 1
                self.frame_bytes += _frame_bytes(message)
                self.levels += len(message.bids) + len(message.asks)
            self.waited_s += sum(now - since for since in self._waiting)
            self.changes += len(self._waiting)
            self._waiting.clear()


class _Moment(NamedTuple):
    """A change and when it is published."""

    at: float
    change: BookChange


def measure(effort: Effort) -> list[Table]:
    """Return one row for each rate and interval."""
    rows: list[list[Cell]] = []
    for rate in RATES:
        seconds = max(SECONDS * effort.share, 1 / rate)
        rows += _rows(rate, seconds, list(_market(rate, seconds)))
    return [
        Table(
            "merging",
            f"One user of one whole book, in msgpack, over {SECONDS} simulated seconds: what merging leaves of the "
            "frames and bytes, and how long a change waits for it on average. Interval 0 is the gateway's pace of "
            f"{PACE_MS} ms.",
            [
                "changes/s",
                "interval ms",
                "frames/s",
                "changes a frame",
                "levels a frame",
                "kB/s",
                "of the bytes unmerged",
                "mean wait ms",
            ],
            rows,
        )
    ]


def _market(rate: int, seconds: float) -> Iterator[_Moment]:
    """Yield changes of a book that has been trading for a while, at the moments of a Poisson process."""
    random = Random(SEED)  # noqa: S311 - a market, not a secret
    engine = Engine()
    engine.apply(ListInstrument("benchmark", 1, _LISTED), TIME)
    flow = OrderFlow([_LISTED], "flow", SEED)
    for command in flow.opening():
        _apply(engine, flow, command)
    for command in flow.commands(WARMING):
        _apply(engine, flow, command)
    yield from (_Moment(0.0, change) for change in take_changes(engine))
    at = random.expovariate(rate)
    while at < seconds:
        _apply(engine, flow, *flow.commands(1))
        for change in take_changes(engine):
            yield _Moment(at, change)
            at += random.expovariate(rate)


def _apply(engine: Engine, flow: OrderFlow, command: Command) -> None:
    """Carry out a command, and tell the crowd which of its orders have ended."""
    for event in engine.apply(command, TIME):
        if isinstance(event, PrivateExecution) and not event.execution.remaining:
            flow.ended(event.execution.instrument, event.execution.client_order_id)


def _rows(rate: int, seconds: float, moments: list[_Moment]) -> list[list[Cell]]:
    market, instrument = _replica(moments[0].change)
    listeners = [_Listener(market, interval) for interval in INTERVALS_MS]
    unmerged = 0
    for (at, change), following in pairwise([*moments[1:], _Moment(float("inf"), moments[-1].change)]):
        instrument.apply(change, TIME + int(at * 1e6))
        unmerged += _frame_bytes(_alone(change, TIME + int(at * 1e6)))
        for listener in listeners:
            listener.change(at)
            _flush_until(listener, at, following.at)
    return [_row(rate, seconds, listener, unmerged) for listener in listeners]


def _replica(first: BookChange) -> tuple[MarketReplica, InstrumentReplica]:
    market = MarketReplica()
    instrument = market.instruments[_LISTED.symbol] = InstrumentReplica(_LISTED, EPOCH)
    instrument.apply(first, TIME)
    return market, instrument


def _flush_until(listener: _Listener, now: float, end: float) -> None:
    """Flush at once if that is due, or at the deadline if it comes before the next change."""
    deadline = listener.pacer.next_deadline()
    if deadline is not None and deadline < end:
        listener.flush(max(now, deadline))


def _alone(change: BookChange, time_us: int) -> Delta:
    bids, asks = ([(level[0], level[1]) for level in side] for side in (change.bids, change.asks))
    return Delta(change.instrument, change.prev_seq, change.seq, time_us, 0, bids, asks, change.digest)


def _frame_bytes(message: Delta) -> int:
    return len(server_frame(encode_messages((message,), Encoding.MSGPACK), BINARY))


def _row(rate: int, seconds: float, listener: _Listener, unmerged: int) -> list[Cell]:
    frames = max(listener.frames, 1)
    return [
        rate,
        listener.channel.key.interval_ms,
        listener.frames / seconds,
        listener.changes / frames,
        listener.levels / frames,
        listener.frame_bytes / seconds / 1000,
        f"{100 * listener.frame_bytes / max(unmerged, 1):.1f} %",
        1000 * listener.waited_s / max(listener.changes, 1),
    ]


if __name__ == "__main__":
    run({"benchmarks.merging": measure})
