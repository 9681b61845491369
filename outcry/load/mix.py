"""What users subscribe to, as one flag says it: `book:3,ticker:*/250`.

A mix is entries with commas between, each `CHANNEL:WHAT[@DEPTH][/INTERVAL][=WEIGHT]`:

* WHAT is `all` (every instrument by its name), `*` (one subscription to everything, later listings included), a number
  (so many neighbours in the listing, others for each user), or a symbol. `account` has none.
* DEPTH is levels a side, for `book` and `top`; INTERVAL the shortest time between two updates, ms. Both as the protocol
  allows them.
* WEIGHT makes an entry one of alternatives: of all weighted entries of a channel each user has exactly one, in
  proportion to the weights. Entries without a weight are everybody's.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import DEPTHS, INTERVALS_MS
from outcry.load.even_choice import FOR_MIX, point

ENTRIES_MAX: Final = 16
SUBSCRIPTIONS_MAX: Final = 256
"""Of one connection, as the protocol limits them."""
CHANNELS: Final = ("book", "top", "ticker", "trades", "status", "account")
EVERY_NAME: Final = "all"
DEFAULT_MIX_TEXT: Final = "book:3,ticker:*/250"
"""Three books, and the prices of the whole market as often as a person can read them."""

_ENTRY: Final = re.compile(
    r"(?P<channel>[a-z]+)(:(?P<what>[^@/=]*))?(@(?P<depth>[^/=]*))?(/(?P<interval>[^=]*))?(=(?P<weight>.*))?"
)
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,23}")


class PlannedSubscription(NamedTuple):
    """One request of one user."""

    channel: str
    instruments: tuple[str, ...]
    depth: int = 0
    interval_ms: int = 0


class Interest(NamedTuple):
    """One entry of a mix."""

    channel: str
    what: str
    depth: int
    interval_ms: int
    weight: float | None
    """None is everybody's."""

    def subscription(self, number: int, instruments: Sequence[str]) -> PlannedSubscription:
        """
        Return what user `number` asks for.

        Raises:
            ConfigurationError: If no such instrument is listed, or `all` of them are too many.
        """
        return PlannedSubscription(self.channel, self._names(number, instruments), self.depth, self.interval_ms)

    def _names(self, number: int, instruments: Sequence[str]) -> tuple[str, ...]:
        if self.what == EVERY_INSTRUMENT:
            return (EVERY_INSTRUMENT,)
        if self.what == EVERY_NAME:
            return tuple(instruments)
        if self.what.isdecimal():
            count = min(int(self.what), len(instruments))
            return tuple(instruments[(number + offset) % len(instruments)] for offset in range(count))
        if self.what not in instruments:
            raise ConfigurationError(f"--mix: {self.what} is not listed; there are {_some(instruments)}")
        return (self.what,)


class Mix(NamedTuple):
    """What all users subscribe to."""

    text: str
    """As it was given."""
    interests: tuple[Interest, ...]

    @property
    def has_books(self) -> bool:
        """Whether anybody follows books, which can be proven."""
        return any(interest.channel == "book" for interest in self.interests)

    def subscriptions(self, number: int, instruments: Sequence[str]) -> tuple[PlannedSubscription, ...]:
        """
        Return what user `number` (from 0) asks for; the same in every process.

        Args:
            number: Whose.
            instruments: The listing, in order.

        Raises:
            ConfigurationError: If an instrument is not listed, or one connection cannot have so many subscriptions.
        """
        found = tuple(interest.subscription(number, instruments) for interest in self._interests_of(number))
        count = sum(len(subscription.instruments) for subscription in found)
        if count > SUBSCRIPTIONS_MAX:
            raise ConfigurationError(
                f"--mix: {count} subscriptions a user, and a connection may have {SUBSCRIPTIONS_MAX}: "
                f"say {EVERY_INSTRUMENT} for {EVERY_NAME}"
            )
        return found

    def _interests_of(self, number: int) -> Iterator[Interest]:
        """Yield everybody's entries, and one of each channel's alternatives."""
        at = point(number, FOR_MIX)
        for channel, group in _by_channel(self.interests):
            yield from (interest for interest in group if interest.weight is None)
            weighted = [interest for interest in group if interest.weight is not None]
            if weighted:
                yield _drawn(weighted, at, channel)


def parse_mix(text: str) -> Mix:
    """
    Read a mix.

    Raises:
        ConfigurationError: Names the entry, the rule and the limit.
    """
    entries = [entry.strip() for entry in text.split(",")]
    if len(entries) > ENTRIES_MAX:
        raise ConfigurationError(f"--mix: at most {ENTRIES_MAX} entries, not {len(entries)}")
    mix = Mix(text, tuple(_interest(entry) for entry in entries))
    for first, second in itertools.combinations(mix.interests, 2):
        _check_pair(first, second)
    return mix


def _interest(entry: str) -> Interest:
    parts = _ENTRY.fullmatch(entry)
    if parts is None or parts["channel"] not in CHANNELS:
        raise ConfigurationError(f"--mix: {entry!r} must begin with one of {', '.join(CHANNELS)}")
    channel = parts["channel"]
    depth = _choice(entry, "DEPTH", parts["depth"], DEPTHS)
    if depth and channel not in ("book", "top"):
        raise ConfigurationError(f"--mix: {entry!r}: channel {channel} has no DEPTH; book and top have")
    interval_ms = _choice(entry, "INTERVAL", parts["interval"], INTERVALS_MS)
    return Interest(channel, _what(entry, channel, parts["what"]), depth, interval_ms, _weight(entry, parts["weight"]))


def _what(entry: str, channel: str, what: str | None) -> str:
    if channel == "account":
        if what is not None:
            raise ConfigurationError(f"--mix: {entry!r}: account is the user's own and names nothing")
        return EVERY_INSTRUMENT
    if what in (EVERY_NAME, EVERY_INSTRUMENT):
        return what
    if what and what.isdecimal():
        if not 1 <= int(what) <= SUBSCRIPTIONS_MAX:
            raise ConfigurationError(f"--mix: {entry!r}: so many instruments must be 1 to {SUBSCRIPTIONS_MAX}")
        return what
    if what and _SYMBOL.fullmatch(what):
        return what
    raise ConfigurationError(f"--mix: {entry!r}: after {channel}: comes {EVERY_NAME}, *, a number or a symbol")


def _choice(entry: str, field: str, text: str | None, choices: Sequence[int]) -> int:
    if text is None:
        return 0
    if not text.isdecimal() or int(text) not in choices:
        raise ConfigurationError(
            f"--mix: {entry!r}: {field} must be one of {', '.join(map(str, choices))}, not {text or 'nothing'}"
        )
    return int(text)


def _weight(entry: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight <= 1_000_000:
        raise ConfigurationError(f"--mix: {entry!r}: WEIGHT must be above 0 and at most 1000000, not {text!r}")
    return weight


def _check_pair(first: Interest, second: Interest) -> None:
    """Refuse what no connection may have both of; alternatives never meet."""
    channels = {first.channel, second.channel}
    if not channels <= {"book", "top"} or (
        first.channel == second.channel and first.weight is not None and second.weight is not None
    ):
        return
    if channels == {"book"} and first.depth != second.depth:
        raise ConfigurationError(
            f"--mix: a connection's books have one DEPTH, not {first.depth} and {second.depth}; give them a WEIGHT each"
        )
    if channels == {"book", "top"} and first.depth == second.depth:
        raise ConfigurationError(f"--mix: book and top cannot both have DEPTH {first.depth}: both come as snapshots")


def _by_channel(interests: Sequence[Interest]) -> Iterator[tuple[str, list[Interest]]]:
    for channel in dict.fromkeys(interest.channel for interest in interests):
        yield channel, [interest for interest in interests if interest.channel == channel]


def _drawn(weighted: Sequence[Interest], at: float, channel: str) -> Interest:
    """Return the alternative at a point of 0 to 1; each channel begins at a place of its own."""
    left = (at + CHANNELS.index(channel) / len(CHANNELS)) % 1.0 * sum(each.weight or 0.0 for each in weighted)
    for interest in weighted:
        left -= interest.weight or 0.0
        if left < 0:
            return interest
    return weighted[-1]


def _some(instruments: Sequence[str]) -> str:
    return ", ".join(instruments[:8]) + (f" and {len(instruments) - 8} more" if len(instruments) > 8 else "")


DEFAULT_MIX: Final = parse_mix(DEFAULT_MIX_TEXT)
