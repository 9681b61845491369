"""The interface that all of this grew from: three methods before the fan-out, for use alone, in one process.

`broadcast_order_book_update` takes the place of the feed: it is given a book of an `OrderBook`. What is sent, to whom
and when is the fan-out's.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from websockets.protocol import State

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import InvalidArgument
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Snapshot
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import MarketState
from services.gateway.broadcast import Broadcast, write_by_transports
from services.gateway.channel import ChannelKey
from services.gateway.fan_out import PACE_S, FanOut
from services.gateway.replica import Changes, InstrumentReplica, MarketReplica
from services.gateway.rotation import Rotation
from services.gateway.subscriber import DEFAULT_LAG_LIMITS, LagLimits, Subscriber
from shared.logs.snapshots import BookState


class MarketDataService(FanOut):
    """
    Broadcasts order books to users.

    Args:
        market: The replica to read from; a new one by default.
        lag_limits: When a subscriber is too slow.
        pace_s: Shortest time between two flushes, seconds; 0 flushes at once.
        broadcast: How a flush reaches its listeners.
        clock: Tells monotonic seconds.
    """

    def __init__(
        self,
        market: MarketReplica | None = None,
        lag_limits: LagLimits = DEFAULT_LAG_LIMITS,
        pace_s: float = PACE_S,
        broadcast: Broadcast = write_by_transports,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(market, lag_limits, pace_s, broadcast)
        self._clock = clock
        self._by_user: dict[str, Subscriber] = {}
        self._rotation_of_users = Rotation()

    async def subscribe_user(
        self, user_id: str, connection: Any, encoding: Encoding | str = Encoding.MSGPACK
    ) -> Subscriber:
        """
        Send a user every book as it stands, and from now on every change.

        Subscribing the same user again replaces the connection. Never waits for the network.

        Args:
            user_id: Names the subscription for `unsubscribe_user`.
            connection: A transport, or anything with a `.transport` such as a `websockets` server connection; without
                compression, since one finished WebSocket frame is written to all.
            encoding: Of everything the user is sent; also as a word, "msgpack" or "json".

        Returns:
            The subscription; `is_gone` if the connection takes nothing any more.

        Raises:
            ConfigurationError: If the encoding is none; a subscription that stands goes on.
            InvalidArgument: If the connection is none that can be written to; likewise.
        """
        encoding = Encoding.chosen(encoding)
        transport = _checked_transport(connection)
        self.unsubscribe_user(user_id)
        subscriber = Subscriber(user_id, encoding, transport, _closing(connection, transport))
        self._by_user[user_id] = subscriber
        self.subscribe(subscriber, ChannelKey("book", EVERY_INSTRUMENT, 0, 0))
        return subscriber

    async def broadcast_order_book_update(self, order_book_state: Snapshot) -> None:
        """
        Tell all subscribers how a book changed: one merged delta, encoded once, one write each.

        Costs O(levels) to find the difference. A subscriber that does not read is skipped, and dropped by and by;
        nobody waits for it. One whose transport is closing or raises, whatever it raises, is forgotten; the others get
        the update all the same.

        Args:
            order_book_state: The whole book, as `OrderBook.snapshot()` gives it. An epoch other than before, a lower
                seq, or another book at the same seq starts the book anew.

        Raises:
            ReplicaBroken: If its digest is not that of its levels.
        """
        now = self._clock()
        for subscriber in self._rotation_of_users.order(self._by_user.values()):
            self.review(subscriber, now)
        if self.has_more:
            self.go_on(now)
        self.publish(self._take_state(order_book_state))
        self.flush_all(now)

    def unsubscribe_user(self, user_id: str, connection: Any = None) -> None:
        """
        Send a user nothing more; unknown users are ignored. The connection stays open: it is the caller's.

        Args:
            user_id: As subscribed.
            connection: Unsubscribe only if it is still this one; the user may have come back on another.
        """
        subscriber = self._by_user.get(user_id)
        if subscriber is not None and (connection is None or _transport(connection) is subscriber.transport):
            self.remove(subscriber)

    def _take_state(self, state: Snapshot) -> Changes:
        market = self.market
        if state.instrument not in market.instruments:
            definition = Instrument(state.instrument)
            market.listing[state.instrument] = definition
            market.instruments[state.instrument] = InstrumentReplica(definition, state.epoch)
        changes = Changes()
        book_state = BookState(
            state.instrument, state.epoch, "", state.seq, state.time, state.bids, state.asks, state.digest,
            0, 0, 0, 0, 0, 0, MarketState.OPEN, "", 0, 0,
        )  # fmt: skip
        continues = market.instruments[state.instrument].load(book_state, state.time)
        (changes.books if continues else changes.restarted)[state.instrument] = None
        return changes

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a subscriber, and its user's name; O(its subscriptions)."""
        super().remove(subscriber)
        if self._by_user.get(subscriber.user) is subscriber:
            del self._by_user[subscriber.user]


def _transport(connection: Any) -> Any:
    return getattr(connection, "transport", connection)


def _checked_transport(connection: Any) -> Any:
    """
    Return where to write: each library has a connection of its own, and most of them take no finished frames.

    Raises:
        InvalidArgument: If what is given has not what is needed of a transport.
    """
    transport = _transport(connection)
    needed = ("write", "get_write_buffer_size", "abort")
    lacking = [name for name in needed if not callable(getattr(transport, name, None))]
    if lacking or inspect.iscoroutinefunction(transport.write):
        what = f"has no {lacking[0]}()" if lacking else "waits in its write()"
        raise InvalidArgument(
            f"connection: must be an asyncio transport, or have one as .transport; {type(transport).__name__} {what}"
        )
    return transport


def _closing(connection: Any, transport: Any) -> Callable[[], bool] | None:
    """Return how to ask a WebSocket whether its close frame is out: its transport is open until the peer answers."""
    if not isinstance(getattr(connection, "state", None), State):
        return None
    return lambda: connection.state is not State.OPEN or transport.is_closing()
