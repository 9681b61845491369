"""The fan-out: one changing market, many listeners, each update encoded once.

Every gateway runs a `FanOut`; `services.gateway.market_data_service` puts the three methods of the original interface
before it. It never awaits. Transports buffer what it writes, and a listener that does not keep up is skipped (see
`services.gateway.subscriber`). Snapshot and subscription happen in one step, so nothing can come between them.

No listener can touch another. One whose transport is closing, or raises, is forgotten. Every loop over users begins at
another place (see `services.gateway.rotation`).
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import Heartbeat, Message, Status, Trade
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import INTERVALS_MS, LEVEL_QUANTITY_MAX
from services.gateway.account_listeners import AccountListeners
from services.gateway.broadcast import Broadcast, FanOutStatistics, Part, joined, still_here, write_by_transports
from services.gateway.catch_up import CatchUp
from services.gateway.channel import (
    TRADES_ON_JOIN_MAX,
    BookChannel,
    Channel,
    ChannelKey,
    TapeMark,
    TradesChannel,
    WindowChannel,
    missing_trades,
    open_channel,
)
from services.gateway.deep_snapshots import DeepSnapshots
from services.gateway.pacer import Pacer
from services.gateway.replica import Changes, MarketReplica
from services.gateway.rotation import Places, Rotation
from services.gateway.snapshot_making import finished_frames, holds_made
from services.gateway.subscriber import DEFAULT_LAG_LIMITS, NO_DESCRIPTOR, LagLimits, LagVerdict, Subscriber
from shared.entitlement import EVERYTHING, Entitlement
from shared.websocket_frame import BINARY, TEXT, server_frame

PACE_S: Final = 0.010
"""Default shortest time between two flushes of the channels without an interval of their own."""
LISTING_FRAMES_MAX: Final = 32
"""Listings that are kept encoded, one for each entitlement; beyond it all are encoded again as they are asked for."""
_BOOK_KINDS: Final = ("book", "top", "ticker")
"""The kinds of channel that a change of a book concerns."""
_KINDS: Final = (*_BOOK_KINDS, "trades", "status")
"""All kinds of channel."""
_OPCODES: Final = {Encoding.MSGPACK: BINARY, Encoding.JSON: TEXT}


class FanOut:
    """
    Broadcasts the market to its subscribers.

    Args:
        market: The replica to read from; a new one for use alone.
        lag_limits: When a subscriber is too slow.
        pace_s: Shortest time between two flushes, seconds; 0 flushes at once.
        broadcast: How a flush reaches its listeners.
        deep: Where deep books' snapshots are made, for who calls `go_on`; None: they are made at once.
    """

    def __init__(
        self,
        market: MarketReplica | None = None,
        lag_limits: LagLimits = DEFAULT_LAG_LIMITS,
        pace_s: float = PACE_S,
        broadcast: Broadcast = write_by_transports,
        deep: DeepSnapshots | None = None,
    ) -> None:
        self.market = market or MarketReplica()
        self.lag_limits = lag_limits
        self.statistics = FanOutStatistics()
        self._broadcast = broadcast
        self._deep = deep
        self._catch_up = CatchUp(self)
        self._channels: dict[ChannelKey, Channel[Subscriber]] = {}
        self._by_subject: dict[tuple[str, str], list[Channel[Subscriber]]] = {}
        self._pacers = {ms: Pacer(max(ms / 1000, pace_s)) for ms in INTERVALS_MS}
        self._marked: dict[Pacer, None] = {}
        """Those that have something to send; of most packets none has."""
        self._state_frames: dict[tuple[Channel[Subscriber], Encoding], tuple[list[Message], bytes]] = {}
        self._listing_frames: dict[tuple[Encoding, Entitlement], tuple[list[Message], bytes]] = {}
        self._lagging: dict[Subscriber, None] = {}
        self._resuming: dict[Subscriber, None] = {}
        """Those of them that have drained, and have been sent a part of what they missed."""
        self._removed = 0
        """How many have been, so that a flush knows whether any has been within its first round."""
        self._places = Places()
        self._rotation = Rotation()
        """Of flushes."""
        self._further_rotation = Rotation()
        self._side_rotation = Rotation()
        """Of all other loops over users."""
        self._accounts = AccountListeners(self.market, self.send, self.send_owed, self._side_rotation)

    # -- subscriptions ----------------------------------------------------------------------------------------------

    def subscribe(self, subscriber: Subscriber, key: ChannelKey) -> None:
        """Join a channel and send its state, which `is_ready`; one of the same kind and instrument is replaced."""
        channel = self._join(subscriber, key)
        self.send_state(subscriber, channel)

    def resume(self, subscriber: Subscriber, key: ChannelKey, epoch: int, seq: int, digest: int) -> bool:
        """
        Join a book channel from where the subscriber stands: one merged delta if its book is of this history.

        If nothing was missed the delta is empty: its digest confirms the book.

        Returns:
            Whether it could; otherwise it got the channel's state, as from `subscribe`.
        """
        channel = self._join(subscriber, key)
        if subscriber.is_lagging:
            return False  # it gets the state when it has drained
        instrument = self.market.instruments[key.instrument]
        delta = None
        if (
            isinstance(channel, BookChannel)
            and epoch == instrument.book.epoch
            and instrument.history.holds(seq, digest)
        ):
            delta = instrument.delta_since(seq)
        if delta is None:
            self.send_state(subscriber, channel)
            return False
        self.enter(subscriber, channel)
        self.send(subscriber, [delta, *channel.auction_since(key.instrument)])
        return True

    def tell(self, subscriber: Subscriber, key: ChannelKey, symbols: Iterable[str]) -> dict[str, Sequence[Message]]:
        """
        Send the state of some instruments of a channel that the subscriber is about to join with `join_told`.

        Returns:
            The messages sent for each.
        """
        channel = self._channels.get(key) or open_channel(key, self.market, self._deep)
        told = {symbol: channel.state_of(symbol) for symbol in symbols}
        messages = [message for state in told.values() for message in state]
        if messages:
            self.send_owed(subscriber, messages)
        return told

    def join_told(self, subscriber: Subscriber, key: ChannelKey, told: Mapping[str, Sequence[Message]]) -> None:
        """Join a channel whose state was sent in parts, and send what has changed since, or was not sent."""
        channel = self._join(subscriber, key)
        if subscriber.is_lagging or subscriber.is_gone:  # it gets the rest when it has drained
            if isinstance(channel, BookChannel):
                subscriber.book_marks[key.instrument] = channel.marks_of(told)
            elif isinstance(channel, TradesChannel):
                subscriber.trade_marks[key.instrument] = channel.marks_of(told)
            return
        self.enter(subscriber, channel)
        news = [message for symbol in channel.symbols() for message in channel.since(symbol, told.get(symbol, ()))]
        if news:
            self.send_owed(subscriber, news)

    def is_ready(self, subscriber: Subscriber, key: ChannelKey, symbol: str) -> bool:
        """
        Tell whether an instrument's state in a channel can be sent, or need not be.

        If not, a deep book's snapshot is being made: ask again each turn, and `go_on`.
        """
        if self._deep is None or key.kind != "book" or key.depth or subscriber.is_lagging or subscriber.is_gone:
            return True
        return self._deep.is_ready(self.market.instruments[symbol])

    def is_ready_again(self, subscriber: Subscriber, instrument: str) -> bool:
        """Tell whether `resync` can send the state of a followed book; else ask again each turn, and `go_on`."""
        channel = self._book_channel(subscriber, instrument)
        return channel is None or self.is_ready(subscriber, channel.key, instrument)

    def behind(self, subscriber: Subscriber, key: ChannelKey, told: Mapping[str, Sequence[Message]]) -> list[str]:
        """Return those of a channel's deep books that must be told anew: no delta leads on from what was told."""
        deep, channel = self._deep, self._channels.get(key) or open_channel(key, self.market, self._deep)
        if deep is None or not isinstance(channel, BookChannel) or subscriber.is_lagging or subscriber.is_gone:
            return []
        books = [symbol for symbol in channel.symbols() if deep.is_deep(self.market.instruments[symbol])]
        return [symbol for symbol in books if channel.needs_state(symbol, told.get(symbol, ()))]

    def leads_on(self, key: ChannelKey, epoch: int, seq: int, digest: int) -> bool:
        """Tell whether `resume` can: one merged delta leads on from there."""
        instrument = self.market.instruments[key.instrument]
        is_known = epoch == instrument.book.epoch and instrument.history.holds(seq, digest)
        return not key.depth and is_known and instrument.delta_since(seq) is not None

    def rows(self, key: ChannelKey, symbol: str) -> int:
        """Return about how many levels or trades an instrument's state in a channel has; O(1)."""
        instrument = self.market.instruments[symbol]
        if key.kind == "trades":
            return min(len(instrument.trades), TRADES_ON_JOIN_MAX)
        if key.kind not in {"book", "top"}:
            return 1
        book, depth = instrument.book, key.depth or LEVEL_QUANTITY_MAX
        return min(len(book.bids.quantities), depth) + min(len(book.asks.quantities), depth)

    def unsubscribe(self, subscriber: Subscriber, kind: str, instrument: str) -> bool:
        """Leave a channel; False if there was no such subscription."""
        found = self._leave(subscriber, kind, instrument)
        if found and not subscriber.channels:
            self._give_up_place(subscriber)
        return found

    def follows_book(self, subscriber: Subscriber, instrument: str) -> bool:
        """Tell whether a subscriber follows the book of an instrument, by name or with all."""
        return instrument in self.market.instruments and self._book_channel(subscriber, instrument) is not None

    def resync(self, subscriber: Subscriber, instrument: str) -> None:
        """Send the state of one followed book again; a lagging subscriber gets it when it has drained."""
        channel = self._book_channel(subscriber, instrument)
        assert channel is not None, "see follows_book"
        if subscriber.is_lagging:
            subscriber.book_marks.get(channel.key.instrument, {}).pop(instrument, None)
        if subscriber in channel.listeners(subscriber):
            self.send_owed(subscriber, channel.state_of(instrument))

    def hear_account(self, subscriber: Subscriber) -> None:
        """Send the user's private state, and from now on every execution and transfer."""
        self._accounts.add(subscriber)

    def leave_account(self, subscriber: Subscriber) -> bool:
        """Send no more of them; False if none were sent."""
        return self._accounts.remove(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a subscriber; O(its subscriptions)."""
        for kind, instrument in list(subscriber.channels):
            self.unsubscribe(subscriber, kind, instrument)
        self._accounts.remove(subscriber)
        self._lagging.pop(subscriber, None)
        self._resuming.pop(subscriber, None)
        subscriber.descriptor = NO_DESCRIPTOR
        subscriber.is_gone = True
        self._removed += 1

    def reach(self, subscriber: Subscriber, descriptor: int) -> None:
        """
        Write flushes to a descriptor from now on, or (`NO_DESCRIPTOR`) through the transport; O(its subscriptions).

        Whoever gives a descriptor takes it away as soon as the transport holds anything unsent, which must go first,
        and before it is closed: the next socket may get the same.
        """
        subscriber.descriptor = descriptor
        for channel in subscriber.channels.values():
            listeners = channel.listeners(subscriber)
            if subscriber in listeners:
                listeners[subscriber] = descriptor

    def subscriptions(self) -> Counts[str]:
        """Return how many subscriptions there are of each kind of channel; O(channels), for operators."""
        counts: Counts[str] = Counts()
        for channel in self._channels.values():
            counts[channel.key.kind] += channel.followers
        counts["account"] = len(self._accounts)
        return counts

    # -- sending ----------------------------------------------------------------------------------------------------

    def publish(self, changes: Changes) -> None:
        """Pass on what packets or snapshots changed; channels go out with their next flush, what is private at once."""
        for symbol in changes.delisted:
            self._end(symbol)
        for symbol, shared_id in changes.tapes.items():
            self._renumber_trades(symbol, shared_id)
        for symbol in changes.restarted:
            for channel in self._following(_BOOK_KINDS, symbol):
                channel.restart(symbol)
                self._mark_pacer(channel)
        for symbol in chain(changes.books, [auction.instrument for auction in changes.auctions]):
            self._mark(_BOOK_KINDS, symbol)
        for definition in changes.listings:
            self._mark((*_BOOK_KINDS, "status"), definition.symbol)
        for status in changes.statuses:
            assert status.instrument is not None
            self._mark(("status",), status.instrument)
        for trade in changes.trades:
            self._queue_trade(trade.instrument, trade.trade_id, trade)
        for symbol, first, last in changes.missing_trades:
            self._queue_trade(symbol, last, missing_trades(symbol, first, last))
        if changes.accounts_loaded:
            self._accounts.renew(self._accounts.users())
        self._accounts.pass_on(changes.executions)
        if changes.beginnings:  # after what happened before: an account stands for no execution that was not sent
            self._accounts.renew(self._accounts.users())
        if changes.switches:
            self._accounts.renew(switch.user for switch in changes.switches)

    def flush_due(self, now: float) -> bool:
        """Send what is due by now, if anything; costs one encode a channel and encoding, and one write a listener."""
        if not self._marked:
            return False
        due: list[Channel[Subscriber]] = []
        for pacer in [each for each in self._pacers.values() if each in self._marked]:
            if channels := pacer.take_due(now):
                del self._marked[pacer]
                due += channels
        return self._flush(due)

    def flush_all(self, now: float) -> None:
        """Send everything that has come, whatever the pace; `now` is monotonic seconds."""
        self._marked.clear()
        self._flush([channel for pacer in self._pacers.values() for channel in pacer.take_all(now)])

    def next_deadline(self) -> float | None:
        """When to call `flush_due`, monotonic seconds; None if nothing waits."""
        if not self._marked:
            return None
        return min(deadline for pacer in self._marked if (deadline := pacer.next_deadline()) is not None)

    def send(self, subscriber: Subscriber, messages: Iterable[Message]) -> None:
        """Send messages to one subscriber, in one frame, lagging or not."""
        self._write(subscriber, self.frame(messages, subscriber.encoding))

    def send_listing(self, subscriber: Subscriber, entitlement: Entitlement = EVERYTHING) -> None:
        """Send the definitions that one may see, and their terms; encoded once, until any of it is another."""
        messages, key = self.market.listing_messages(entitlement), (subscriber.encoding, entitlement)
        held = self._listing_frames.get(key)
        if held is None or held[0] != messages:
            if len(self._listing_frames) >= LISTING_FRAMES_MAX:
                self._listing_frames.clear()
            held = self._listing_frames[key] = messages, self.frame(messages, subscriber.encoding)
        self._write(subscriber, held[1])

    def heartbeat(self, subscribers: Iterable[Subscriber], server_time: int) -> None:
        """
        Send every subscriber the last seqs sent to it; one encode for all with the same books.

        One that lags hears that the connection lives, and of no book.
        """
        frames: dict[tuple[Encoding, tuple[Channel[Subscriber], ...]], bytes] = {}
        for subscriber in subscribers:
            books: tuple[Channel[Subscriber], ...] = ()
            if not subscriber.is_lagging:
                books = tuple(channel for (kind, _), channel in subscriber.channels.items() if kind == "book")
            frame = frames.get((subscriber.encoding, books))
            if frame is None:
                heartbeat = Heartbeat(server_time, _sent_seqs(books))
                frame = frames[subscriber.encoding, books] = self.frame([heartbeat], subscriber.encoding)
            self._write(subscriber, frame)

    def broadcast(self, subscribers: Iterable[Subscriber], message: Message) -> None:
        """Send one message to these, one encode for all."""
        frames = {encoding: self.frame([message], encoding) for encoding in Encoding}
        for subscriber in subscribers:
            self._write(subscriber, frames[subscriber.encoding])

    def frame(self, messages: Iterable[Message], encoding: Encoding) -> bytes:
        """Build a finished WebSocket frame."""
        self.statistics.encoded += 1
        return server_frame(encode_messages(messages, encoding), _OPCODES[encoding])

    # -- slow listeners ---------------------------------------------------------------------------------------------

    def review(self, subscriber: Subscriber, now: float) -> LagVerdict:
        """Skip one that lags, resynchronise one that has drained, abort one too slow (once), forget one lost."""
        if subscriber.is_gone:
            return LagVerdict.TOO_SLOW
        was_lagging = subscriber.is_lagging
        verdict = subscriber.review(self.lag_limits, now)
        if verdict is LagVerdict.LAGS_AGAIN or (verdict is LagVerdict.LAGS and not was_lagging):
            self._suspend(subscriber, now)
        elif verdict is LagVerdict.DRAINED and subscriber not in self._resuming:  # else its turn comes, see `go_on`
            self._resynchronise(subscriber, now)
        elif verdict is LagVerdict.TOO_SLOW:
            self._abort(subscriber, now)
        elif verdict is LagVerdict.LOST:
            self.remove(subscriber)
        return verdict

    def lagging(self) -> list[Subscriber]:
        """Return the subscribers that are skipped at present, in some of their channels at least."""
        return list(self._lagging)

    @property
    def has_more(self) -> bool:
        """Whether `go_on` has something to do."""
        return bool(self._resuming) or (self._deep is not None and self._deep.has_more)

    def go_on(self, now: float) -> None:
        """
        Do the next part of what is large; call it once a turn while there is more.

        That is of a deep book's snapshot, and of what the one that has waited longest has missed. A part is sent only
        to one that has read the part before. They cost what `LEVELS_A_PART` and `CHANNELS_A_PART` say.
        """
        if self._deep is not None and self._deep.has_more:
            complete = self._deep.do_part()
            if complete is not None:
                self._mark(("book",), complete.symbol)  # whose followers may wait for it, see `BookChannel`
        if self._resuming:
            subscriber = next(iter(self._resuming))
            del self._resuming[subscriber]
            self.review(subscriber, now)

    def _suspend(self, subscriber: Subscriber, now: float) -> None:
        self.statistics.lagged += 1
        subscriber.lagging_since = now
        subscriber.is_resuming = False
        self._lagging[subscriber] = None
        self._resuming.pop(subscriber, None)
        told = [channel for channel in subscriber.channels.values() if subscriber in channel.listeners(subscriber)]
        for channel in told:
            del channel.listeners(subscriber)[subscriber]
            if isinstance(channel, BookChannel):
                subscriber.book_marks[channel.key.instrument] = channel.marks()
            elif isinstance(channel, TradesChannel):
                subscriber.trade_marks[channel.key.instrument] = channel.marks()
        if len(told) < len(subscriber.channels):  # those that were not told come first next time
            for channel in told:
                subscriber.channels[channel.key[:2]] = subscriber.channels.pop(channel.key[:2])

    def _resynchronise(self, subscriber: Subscriber, now: float) -> None:
        """Send one that has drained what it missed; if that is much, a part of it: the rest goes with `go_on`."""
        subscriber.lagging_since = None
        subscriber.owed_bytes = 0
        subscriber.is_resuming = False
        self._lagging.pop(subscriber, None)
        self._resuming.pop(subscriber, None)
        is_complete = self._catch_up.send_part(subscriber)
        if subscriber.is_lagging or subscriber.is_gone:
            return  # again, under what has just been sent: the marks of the others stay
        if is_complete:
            if subscriber.hears_account:
                self.send_owed(subscriber, [self.market.account(subscriber.user)])
            return
        subscriber.lagging_since = now  # of which a part has gone out, so that its time begins anew
        subscriber.is_resuming = True
        self._lagging[subscriber] = self._resuming[subscriber] = None

    def _abort(self, subscriber: Subscriber, now: float) -> None:
        since = subscriber.lagging_since
        if since is not None and now - since > self.lag_limits.lag_s:
            self.statistics.aborted_time += 1
        else:
            self.statistics.aborted_bytes += 1
        self.remove(subscriber)
        subscriber.abort()

    # -- private ----------------------------------------------------------------------------------------------------

    def _join(self, subscriber: Subscriber, key: ChannelKey) -> Channel[Subscriber]:
        self._leave(subscriber, key.kind, key.instrument)
        if not subscriber.channels:
            self._places.take(subscriber)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = open_channel(key, self.market, self._deep)
            self._by_subject.setdefault((key.kind, key.instrument), []).append(channel)
        channel.followers += 1
        subscriber.channels[key.kind, key.instrument] = channel
        if subscriber.is_lagging and isinstance(channel, TradesChannel):  # it missed nothing of what was before
            subscriber.trade_marks[key.instrument] = channel.marks_of({})
        return channel

    def _leave(self, subscriber: Subscriber, kind: str, instrument: str) -> bool:
        channel = subscriber.channels.pop((kind, instrument), None)
        if channel is None:
            return False
        channel.listeners(subscriber).pop(subscriber, None)
        subscriber.half_told.pop((kind, instrument), None)
        if kind == "book":
            subscriber.book_marks.pop(instrument, None)
        elif kind == "trades":
            subscriber.trade_marks.pop(instrument, None)
        channel.followers -= 1
        if not channel.followers:
            self._close(channel)
        return True

    def _give_up_place(self, subscriber: Subscriber) -> None:
        heir = self._places.leave(subscriber)
        if heir is None:
            return
        followed = [channel for channel in heir.channels.values() if heir in channel.listeners(heir)]
        for channel in followed:
            del channel.listeners(heir)[heir]
        heir.is_further = False
        for channel in followed:
            channel.listeners(heir)[heir] = heir.descriptor

    def _book_channel(self, subscriber: Subscriber, instrument: str) -> Channel[Subscriber] | None:
        channels = subscriber.channels
        channel = channels.get(("book", instrument)) or channels.get(("book", EVERY_INSTRUMENT))
        return channel if channel is not None and channel.key.has(instrument) else None

    def enter(self, subscriber: Subscriber, channel: Channel[Subscriber]) -> None:
        """Have a follower get the channel's flushes from now on."""
        if channel.is_silent():
            channel.begin()
        channel.listeners(subscriber)[subscriber] = subscriber.descriptor

    def send_state(self, subscriber: Subscriber, channel: Channel[Subscriber]) -> None:
        """Send a channel's state and enter it; encoded once for all until it is another."""
        if subscriber.is_lagging or subscriber.is_gone:
            return  # it gets the state when it has drained
        self.enter(subscriber, channel)
        messages = channel.state()
        if not messages:
            return
        if holds_made(messages):
            self.send_owed(subscriber, messages)
            return
        held = self._state_frames.get((channel, subscriber.encoding))
        if held is None or held[0] != messages:
            held = messages, self.frame(messages, subscriber.encoding)
            self._state_frames[channel, subscriber.encoding] = held
        subscriber.owed_bytes += len(held[1])
        self._write(subscriber, held[1])

    def send_owed(self, subscriber: Subscriber, messages: Sequence[Message]) -> None:
        """Send state that was asked for, which does not count against the hard limit."""
        frames = finished_frames(messages, subscriber.encoding, self.frame)
        subscriber.owed_bytes += sum(map(len, frames))
        for frame in frames:
            self._write(subscriber, frame)

    def _close(self, channel: Channel[Subscriber]) -> None:
        key = channel.key
        del self._channels[key]
        self._by_subject[key.kind, key.instrument].remove(channel)
        pacer = self._pacers[key.interval_ms]
        pacer.forget(channel)
        if pacer.next_deadline() is None:
            self._marked.pop(pacer, None)
        for encoding in Encoding:
            self._state_frames.pop((channel, encoding), None)

    def _mark(self, kinds: Sequence[str], symbol: str) -> None:
        for channel in self._following(kinds, symbol):
            channel.mark(symbol)
            self._mark_pacer(channel)

    def _mark_pacer(self, channel: Channel[Subscriber]) -> None:
        pacer = self._pacers[channel.key.interval_ms]
        pacer.mark(channel)
        self._marked[pacer] = None

    def _end(self, symbol: str) -> None:
        """End every subscription to an instrument that is listed no more; O(its followers, and who lags)."""
        for channel in list(self._following(_KINDS, symbol)):
            if isinstance(channel, TradesChannel):
                self._flush([channel])
            channel.forget(symbol)
            if channel.key.instrument == EVERY_INSTRUMENT:
                continue
            for subscriber in (*channel.everybody(), *self._lagging):
                if subscriber.channels.get(channel.key[:2]) is channel:
                    self.unsubscribe(subscriber, channel.key.kind, symbol)

    def _renumber_trades(self, symbol: str, shared_id: int) -> None:
        for channel in self._following(("trades",), symbol):
            assert isinstance(channel, TradesChannel)
            told = channel.renumber(symbol, shared_id)
            for subscriber in self._lagging:
                marks = subscriber.trade_marks.get(channel.key.instrument)
                if marks is not None and subscriber.channels.get(channel.key[:2]) is channel:
                    marks[symbol] = marks.get(symbol, TapeMark()).begun_anew(shared_id, told)

    def _queue_trade(self, symbol: str, trade_id: int, message: Trade | Status) -> None:
        for channel in self._following(("trades",), symbol):
            assert isinstance(channel, TradesChannel)
            channel.add(symbol, trade_id, message)
            self._mark_pacer(channel)

    def _following(self, kinds: Sequence[str], symbol: str) -> Iterable[Channel[Subscriber]]:
        by_subject = self._by_subject
        for kind in kinds:
            yield from by_subject.get((kind, symbol), ())
            for channel in by_subject.get((kind, EVERY_INSTRUMENT), ()):
                if not channel.key.scope or channel.key.has(symbol):
                    yield channel

    def _flush(self, channels: Iterable[Channel[Subscriber]]) -> bool:
        """Collect and encode each channel once, and write to each listener once, whatever it follows."""
        first: list[Part] = []
        further: list[Part] = []
        for channel in channels:
            messages = channel.collect()
            if not messages:
                continue
            self.statistics.flushes += 1
            is_made = holds_made(messages)
            for encoding, members in channel.members.items():
                others = channel.further[encoding]
                if not members and not others:
                    continue
                frame = self.frame(messages, encoding) if not is_made else self._owed_frame(messages, channel, encoding)
                if members:
                    first.append((frame, members))
                if others:
                    further.append((frame, others.copy()))
        removed = self._removed
        self._send_round(first, self._rotation)
        self._send_round(further if removed == self._removed else still_here(further), self._further_rotation)
        return bool(first or further)

    def _owed_frame(self, messages: Sequence[Message], channel: Channel[Subscriber], encoding: Encoding) -> bytes:
        """Build what holds a deep book's snapshot; its size is no reason to abort a listener."""
        frame = b"".join(finished_frames(messages, encoding, self.frame))
        for subscriber in (*channel.members[encoding], *channel.further[encoding]):
            subscriber.owed_bytes += len(frame)
        return frame

    def _send_round(self, parts: list[Part], rotation: Rotation) -> None:
        if not parts:
            return
        for frame, listeners in parts:
            self.statistics.frames += len(listeners)
            self.statistics.bytes += len(listeners) * len(frame)
        ring = parts if len(parts) == 1 else joined(parts)
        lost = self._broadcast(ring, rotation.start(sum(len(listeners) for _, listeners in ring)))
        for subscriber in lost:
            self.remove(subscriber)

    def _write(self, subscriber: Subscriber, frame: bytes) -> None:
        self.statistics.frames += 1
        self.statistics.bytes += len(frame)
        if not subscriber.write(frame):
            self.remove(subscriber)


def _sent_seqs(books: Iterable[Channel[Subscriber]]) -> dict[str, int]:
    seqs: dict[str, int] = {}
    for channel in books:
        assert isinstance(channel, BookChannel | WindowChannel)
        seqs.update(channel.sent)
    return seqs
