"""How many users a run has, and who shares them: flags that demo, chaos and load have with one rule."""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError

USERS_MAX: Final = 50_000
LOAD_PROCESSES_MAX: Final = 64


class CrewOptions(NamedTuple):
    """The users of a run."""

    users: int
    verify_percent: float
    """Share of users that keep whole books and check every digest on the way."""
    load_processes: int
    """Processes that they share."""

    @classmethod
    def of(cls, users: int, verify_percent: float, load_processes: int) -> CrewOptions:
        """Return these; processes that would be without users are left out."""
        return cls(users, verify_percent, min(load_processes, users))

    def checked(self) -> CrewOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        check_within("--users", self.users, 1, USERS_MAX)
        check_within("--verify", self.verify_percent, 0, 100)
        check_within("--load-processes", self.load_processes, 1, min(self.users, LOAD_PROCESSES_MAX))
        return self


def check_within(flag: str, value: float, low: float, high: float) -> None:
    """
    Check a number against its bounds; NaN is beyond all.

    Raises:
        ConfigurationError: Names the flag and the rule.
    """
    if not low <= value <= high:
        raise ConfigurationError(f"{flag} must be {_shown(low)} to {_shown(high)}, not {_shown(value)}")


def _shown(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
