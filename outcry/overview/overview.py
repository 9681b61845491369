"""What the processes of an exchange do, from two looks at their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from outcry.load.exposition import Exposition

MATCHING: Final = "outcry_matching_position"
GATEWAY: Final = "outcry_gateway_connections"
LEDGER: Final = "outcry_ledger_position"
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RoleLook:
    """A process. What does not concern its role is None, and so is what its metrics do not have."""

    name: str
    role: str
    """`leader`, `standby`, `gateway`, `ledger`; `unknown` for other metrics, `away` if it did not answer."""
    term: int | None = None
    position: int | None = None
    """Commands: applied by an engine, read by a gateway, written by the ledger."""
    behind: int | None = None
    """Commands that it is behind the leader."""
    is_ready: bool | None = None
    """Of an engine: it leads or could. Of a gateway: its books are current, and it is not leaving."""
    lag_s: float | None = None
    """Of a gateway: from the engine's publishing to its reading. Of the ledger: age of what is not written yet."""
    connections: int | None = None
    connections_max: int | None = None
    lagging: int | None = None
    """Connections that do not keep up."""
    orders_per_s: float | None = None
    """Of an engine: commands applied."""
    trades_per_s: float | None = None
    deliveries_per_s: float | None = None
    """Of a gateway: frames written."""
    bytes_per_s: float | None = None
    hold_share: float | None = None
    """Of the ledger: how full is what the store holds for it, 1 is full."""
    gaps: int | None = None
    """Of the ledger: stretches that its record lacks."""
    cpu_share: float | None = None
    """Of one processor."""
    memory_mib: float | None = None


@dataclass(frozen=True, slots=True)
class GatewayUsers:
    """Who is connected to a gateway, as it tells administrators."""

    gateway: str
    total: int = 0
    lagging: int = 0
    connections: Sequence[Mapping[str, Any]] = ()
    fault: str = ""
    """Why it is not known; empty if it is."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A moment of an exchange."""

    time_us: int
    interval_s: float
    """Time that rates are over."""
    roles: Sequence[RoleLook]
    users: Sequence[GatewayUsers] = field(default_factory=tuple)

    def fields(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)

    @property
    def is_whole(self) -> bool:
        """Whether every process answered, and one engine leads, if there is any."""
        engines = [role.role for role in self.roles if role.role in ("leader", "standby")]
        leads = engines.count("leader") == 1 if engines else True
        return leads and all(role.role not in ("away", "unknown") for role in self.roles)


def overview(
    earlier: Mapping[str, Exposition | None],
    later: Mapping[str, Exposition | None],
    interval_s: float,
    time_us: int,
    users: Sequence[GatewayUsers] = (),
) -> Overview:
    """
    Compare two looks.

    Args:
        earlier: By name; None for who did not answer.
        later: The same names.
        interval_s: Seconds between them, above 0.
        time_us: Of the later look, Unix time.
        users: As gateways told.
    """
    leads = [at.values.get(MATCHING, 0) for at in later.values() if at is not None and _leads(at)]
    lead = int(max(leads)) if leads else None
    roles = [_role(name, earlier.get(name), look, interval_s, lead) for name, look in later.items()]
    return Overview(time_us, interval_s, roles, users)


def is_gateway(look: Exposition | None) -> bool:
    """Whether these are the metrics of a gateway."""
    return look is not None and GATEWAY in look.values


def _leads(look: Exposition) -> bool:
    return look.values.get("outcry_matching_leader") == 1


class _Figures:
    """The figures of one process."""

    def __init__(self, earlier: Exposition | None, later: Exposition, interval_s: float) -> None:
        self._before = earlier.values if earlier is not None and later.is_same_process(earlier) else None
        self._now = later.values
        self._interval_s = interval_s

    def whole(self, name: str) -> int | None:
        value = self._now.get(name)
        return None if value is None else int(value)

    def number(self, name: str) -> float | None:
        value = self._now.get(name)
        return None if value is None else round(value, 6)

    def rate(self, name: str) -> float | None:
        """Return a counter's growth a second; None if it was another process, or is not counted."""
        if self._before is None or name not in self._now:
            return None
        return round((self._now[name] - self._before.get(name, 0.0)) / self._interval_s, 3)


def _role(
    name: str, earlier: Exposition | None, later: Exposition | None, interval_s: float, lead: int | None
) -> RoleLook:
    if later is None:
        return RoleLook(name, "away")
    figures = _Figures(earlier, later, interval_s)
    memory = figures.number("process_resident_memory_bytes")
    process: dict[str, Any] = {
        "cpu_share": figures.rate("process_cpu_seconds_total"),
        "memory_mib": None if memory is None else round(memory / MIB, 1),
    }
    if MATCHING in later.values:
        position = figures.whole(MATCHING)
        return RoleLook(
            name,
            "leader" if _leads(later) else "standby",
            term=figures.whole("outcry_matching_term") or None,
            position=position,
            behind=_behind(lead, position),
            is_ready=later.values.get("outcry_matching_ready") == 1,
            orders_per_s=figures.rate("outcry_matching_commands_total"),
            trades_per_s=figures.rate("outcry_matching_trades_total"),
            **process,
        )
    if GATEWAY in later.values:
        position = figures.whole("outcry_gateway_feed_position")
        return RoleLook(
            name,
            "gateway",
            term=figures.whole("outcry_gateway_feed_term"),
            position=position,
            behind=_behind(lead, position),
            is_ready=later.values.get("outcry_gateway_fed") == 1 and not later.values.get("outcry_gateway_draining"),
            lag_s=figures.number("outcry_gateway_feed_delay_seconds"),
            connections=figures.whole(GATEWAY),
            connections_max=figures.whole("outcry_gateway_connections_max"),
            lagging=figures.whole("outcry_gateway_lagging_connections"),
            deliveries_per_s=figures.rate("outcry_gateway_frames_sent_total"),
            bytes_per_s=figures.rate("outcry_gateway_sent_bytes_total"),
            **process,
        )
    if LEDGER in later.values:
        position = figures.whole(LEDGER)
        return RoleLook(
            name,
            "ledger",
            position=position,
            behind=_behind(lead, position),
            is_ready=not later.values.get("outcry_ledger_stopped"),
            lag_s=figures.number("outcry_ledger_lag_seconds"),
            hold_share=figures.number("outcry_ledger_hold_share"),
            gaps=figures.whole("outcry_ledger_gaps"),
            **process,
        )
    return RoleLook(name, "unknown", **process)


def _behind(lead: int | None, position: int | None) -> int | None:
    """Looks are not taken at one moment: whoever was asked later may seem to be ahead, which is 0 behind."""
    return None if lead is None or position is None else max(0, lead - position)
