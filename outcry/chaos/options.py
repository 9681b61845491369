"""The options of a chaos run."""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError
from outcry.chaos.fault import Part
from outcry.load.crew_options import CrewOptions
from outcry.stack.options import StackOptions

SECONDS_MAX: Final = 3600.0
"""Every packet is kept until the verdict."""
TRADERS: Final = 40
RATE_MAX: Final = 10.0 * TRADERS
"""Orders a second; a trader waits for the outcome of one order before he places the next."""


class ChaosOptions(NamedTuple):
    """A run with faults."""

    stack: StackOptions
    crew: CrewOptions
    seconds: float
    """How long faults happen."""
    rate: float
    """Orders a second, of all traders together."""
    seed: int
    """Of the faults, and of what traders do."""

    @property
    def parts(self) -> list[Part]:
        """What there is to hurt: a Redis that somebody else runs is left alone, and so is a standby that is not."""
        parts = [Part.LEADER, Part.GATEWAY]
        if self.stack.engines > 1:
            parts.append(Part.STANDBY)
        if self.stack.redis_url is None:
            parts.append(Part.REDIS)
        return parts

    def checked(self) -> ChaosOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        self.stack.checked()
        self.crew.checked()
        if not 1 <= self.seconds <= SECONDS_MAX:
            raise ConfigurationError(f"--seconds must be 1 to {SECONDS_MAX:g} with --chaos, not {self.seconds:g}")
        if not 0 < self.rate <= RATE_MAX:
            raise ConfigurationError(f"--rate must be above 0 and at most {RATE_MAX:g} with --chaos, not {self.rate:g}")
        return self
