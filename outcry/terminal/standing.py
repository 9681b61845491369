"""What the screen says of its connection: one state, always in words and with a sign."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from openoutcry.events import StaleReason
from openoutcry.wire.types import MarketState
from outcry.terminal.delays import Delay

LAG_US: Final = 1_000_000
"""From here on changes are called late."""

WHY_STALE: Final = {
    StaleReason.LOADING: "its first state has not come yet",
    StaleReason.GAP: "a change is missing, a new state is on its way",
    StaleReason.CORRUPT: "its digest disagreed, a new state is on its way",
    StaleReason.BEHIND: "the exchange is further, a new state is on its way",
    StaleReason.DISCONNECTED: "nothing was heard for too long",
    StaleReason.FEED: "the gateway hears nothing from the exchange",
    StaleReason.DELISTED: "it is listed no more",
    StaleReason.UNFOLLOWED: "it is not followed",
}
UNREADY: Final[dict[MarketState | None, str]] = {
    MarketState.RESYNCING: "the gateway is loading the market again",
    MarketState.STALE: WHY_STALE[StaleReason.FEED],
}
"""States of the gateway's feed in which it vouches for nothing."""


class Tone(enum.StrEnum):
    """How good it is; never shown by colour alone."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


SIGNS: Final = {Tone.GOOD: "✓", Tone.WARN: "!", Tone.BAD: "✗"}


class LinkState(NamedTuple):
    """What is known of a connection at one moment."""

    is_connected: bool
    """Whether a gateway has said who we are, and the connection stands."""
    attempts: int
    """Connections tried in all."""
    ending: str
    """Why the last one ended."""
    feed: MarketState | None
    """What the gateway says of its own feed; None if nothing."""
    stale: StaleReason | None
    """Why the book cannot be vouched for."""
    seq: int
    delay: Delay | None


class ConnectionWords(NamedTuple):
    """What is said."""

    tone: Tone
    words: str
    detail: str

    def line(self) -> str:
        """Return sign, words and detail."""
        return f"{SIGNS[self.tone]} {self.words}{f': {self.detail}' if self.detail else ''}"


def standing(heard: LinkState) -> ConnectionWords:
    """Say how things stand. Nothing is called verified that was not just now."""
    if not heard.is_connected:
        return ConnectionWords(Tone.BAD, "reconnecting", f"attempt {heard.attempts}, {heard.ending}")
    if heard.feed in UNREADY:
        return ConnectionWords(Tone.BAD, "stale", UNREADY[heard.feed])
    if heard.stale is not None:
        is_joining = heard.stale is StaleReason.LOADING
        tone, words = (Tone.WARN, "joining") if is_joining else (Tone.BAD, "stale")
        return ConnectionWords(tone, words, WHY_STALE[heard.stale])
    if heard.delay is not None and heard.delay.is_recent and heard.delay.now >= LAG_US:
        return ConnectionWords(Tone.WARN, f"lagging, verified at seq {heard.seq:,}", "")
    return ConnectionWords(Tone.GOOD, f"live, verified at seq {heard.seq:,}", "")


def delay_words(delay: Delay | None) -> str:
    """Say delays, as `delay 3.1 ms, p99 12.0 ms`."""
    if delay is None:
        return "delay unknown"
    return f"delay {_ms(delay.now)}, p99 {_ms(delay.p99)}"


def _ms(us: int) -> str:
    return f"{us / 1_000:.1f} ms" if us < LAG_US else f"{us / 1_000_000:.1f} s"
