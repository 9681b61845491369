"""What each key of the store may come to, and when a process's memory has levelled off. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.matching.aio.command_reader import ENTRIES_IN_READ_MAX
from services.matching.aio.settings import MatchingSettings
from shared.logs.refused_access import ACCESS_ENTRIES_MAX
from shared.logs.stream_keys import StreamKeys

NODE_ENTRIES: Final = 100
"""Redis trims whole nodes: of at most so many entries, `stream-node-max-entries`."""
KEYS_MAX: Final = 40
"""Fixed keys, a snapshot an instrument, and a staged checkpoint or two."""
GROWTH_SHARE: Final = 0.03
GROWTH_MIB: Final = 3.0
"""Memory that has levelled off still moves about: by a share and so many MiB."""


def stream_bounds(
    settings: MatchingSettings, keys: StreamKeys, entries_a_second: float, *, has_ledger: bool = False
) -> dict[str, int]:
    """
    Return the most entries that each stream may have.

    The command log keeps what the older of two checkpoints needs, whatever its number: that is three intervals' worth
    (two checkpoints, and one that is being made), and it may pass the setting by what comes between two publications.

    Where a ledger has told its place, both wait for it, up to what the settings let them hold. Refused accesses are cut
    by whoever tells of them.
    """
    packets, commands = settings.feed_packets_max, settings.command_entries_max
    if has_ledger:
        packets, commands = max(packets, settings.ledger_hold_packets), max(commands, settings.ledger_hold_entries)
    needed = round(3 * settings.checkpoint_interval_s * entries_a_second)
    return {
        keys.feed: packets + NODE_ENTRIES,
        keys.audit: ACCESS_ENTRIES_MAX + NODE_ENTRIES,
        keys.commands: max(commands, needed) + NODE_ENTRIES + 8 * ENTRIES_IN_READ_MAX,
    }


def exceeded(found: Mapping[str, int], bounds: Mapping[str, int]) -> list[str]:
    """Name the streams that are longer than they may be."""
    return [
        f"{key} has {found[key]:,} entries, and may have {bound:,}"
        for key, bound in bounds.items()
        if found[key] > bound
    ]


def growth(samples: Sequence[float]) -> float:
    """Return by how much the last third's median is above that of the third before; 0 for fewer than 6 samples."""
    third = len(samples) // 3
    if third < 2:
        return 0.0
    return _median(samples[-third:]) - _median(samples[-2 * third : -third])


def has_levelled_off(samples: Sequence[float]) -> bool:
    """Tell whether memory, in MiB, grew no more in the last third of a run than a settled process's does."""
    if not samples:
        return True
    return growth(samples) <= GROWTH_MIB + GROWTH_SHARE * samples[-1]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
