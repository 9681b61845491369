"""Options of a stack: Redis, engines and gateways on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError

HOST: Final = "127.0.0.1"
GATEWAYS_MAX: Final = 64
ENGINES_MAX: Final = 8
"""One leads, all others stand by."""
PACE_MS_MAX: Final = 1000
"""As gateways allow it."""


IN_FOLDER: Final = "sqlite:"
"""Stands for a ledger's file that ends with the stack."""


class StackOptions(NamedTuple):
    """Redis, the engines and the gateways."""

    gateways: int
    redis_url: str | None
    """A server that runs already; None starts one."""
    port: int | None
    """Of the first gateway, the next ones follow it; None takes free ones."""
    instruments_file: Path | None = None
    """What the market lists, as the matching engine reads it; None is its own default."""
    pace_ms: float | None = None
    """Shortest time between two flushes of a gateway; None is its own default."""
    engines: int = 1
    """The first to take the lease leads, the others stand by."""
    appendfsync: str = "everysec"
    """Of a Redis that is started: when its append-only file is on disk, `always` or `everysec`."""
    ledger: str | None = None
    """Database of a ledger that runs too; `IN_FOLDER`: a file in the stack's own folder; None runs none."""

    def checked(self) -> StackOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        if not 1 <= self.gateways <= GATEWAYS_MAX:
            raise ConfigurationError(f"--gateways must be 1 to {GATEWAYS_MAX}, not {self.gateways}")
        if not 1 <= self.engines <= ENGINES_MAX:
            raise ConfigurationError(f"--engines must be 1 to {ENGINES_MAX}, not {self.engines}")
        if self.port is not None and not 1024 <= self.port <= 65_536 - self.gateways:
            raise ConfigurationError(f"--port must be 1024 to {65_536 - self.gateways}, not {self.port}")
        if self.pace_ms is not None and not 0 <= self.pace_ms <= PACE_MS_MAX:
            raise ConfigurationError(f"--pace must be 0 to {PACE_MS_MAX} ms, not {self.pace_ms:g}")
        return self


def check_rate(rate: float, flag: str) -> None:
    """
    Check a rate of book changes a second.

    Raises:
        ConfigurationError: Names the flag and the rule.
    """
    if not 0 < rate <= 1_000_000:
        raise ConfigurationError(f"{flag} must be above 0 and at most 1000000 book changes a second, not {rate:g}")
