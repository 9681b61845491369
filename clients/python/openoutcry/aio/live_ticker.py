"""An instrument's ticker as users of the market hold it: the newest one, and iterable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from openoutcry.aio.pulse import Pulse
from openoutcry.feed_session import FeedSession
from openoutcry.wire.messages import Ticker


class LiveTicker:
    """
    An instrument's ticker.

    Args:
        instrument: Symbol.
        session: Keeps the newest one.
        pulse: Beats when there is a newer one.
        is_silent: Whether, by the clock, no heartbeat was received for too long.
    """

    def __init__(self, instrument: str, session: FeedSession, pulse: Pulse, is_silent: Callable[[], bool]) -> None:
        self.instrument = instrument
        self._session = session
        self._pulse = pulse
        self._is_silent = is_silent

    def __repr__(self) -> str:
        return f"<LiveTicker {self._session.tickers.get(self.instrument)} {'stale' if self.is_stale else 'fed'}>"

    @property
    def value(self) -> Ticker:
        """The newest ticker; O(1)."""
        return self._session.tickers[self.instrument]

    @property
    def is_stale(self) -> bool:
        """Whether there may be a newer one that cannot reach us, by the clock too (see `Book.stale`)."""
        return not self._session.is_fed or self._is_silent()

    def __aiter__(self) -> AsyncIterator[Ticker]:
        """Yield the newest ticker after each change from now on; a slow reader skips some."""
        return _Tickers(self, self._pulse)


class _Tickers(AsyncIterator[Ticker]):
    def __init__(self, ticker: LiveTicker, pulse: Pulse) -> None:
        self._ticker = ticker
        self._pulse = pulse
        self._count = pulse.count

    async def __anext__(self) -> Ticker:
        self._count = await self._pulse.beyond(self._count)
        return self._ticker.value
