"""What an operator sees of the engine: Prometheus metrics in a registry of the caller's."""

from __future__ import annotations

from collections import Counter as Counts

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.commands import Command
from shared.events import Event, Outcome

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class MatchingMetrics:
    """
    All metrics of one engine.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._commands = Counter("outcry_commands", "Commands applied", ["kind", "outcome"], registry=registry)
        self._counts: Counts[tuple[type[Command], str]] = Counts()
        self._skipped = Counter("outcry_commands_skipped", "Commands skipped as repetitions", registry=registry)
        self.corrupt_entries = Counter("outcry_corrupt_entries", "Entries that stopped the engine", registry=registry)
        self.batch_commands = Histogram(
            "outcry_batch_commands", "Commands in a packet", buckets=_COMMANDS, registry=registry
        )
        self.publish_seconds = Histogram(
            "outcry_publish_seconds", "From sending a packet to the store's answer", buckets=_SECONDS, registry=registry
        )
        self.checkpoint_seconds = Histogram(
            "outcry_checkpoint_seconds", "Encoding of checkpoint and accounts", buckets=_SECONDS, registry=registry
        )
        self.healed_packets = Counter("outcry_healed_packets", "Packets appended again", registry=registry)
        self.standby_reloads = Counter(
            "outcry_standby_reloads", "Times that a standby had to start again from the checkpoint", registry=registry
        )
        self.position = Gauge("outcry_position", "Commands applied since the market began", registry=registry)
        self.term = Gauge("outcry_term", "Term of this leader; 0 while another leads", registry=registry)

    def count(self, command: Command, events: list[Event]) -> None:
        """Count one command by what `Engine.apply` answered to it; shown after `batch`."""
        if not events:
            self._skipped.inc()
            return
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        self._counts[type(command), outcome.code] += 1

    def batch(self, position: int) -> None:
        """Show what was counted since the last batch; the counters' locks are paid once a batch, not once a command."""
        self.position.set(position)
        self.batch_commands.observe(self._counts.total())
        for (kind, code), number in self._counts.items():
            self._commands.labels(kind.__name__, code or "ok").inc(number)
        self._counts.clear()
