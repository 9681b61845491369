"""Options of the demo: a stack, its users and what trades."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from outcry.demo.story import StoryOptions
from outcry.load.crew_options import CrewOptions
from outcry.stack.options import StackOptions, check_rate


class ReplayOptions(NamedTuple):
    """Recorded flow instead of bots."""

    path: Path
    instrument: str
    speed: float | None
    """Multiple of real time; None is as fast as the engine follows."""


class DemoOptions(NamedTuple):
    """A run of the demo."""

    stack: StackOptions
    crew: CrewOptions
    seconds: float
    """How long to measure; 0 is until Ctrl-C. A replay ends with its file."""
    rate: float
    """Book changes a second over all instruments."""
    hot: bool
    """All users and all changes on one book."""
    replay: ReplayOptions | None
    seed: int
    story: StoryOptions = StoryOptions()
    """What happens on purpose meanwhile; nothing during a replay."""
    accounts: bool = True
    """The market keeps accounts, and orders need what they promise; a replay's does not."""

    def checked(self) -> DemoOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        self.stack.checked()
        self.crew.checked()
        if not 0 <= self.seconds < float("inf"):
            raise ConfigurationError(f"--seconds must be a number of 0 or more, not {self.seconds:g}")
        check_rate(self.rate, "--rate")
        self.story.checked()
        if self.replay:
            Instrument(self.replay.instrument).checked()
        return self
