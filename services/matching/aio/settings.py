"""The engine's settings: environment variables `OUTCRY_…`, files of secrets, or flags of its command."""

from __future__ import annotations

import enum
from pathlib import Path

from pydantic import Field

from services.matching.book.order_book import ORDERS_MET_MAX
from services.matching.floor import CANCEL_GRACE_S, CLOCK_SKEW_MAX_S, OPEN_ORDERS_MAX, EngineConfig
from services.matching.idempotency import ORDER_IDS_MAX
from services.matching.recovery.snapshot_schedule import CHECKPOINT_PACKETS_MAX
from shared.aio.settings import ServiceSettings


class Durability(enum.Enum):
    """What commands must outlive before their outcome is published."""

    PROCESS = "process"
    """The processes: in the store's memory."""
    MACHINE = "machine"
    """The machine: in the store's append-only file, on disk."""
    REPLICA = "replica"
    """The primary: in the memory of `replicas_min` replicas."""


class MatchingSettings(ServiceSettings):
    """The settings of one matching engine. Every limit has its unit in its name."""

    lease_ms: int = Field(default=1_200, ge=100)
    """How long a silent leader stays leader. The lease is renewed with every packet, and six times in its length."""
    feed_packets_max: int = Field(default=50_000, ge=2 * CHECKPOINT_PACKETS_MAX)
    """Packets kept in the feed, about. Readers that fall further back start from snapshots."""
    command_entries_max: int = Field(default=100_000, ge=1)
    """Entries kept in the command log, about. Entries after the older of the two checkpoints are always kept."""
    ledger_hold_packets: int = Field(default=2_000_000, ge=1)
    """Packets kept in the feed while the ledger has yet to write them. Beyond, the market goes on without it, and the
    ledger has a gap."""
    ledger_hold_entries: int = Field(default=5_000_000, ge=1)
    """The same of the command log's entries."""
    batch_commands_max: int = Field(default=1_024, ge=1)
    """A packet is closed once it holds this many commands. The entry that reaches the limit is applied completely."""
    snapshot_interval_s: float = Field(default=1.0, ge=0)
    """Shortest time between two snapshots of an instrument."""
    checkpoint_interval_s: float = Field(default=5.0, ge=0)
    """Time between two checkpoints. After a crash this much of the log is applied again."""
    open_orders_max: int = Field(default=OPEN_ORDERS_MAX, ge=1)
    """Resting orders a user may have."""
    orders_met_max: int = Field(default=ORDERS_MET_MAX, ge=1)
    """Resting orders that one order may meet. Beyond, its remainder is cancelled. Each costs about 20 µs, in which
    everybody waits. Leader and standby need the same value."""
    cancel_grace_s: int = Field(default=CANCEL_GRACE_S, ge=1, le=3_600)
    """How long a user with cancel-on-disconnect may be away before the orders are cancelled: time to return."""
    clock_skew_max_s: int = Field(default=CLOCK_SKEW_MAX_S, ge=0, le=3_600)
    """How far the store's clock may be ahead of the leader's. What is beyond does not count, so that a clock that jumps
    ahead closes no market. 0: the store's clock alone counts. Leader and standby need the same value."""
    order_ids_max: int = Field(default=ORDER_IDS_MAX, ge=1_000)
    """Client order ids remembered for ten minutes, over all users, so that a repeated order is never carried out twice.
    Each takes about 200 bytes. A user may hold all that are free. An order beyond is refused as `rate_limited`."""
    durability: Durability = Durability.PROCESS
    """What commands must outlive before they are acknowledged: `process`, `machine` or `replica`."""
    replicas_min: int = Field(default=1, ge=1)
    """Replicas that must have a command before it is acknowledged. Used with durability `replica`."""
    unreachable_max_s: float = Field(default=30.0, ge=0)
    """How long Redis may be away before the engine gives up."""
    accept_loss: bool = False
    """Whether to go on from the newest checkpoint, in a new epoch, if later commands cannot be recovered (exit status
    5). They stay lost. For one start, after a person has looked."""
    metrics_host: str = "127.0.0.1"
    """Address of metrics and health."""
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    """Port of metrics and health (`/metrics`, `/healthz`, `/readyz`). 0 serves none."""
    instruments_file: Path | None = None
    """JSON list of instruments (`openoutcry.wire.instrument`, a map each). Without it, the ten of `default_listing`."""

    def engine_config(self) -> EngineConfig:
        """Return the market's rules."""
        return EngineConfig(
            self.open_orders_max, self.cancel_grace_s, self.order_ids_max, self.orders_met_max, self.clock_skew_max_s
        )
