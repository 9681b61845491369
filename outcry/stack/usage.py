"""What a process has used."""

from __future__ import annotations

from typing import Final, NamedTuple

MEBIBYTE: Final = 1024 * 1024


class Usage(NamedTuple):
    """Of one process, or of several of one role."""

    cpu_seconds: float
    """User and system together, so far."""
    rss_mib: float
