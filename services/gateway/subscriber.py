"""One listener of the fan-out: where its bytes go, what it follows, and whether it keeps up.

Nobody waits for a slow listener. Over the soft limit of unsent bytes it is *lagging*: it is taken out of its channels,
and when it has drained it gets what brings each of them back in sync. After lagging too long, or over the hard limit,
it is aborted: a close would wait for the peer that does not read.

Nor does a leaving listener touch others: a transport that is closing is skipped, and whatever a transport raises ends
its own listener only.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Message
from services.gateway.channel import BookMark, Channel, TapeMark

NO_DESCRIPTOR: Final = -1


def sealed(descriptor: int) -> int:
    """
    Return how listeners' maps say that what is written to a descriptor must be sealed first: below `NO_DESCRIPTOR`.

    The same again gives the descriptor back.
    """
    return NO_DESCRIPTOR - 1 - descriptor


class Transport(Protocol):
    """
    Where bytes go; asyncio's and uvloop's transports are such, and so is a list in a test.

    It may raise whatever it likes. If it has a method `is_closing`, it is not written to while that is true.
    """

    def write(self, data: bytes) -> None:
        """Take bytes to send; never wait."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are not yet sent."""

    def abort(self) -> None:
        """End the connection at once, unsent bytes lost."""


class HalfTold:
    """What one that has drained has still to be told of a channel for all instruments."""

    __slots__ = ("left", "passes", "told")

    def __init__(self, left: list[str]) -> None:
        self.left = left
        """Instruments that come next, the next one last."""
        self.told: dict[str, Sequence[Message]] = {}
        """What the others were told, in channels that keep no marks."""
        self.passes = 1


class LagLimits(NamedTuple):
    """When a listener is too slow; every number is announced in `welcome`."""

    soft_bytes: int = 64 * 1024
    """Unsent bytes from which on it is skipped."""
    hard_bytes: int = 512 * 1024
    """Unsent bytes from which on it is aborted, beyond what it asked for itself."""
    lag_s: float = 10.0
    """Seconds after which a lagging listener is aborted."""


DEFAULT_LAG_LIMITS: Final = LagLimits()


class LagVerdict(enum.Enum):
    """What to do with a listener."""

    KEEPS_UP = enum.auto()
    LAGS = enum.auto()
    DRAINED = enum.auto()
    """It lagged and has caught up: give it fresh state."""
    LAGS_AGAIN = enum.auto()
    """It has been given a part of its fresh state, and does not keep up with that."""
    TOO_SLOW = enum.auto()
    """Abort it."""
    LOST = enum.auto()
    """Its transport takes nothing any more: forget it."""


class Subscriber:
    """
    A listener.

    Args:
        user: The user whose private messages it gets; "" while unknown.
        encoding: Of everything it is sent.
        transport: Where its frames go.
        is_closing: Returns whether no more data may be sent; None asks the transport, if it knows.
    """

    __slots__ = (
        "_is_closing",
        "book_marks",
        "channels",
        "descriptor",
        "encoding",
        "error",
        "half_told",
        "hears_account",
        "is_further",
        "is_gone",
        "is_lost",
        "is_resuming",
        "lagging_since",
        "owed_bytes",
        "seal",
        "trade_marks",
        "transport",
        "transport_write",
        "user",
        "write_rest",
    )

    def __init__(
        self, user: str, encoding: Encoding, transport: Transport, is_closing: Callable[[], bool] | None = None
    ) -> None:
        self.user = user
        self.encoding = encoding
        self.transport = transport
        self.transport_write = transport.write
        """The transport's own method, for who catches what it raises."""
        self.seal: Callable[[bytes], bytes] | None = getattr(transport, "seal", None)
        """Returns a frame as this listener alone can read it, for a descriptor that is `sealed`; None: all are plain.
        What was sealed must be sent, and before anything else is."""
        self.write_rest: Callable[[bytes], None] = getattr(transport, "write_sealed", None) or transport.write
        """Takes what was written to the descriptor in part, as it would have gone there."""
        self._is_closing: Callable[[], bool] = is_closing or getattr(transport, "is_closing", None) or _never
        self.is_lost = False
        """Whether its transport was seen closing or raised: nothing is written to it any more."""
        self.error: Exception | None = None
        """What its transport raised, if it did."""
        self.is_further = False
        """Whether another connection of the same user has the user's place in the first round (`rotation`)."""
        self.descriptor = NO_DESCRIPTOR
        """What may be written to instead, while nothing is unsent; see `FanOut.reach`."""
        self.channels: dict[tuple[str, str], Channel[Subscriber]] = {}
        """(kind, instrument) to the channel it follows: one depth and interval of each."""
        self.hears_account = False
        self.is_gone = False
        """Whether it was removed: aborted perhaps, while its connection has yet to end."""
        self.lagging_since: float | None = None
        """Monotonic seconds, None while it keeps up; since the last part if it `is_resuming`."""
        self.is_resuming = False
        """Whether it lags in some channels only: it has drained, and is back in sync in the others."""
        self.owed_bytes = 0
        """Bytes of state it asked for and may still have to drain; they do not count against the hard limit."""
        self.book_marks: dict[str, dict[str, BookMark]] = {}
        """What a channel of books covers (a symbol, or "*") to the seqs sent of each before it lagged."""
        self.half_told: dict[tuple[str, str], HalfTold] = {}
        """(kind, instrument) of channels that it is brought back in sync with in several parts."""
        self.trade_marks: dict[str, dict[str, TapeMark]] = {}
        """What a channel of trades covers (a symbol, or "*") to the ids sent of each before it lagged."""

    @property
    def is_lagging(self) -> bool:
        """Whether it is skipped at present."""
        return self.lagging_since is not None

    def write(self, data: bytes, how: Callable[[bytes], None] | None = None) -> bool:
        """Send finished frames, or what is left of one by `write_rest`; False if it gets no more. Raises nothing."""
        if self.is_lost or self.is_gone:
            return False
        try:
            if self._is_closing():
                self.is_lost = True
            else:
                (how or self.transport_write)(data)
        except Exception as error:  # noqa: BLE001 - a transport is its owner's: what it raises is this listener's alone
            self.lose(error)
        return not self.is_lost

    def lose(self, error: Exception) -> None:
        """Write nothing more to it: its transport raised."""
        self.is_lost, self.error = True, error.with_traceback(None)  # a traceback would hold this listener in a circle

    def abort(self) -> None:
        """End its connection at once. Raises nothing."""
        try:
            self.transport.abort()
        except Exception as error:  # noqa: BLE001 - as in `write`
            self.lose(error)

    def review(self, limits: LagLimits, now: float) -> LagVerdict:
        """Judge it by its unsent bytes; O(1). Raises nothing."""
        try:
            unsent = self.transport.get_write_buffer_size()
            self.is_lost = self.is_lost or self._is_closing()
        except Exception as error:  # noqa: BLE001 - as in `write`
            self.lose(error)
        if self.is_lost:
            return LagVerdict.LOST
        if not unsent:
            self.owed_bytes = 0
        if self.lagging_since is None:
            if unsent <= limits.soft_bytes:
                return LagVerdict.KEEPS_UP
            return LagVerdict.TOO_SLOW if self._is_over(limits, unsent) else LagVerdict.LAGS
        if unsent <= limits.soft_bytes // 4:
            return LagVerdict.DRAINED
        if self._is_over(limits, unsent) or now - self.lagging_since > limits.lag_s:
            return LagVerdict.TOO_SLOW
        return LagVerdict.LAGS_AGAIN if self.is_resuming and unsent > limits.soft_bytes else LagVerdict.LAGS

    def _is_over(self, limits: LagLimits, unsent: int) -> bool:
        return unsent > limits.hard_bytes + self.owed_bytes


def _never() -> bool:
    return False
