"""An instrument's ticker as users of the market hold it: the newest one, and iterable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from openoutcry.aio.pulse import Pulse
from openoutcry.errors import RequestRefused
from openoutcry.feed_session import FeedSession
from openoutcry.wire.messages import Auction, Ticker


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
        self._last: Ticker | None = None

    def __repr__(self) -> str:
        return f"<LiveTicker {self._newest()} {'stale' if self.is_stale else 'fed'}>"

    @property
    def value(self) -> Ticker:
        """The newest ticker, the last one if it is followed no more; O(1)."""
        newest = self._newest()
        assert newest is not None, "the market gives nobody a ticker before the first has come"
        return newest

    @property
    def auction(self) -> Auction | None:
        """What the instrument's call would come to if it ended now; None outside of a call. O(1)."""
        return self._session.auctions.get(self.instrument)

    @property
    def is_stale(self) -> bool:
        """
        Whether there may be a newer one that has not reached us, by the clock too (see `Book.stale`).

        So it is behind a reconnection until the first has come, and for good where it is followed no more.
        """
        return not self._session.is_fed or not self._session.has_ticker(self.instrument) or self._is_silent()

    def stop(self, refusal: RequestRefused) -> None:
        """Note that it is followed no more; called by the market."""
        self._pulse.stop(refusal)

    def moved(self) -> None:
        """Note that there is a newer one; called by the market."""
        self._last = self._session.tickers[self.instrument]
        self._pulse.beat()

    def _newest(self) -> Ticker | None:
        return self._session.tickers.get(self.instrument, self._last)

    def __aiter__(self) -> AsyncIterator[Ticker]:
        """Yield the newest ticker after each change from now on; a slow reader skips some. Ends as a book's."""
        return _Tickers(self, self._pulse)


class _Tickers(AsyncIterator[Ticker]):
    def __init__(self, ticker: LiveTicker, pulse: Pulse) -> None:
        self._ticker = ticker
        self._pulse = pulse
        self._count = pulse.count

    async def __anext__(self) -> Ticker:
        self._count = await self._pulse.beyond(self._count)
        return self._ticker.value
