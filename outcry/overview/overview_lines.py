"""An overview as lines for people, of 60 columns and more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from outcry.overview.overview import GatewayUsers, Overview, RoleLook

UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k"))


def overview_lines(seen: Overview, height: int | None = None) -> list[str]:
    """
    Return the lines: a summary, a line a process, then users, those that lag first.

    Args:
        seen: What is known.
        height: Lines that there are; the last one tells what is left out. None: all.
    """
    lines = [_summary(seen), *(_role_line(role) for role in seen.roles)]
    for told in seen.users:
        lines.append(_users_line(told))
        lines += [_user_line(row) for row in told.connections]
    if height is not None and len(lines) > height:
        left = len(lines) - max(0, height - 1)
        lines = [*lines[: max(0, height - 1)], f"… {left:,} more lines: a higher terminal, or --json, has them"]
    return lines


def _summary(seen: Overview) -> str:
    leaders = [role for role in seen.roles if role.role == "leader"]
    connections = sum(role.connections or 0 for role in seen.roles)
    lagging = sum(role.lagging or 0 for role in seen.roles)
    orders = sum(role.orders_per_s or 0 for role in leaders)
    deliveries = sum(role.deliveries_per_s or 0 for role in seen.roles)
    mark = "✓" if seen.is_whole else "✗"
    term = f"term {leaders[0].term}" if len(leaders) == 1 else f"{len(leaders)} leaders"
    return (
        f"{mark} {datetime.fromtimestamp(seen.time_us / 1e6, UTC):%H:%M:%S} {term}  {_short(orders)} orders/s  "
        f"{_short(deliveries)} deliveries/s  {connections:,} users, {lagging:,} lag"
    )


def _role_line(role: RoleLook) -> str:
    mark = {True: "✓", False: "✗", None: "✗" if role.role == "away" else "?"}[role.is_ready]
    head = f"{mark} {role.name[:14]:14} {role.role:8}"
    if role.role == "away":
        return f"{head} does not answer"
    parts = []
    if role.connections is not None:
        parts.append(f"{role.connections:,}/{role.connections_max:,} users" if role.connections_max else "")
        parts.append(f"{role.lagging or 0:,} lag")
    if role.behind:
        parts.append(f"{role.behind:,} behind")
    if role.lag_s is not None:
        parts.append(f"lag {role.lag_s * 1000:.1f} ms" if role.lag_s < 1 else f"lag {role.lag_s:.1f} s")
    if role.orders_per_s is not None and role.role == "leader":
        parts.append(f"{_short(role.orders_per_s)} orders/s")
    if role.deliveries_per_s is not None:
        parts.append(f"{_short(role.deliveries_per_s)}/s")
    if role.hold_share is not None:
        parts.append(f"hold {role.hold_share:.0%}")
    if role.gaps:
        parts.append(f"{role.gaps:,} gaps")
    if role.position is not None:
        parts.append(f"at {role.position:,}")
    if role.cpu_share is not None:
        parts.append(f"cpu {role.cpu_share:.0%}")
    if role.memory_mib is not None:
        parts.append(f"{role.memory_mib:.0f} MiB")
    return f"{head} {'  '.join(part for part in parts if part)}"


def _users_line(told: GatewayUsers) -> str:
    if told.fault:
        return f"  users of {told.gateway}: {told.fault}"
    return f"  users of {told.gateway}: {told.total:,}, {told.lagging:,} lag"


def _user_line(row: Any) -> str:
    lag = row.get("lag_s")
    standing = "✓" if lag is None else f"✗ lags for {lag:.1f} s, {_short(row.get('unsent_bytes', 0))} B unsent,"
    who = row.get("user") or "(no login yet)"
    return f"    {standing} {who}  {row.get('subscriptions', 0)} channels  {row.get('program') or 'unknown program'}"


def _short(value: float) -> str:
    for unit, letter in UNITS:
        if value >= unit:
            return f"{value / (1_000 if letter == 'k' else unit):,.1f}{letter}"
    return f"{value:,.0f}"
