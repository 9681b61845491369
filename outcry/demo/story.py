"""What the demo tells: a gateway dies, the leading engine dies, compliance begins a blackout. And what each of it did.

Pure: when each chapter begins, and its sentences from what was measured. Nothing is said that was not.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

from openoutcry.wire.errors import ConfigurationError

SECONDS_MAX = 3_600.0
"""The latest second of a chapter."""


class Turn(enum.Enum):
    """What a chapter is about."""

    GATEWAY = "a gateway dies"
    ENGINE = "the leading engine dies"
    BLACKOUT = "a blackout begins"


class StoryOptions(NamedTuple):
    """At which second of the measurement each chapter begins; 0: it does not happen."""

    gateway: float = 20.0
    engine: float = 25.0
    blackout: float = 30.0

    def checked(self) -> StoryOptions:
        """
        Return self if it can be told.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        for name, second in zip(("kill-gateway", "kill-engine", "blackout"), self, strict=True):
            if not 0 <= second <= SECONDS_MAX:
                raise ConfigurationError(f"--{name} must be a second from 0 (never) to {SECONDS_MAX:g}, not {second:g}")
        return self

    def chapters(self, cast: Cast) -> list[tuple[float, Turn]]:
        """Return when what happens, in order; without what this market has nobody for."""
        seconds = {Turn.GATEWAY: self.gateway, Turn.ENGINE: self.engine, Turn.BLACKOUT: self.blackout}
        possible = {
            Turn.GATEWAY: cast.gateways > 1,
            Turn.ENGINE: cast.engines > 1,
            Turn.BLACKOUT: cast.keeps_accounts,
        }
        return sorted(
            ((second, deed) for deed, second in seconds.items() if second and possible[deed]), key=lambda each: each[0]
        )


NO_STORY = StoryOptions(0.0, 0.0, 0.0)


class Cast(NamedTuple):
    """Who there is."""

    gateways: int
    engines: int
    keeps_accounts: bool


class Chapter(NamedTuple):
    """One chapter as it was measured; times in ms since it began, None: not within the time that was given."""

    at: float
    """Second of the measurement."""
    deed: Turn
    victim: str
    """The part that died, or the instrument that was closed."""
    users_moved: int = 0
    """Whose connection ended."""
    back_ms: float | None = None
    """Until the last user held verified books again."""
    back_p50_ms: float = 0.0
    """From the loss of a connection to verified books, the median of those who moved."""
    silent_ms: float = 0.0
    """The feed's longest silence meanwhile."""
    orders_waiting: int = 0
    """Commands that were sent and not answered when it happened, or came while nobody answered."""
    orders_lost: int = 0
    """Of these, never answered."""
    orders_ended: int = 0
    users_closed_out: int = 0
    orders_refused: int = 0
    sentence: str = ""
    """Of the first refusal."""

    def ended(self, sent: int, answered: int) -> Chapter:
        """Return it as it ended: of the commands that were sent before it, so many in all have been answered."""
        return self._replace(orders_lost=max(0, sent - answered))

    def row(self) -> Mapping[str, Any]:
        """Return it by name, ready for JSON."""
        return {**self._asdict(), "deed": self.deed.name.lower()}


def announcement(deed: Turn, victim: str, users: int) -> str:
    """Return what is said as it happens; `users` are those of a gateway."""
    match deed:
        case Turn.GATEWAY:
            return f"{victim} is killed with -9, and its {users:,} users with their connections"
        case Turn.ENGINE:
            return f"{victim}, the engine that leads, is killed with -9"
        case Turn.BLACKOUT:
            return f"compliance closes {victim} to the insiders among the traders, for ten seconds"


def told(chapter: Chapter) -> list[str]:
    """Return what it did, a sentence or two."""
    match chapter.deed:
        case Turn.GATEWAY:
            half = f"half of them within {chapter.back_p50_ms:,.0f} ms"
            return [
                f"{chapter.users_moved:,} users moved to the other gateways and resumed, {half}; {_back(chapter)}",
                f"the market did not notice: its longest silence was {chapter.silent_ms:,.0f} ms",
            ]
        case Turn.ENGINE:
            orders = f"{chapter.orders_waiting:,} orders waited meanwhile, {chapter.orders_lost:,} were lost"
            return [
                f"the standby leads: the market stood still for {chapter.silent_ms:,.0f} ms; {_back(chapter)}",
                f"{orders}; {chapter.users_moved:,} users lost their connection",
            ]
        case Turn.BLACKOUT:
            ended = f"{chapter.orders_ended:,} resting orders of {chapter.users_closed_out:,} insiders were ended"
            if not chapter.sentence:
                return [f"{ended}; none of them has tried again yet"]
            return [f"{ended}; {chapter.orders_refused:,} new ones refused so far", f'they read: "{chapter.sentence}"']


def complaint(chapter: Chapter) -> str:
    """Return what was wrong with how a chapter ended; empty: nothing."""
    if chapter.orders_lost:
        return f"{chapter.victim}: {chapter.orders_lost:,} orders were lost"
    if chapter.deed is not Turn.BLACKOUT and chapter.back_ms is None:
        return f"{chapter.victim}: not all users were back and verified in time"
    if chapter.deed is Turn.BLACKOUT and not chapter.orders_ended + chapter.orders_refused:
        return f"the blackout of {chapter.victim} ended and refused nothing"
    return ""


def _back(chapter: Chapter) -> str:
    if chapter.back_ms is None:
        return "NOT all users are back and verified"
    return f"all users verified again after {chapter.back_ms:,.0f} ms"
