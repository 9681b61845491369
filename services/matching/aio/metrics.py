"""The engine's metrics for Prometheus, in a registry of the caller's."""

from __future__ import annotations

import enum
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.matching.aio.publisher import StoreAnswer
from shared.logs.commands import Command
from shared.logs.events import Event, Outcome
from shared.logs.packet import Packet
from shared.metric_families import MetricFamilies

_ENGINE: Final = MetricFamilies("outcry_matching")
_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_COMMANDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class MatchingMetrics(Collector):
    """
    All that one engine counts and times.

    What happens for every command or packet is counted in plain numbers, which are looked at when somebody asks.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._commands: Counts[tuple[type[Command], str]] = Counts()
        self._skipped = 0
        self._in_batch = 0
        self._trades = 0
        self._published_at = 0.0
        self.publications = Counts({answer.value: 0 for answer in StoreAnswer})
        """The store's answer to the publications that got it; all are there from the start, since an alert's `increase`
        does not see a counter appear."""
        self.corrupt_entries = _ENGINE.kept_counter(
            "corrupt_entries", "Entries of the command log that no writer writes, skipped", registry
        )
        self.values_restored = _ENGINE.kept_counter(
            "values_restored", "Values for late joiners that the store had lost, and that were written again", registry
        )
        self.broken = Gauge(
            "outcry_matching_broken",
            "1 while an engine that cannot go on with the store's content waits for a scrape before it ends",
            registry=registry,
        )
        self.log_clock_ahead = Gauge(
            "outcry_matching_log_clock_ahead_seconds",
            "How far the store's clock is ahead of the leader's, by the last tick; negative: behind",
            registry=registry,
        )
        self.healed_packets = _ENGINE.kept_counter(
            "healed_packets", "Packets sent again to a store that had lost them", registry
        )
        self.store_dropped = _ENGINE.kept_counter(
            "store_dropped",
            "Times that the store lacked packets that had been in the feed, before others that it still holds",
            registry,
        )
        self.standby_reloads = _ENGINE.kept_counter(
            "standby_reloads", "Times that a standby had to start again from the checkpoint", registry
        )
        self.batch_commands = _ENGINE.kept_histogram("batch_commands", "Commands in a packet", registry, _COMMANDS)
        self.publish_seconds = _ENGINE.kept_histogram(
            "publish_seconds", "From sending a packet to the store's answer", registry, _SECONDS
        )
        self.checkpoint_seconds = _ENGINE.kept_histogram(
            "checkpoint_seconds",
            "From a checkpoint's beginning until it waits in the store, beside the market",
            registry,
            _SECONDS,
        )
        self.checkpoint_pause_seconds = _ENGINE.kept_histogram(
            "checkpoint_pause_seconds",
            "How long a checkpoint kept the market from applying commands",
            registry,
            _SECONDS,
        )
        self.checkpoints_failed = _ENGINE.kept_counter(
            "checkpoints_failed",
            "Checkpoints beside the market that failed; the market stored the next itself",
            registry,
        )
        self.checkpoints_refused = _ENGINE.kept_counter(
            "checkpoints_refused",
            "Stored checkpoints that could not be used; the one before was used, if there was one",
            registry,
        )
        self.redis_round_trip = _ENGINE.kept_histogram(
            "redis_round_trip_seconds",
            "A small command's way to Redis and back, once a second or more",
            registry,
            _SECONDS,
        )
        self.event_loop_lag = _ENGINE.kept_histogram(
            "event_loop_lag_seconds", "How late a timer runs, four times a second", registry, _SECONDS
        )
        registry.register(self)

    def count(self, command: Command, events: list[Event]) -> None:
        """Count one command by what `Engine.apply` answered to it."""
        if not events:
            self._skipped += 1
            return
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        self._commands[type(command), outcome.code] += 1
        self._in_batch += 1

    def batch(self, packet: Packet) -> None:
        """Count a packet that has been published."""
        self._published_at = time.time()
        self._trades += len(packet.trades)
        self.batch_commands.observe(self._in_batch)
        self._in_batch = 0

    def collect(self) -> Iterator[Metric]:
        """Yield what is counted in plain numbers."""
        yield _ENGINE.counters(
            "commands",
            "Commands applied, by kind, and by outcome: `ok` or the refusal's code",
            ("kind", "outcome"),
            {(kind.__name__, code or "ok"): number for (kind, code), number in self._commands.items()},
        )
        yield _ENGINE.counters(
            "publications",
            "Publications by the store's answer: `appended`; `behind`: it lost its tail; `ahead` or `not_leader`: the "
            "write was refused because another may lead; `changed`: it restarted or failed over; `refused`: it is "
            "full, and so for a tick that it refused; `unstaged`: a checkpoint that waited there is gone; `cut`: the "
            "feed's last entry was deleted",
            ("answer",),
            {(answer,): number for answer, number in self.publications.items()},
        )
        yield _ENGINE.counter("commands_skipped", "Commands skipped as repetitions", self._skipped)
        yield _ENGINE.counter("trades", "Trades made", self._trades)
        yield _ENGINE.gauge(
            "published_timestamp_seconds", "When the last packet was published, Unix time; 0 before", self._published_at
        )


class Role(enum.Enum):
    """What an engine does at present."""

    STANDBY = "standby"
    LEADER = "leader"


class EngineState(NamedTuple):
    """How an engine stands."""

    role: Role
    term: int
    """Its own; 0 while it does not lead."""
    position: int
    """Commands applied since the market began; 0 while a standby has nothing to follow with."""
    unready: str
    """Why it could not lead at this moment; empty if it does or could."""
    four_eyes: bool = True
    """Whether administrators need each other's consent in its market."""
    pending_settlements: int = 0
    """Options that have ended and cannot be settled."""
    schedule_days: int = -1
    """Trading days that are planned and have not begun, of the calendar with the fewest; -1: there is no calendar."""
    schedule_end_us: int = 0
    """The last moment planned, of the calendar whose plan ends first, µs since 1970; 0: nothing is planned."""


class EngineStateCollector(Collector):
    """
    Shows an engine's state, looked at when it is asked for.

    Args:
        state: Returns it.
    """

    def __init__(self, state: Callable[[], EngineState]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        state = self._state()
        yield _ENGINE.gauge("leader", "1 while this engine leads, 0 while it stands by", int(state.role is Role.LEADER))
        yield _ENGINE.gauge("ready", "1 while this engine leads, or could at once", int(not state.unready))
        yield _ENGINE.gauge("term", "Term of this leader; 0 while another leads", state.term)
        yield _ENGINE.gauge(
            "four_eyes", "1 while administrators need each other's consent, 0 in a market without", int(state.four_eyes)
        )
        yield _ENGINE.gauge(
            "pending_settlements",
            "Options that have expired and wait for a settlement price",
            state.pending_settlements,
        )
        yield _ENGINE.gauge(
            "schedule_days_ahead",
            "Trading days planned and not begun, of the calendar with the fewest; -1 without calendars",
            state.schedule_days,
        )
        yield _ENGINE.gauge(
            "schedule_end_timestamp_seconds",
            "Unix time of the last moment planned, of the calendar whose plan ends first; 0 without a plan",
            state.schedule_end_us / 1_000_000,
        )
        yield _ENGINE.gauge("position", "Commands applied since the market began, by this engine", state.position)
