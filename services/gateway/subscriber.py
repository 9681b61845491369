"""One listener of the fan-out: where its bytes go, what it follows, and whether it keeps up.

Nobody waits for a slow listener. Over the soft limit of unsent bytes it is *lagging*: it is taken out of its
channels, and when it has drained it gets what makes each of them whole again. Lagging too long, or over the hard
limit, it is aborted: a close would wait for the peer that does not read.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple, Protocol

from services.gateway.channel import Channel, TapeMark
from shared.codec import Encoding

NO_DESCRIPTOR: Final = -1


class Transport(Protocol):
    """Where bytes go; asyncio's and uvloop's transports are such, and so is a list in a test."""

    def write(self, data: bytes) -> None:
        """Take bytes to send; never wait."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are not yet sent."""

    def abort(self) -> None:
        """End the connection at once, unsent bytes lost."""


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
    TOO_SLOW = enum.auto()
    """Abort it."""


class Subscriber:
    """
    A listener.

    Args:
        user: Whose private messages it hears; "" while unknown.
        encoding: Of everything it is sent.
        transport: Where its frames go.
    """

    __slots__ = (
        "channels",
        "descriptor",
        "encoding",
        "hears_account",
        "is_gone",
        "lagging_since",
        "owed_bytes",
        "trade_marks",
        "transport",
        "user",
        "write",
    )

    def __init__(self, user: str, encoding: Encoding, transport: Transport) -> None:
        self.user = user
        self.encoding = encoding
        self.transport = transport
        self.write = transport.write
        """The transport's method."""
        self.descriptor = NO_DESCRIPTOR
        """What may be written to instead, while nothing is unsent; see `MarketDataService.reach`."""
        self.channels: dict[tuple[str, str], Channel] = {}
        """(kind, instrument) to the channel it follows: one depth and interval of each."""
        self.hears_account = False
        self.is_gone = False
        """Whether it was removed: aborted perhaps, while its connection has yet to end."""
        self.lagging_since: float | None = None
        """Monotonic seconds, None while it keeps up."""
        self.owed_bytes = 0
        """Bytes of state it asked for and may still have to drain; they do not count against the hard limit."""
        self.trade_marks: dict[str, TapeMark] = {}
        """Instrument to how far it was told trades before it lagged."""

    @property
    def is_lagging(self) -> bool:
        """Whether it is skipped at present."""
        return self.lagging_since is not None

    def review(self, limits: LagLimits, now: float) -> LagVerdict:
        """Judge it by its unsent bytes; O(1)."""
        unsent = self.transport.get_write_buffer_size()
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
        return LagVerdict.LAGS

    def _is_over(self, limits: LagLimits, unsent: int) -> bool:
        return unsent > limits.hard_bytes + self.owed_bytes
