"""How one that has lagged and drained is brought back in sync: channel by channel, a part a turn.

Owns what each kind of channel owes it. A part is bounded, so that nobody waits for what another has missed. A channel
for all instruments ("*") that owes much is several parts: instruments are told one after another, and the channel is
joined when all have been, with what has changed since. Leaves to the fan-out who lags, and when the next part is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from openoutcry.wire.messages import Delta, Message, Snapshot
from services.gateway.channel import BookChannel, BookMark, Channel, ChannelKey, TapeMark, TradesChannel
from services.gateway.replica import InstrumentReplica, MarketReplica
from services.gateway.subscriber import HalfTold, Subscriber

WHOLE_ROWS_MAX: Final = 2_000
"""Levels of a channel, some 30 KB in JSON, up to which one that has drained gets snapshots; beyond, merged deltas."""
CHANNELS_A_PART: Final = 32
"""Channels, or instruments of one channel, sent in one go to a subscriber that has drained, some 2 ms; of
`WHOLE_ROWS_MAX` rows, and the last one's."""
PASSES_MAX: Final = 3
"""Times that a channel for all instruments goes through those that have changed again, before it is joined with what
has changed in all of them."""


class Service(Protocol):
    """What is needed of the fan-out."""

    market: MarketReplica

    def rows(self, key: ChannelKey, symbol: str) -> int:
        """Return about how many levels or trades an instrument's state in a channel has."""

    def enter(self, subscriber: Subscriber, channel: Channel[Subscriber]) -> None:
        """Have a follower get the channel's flushes from now on."""

    def send_state(self, subscriber: Subscriber, channel: Channel[Subscriber]) -> None:
        """Send a channel's state and enter it."""

    def send_owed(self, subscriber: Subscriber, messages: Sequence[Message]) -> None:
        """Send what does not count against the hard limit."""


class CatchUp:
    """
    What is owed to who has lagged.

    Args:
        service: The fan-out that sends it.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def send_part(self, subscriber: Subscriber) -> bool:
        """Send a part of what was missed; False if there is more."""
        behind = [each for each in subscriber.channels.values() if subscriber not in each.listeners(subscriber)]
        rows = 0
        is_complete = True
        for number, channel in enumerate(behind):
            if number == CHANNELS_A_PART or rows >= WHOLE_ROWS_MAX:
                return False
            rows += self._send(subscriber, channel)
            if subscriber.is_lagging or subscriber.is_gone:
                break
            is_complete = is_complete and subscriber in channel.listeners(subscriber)
        return is_complete

    def _send(self, subscriber: Subscriber, channel: Channel[Subscriber]) -> int:
        """Bring a subscriber back in sync in one channel, or nearer to it; returns about how many rows that took."""
        half = subscriber.half_told.get(channel.key[:2])
        if half is None:
            symbols = channel.symbols()
            if len(symbols) < 2 or self._rows_owed(subscriber, channel, symbols) <= WHOLE_ROWS_MAX:
                return self._send_all(subscriber, channel, symbols)
            half = subscriber.half_told[channel.key[:2]] = HalfTold(symbols[::-1])
        return self._send_some(subscriber, channel, half)

    def _rows_owed(self, subscriber: Subscriber, channel: Channel[Subscriber], symbols: Sequence[str]) -> int:
        if isinstance(channel, TradesChannel):
            marks = subscriber.trade_marks.get(channel.key.instrument, {})
            return sum(channel.sent.get(symbol, 0) - marks.get(symbol, TapeMark()).told for symbol in symbols)
        return sum(self._service.rows(channel.key, symbol) for symbol in symbols)

    # A channel at once.

    def _send_all(self, subscriber: Subscriber, channel: Channel[Subscriber], symbols: Sequence[str]) -> int:
        if isinstance(channel, TradesChannel):
            return self._send_trades(subscriber, channel)
        if isinstance(channel, BookChannel):
            self._send_books(subscriber, channel, symbols)
        else:
            self._service.send_state(subscriber, channel)
        return sum(self._service.rows(channel.key, symbol) for symbol in symbols)

    def _send_trades(self, subscriber: Subscriber, channel: TradesChannel[Subscriber]) -> int:
        """Send the trades missed; returns how many, which may be 1,000 of each instrument."""
        marks = subscriber.trade_marks.pop(channel.key.instrument, {})
        self._service.enter(subscriber, channel)
        missed = channel.missed(marks)
        if missed:
            self._service.send_owed(subscriber, missed)
        return len(missed)

    def _send_books(self, subscriber: Subscriber, channel: BookChannel[Subscriber], symbols: Sequence[str]) -> None:
        """
        Resynchronise one's books: by snapshots, or by one merged delta each if those are large.

        A large snapshot fills the buffer by itself: who got one for having drained would lag again under it, and so
        on, and never get anything else. A deep book's that no delta leads to is waited for.
        """
        if not all(self._is_ready(subscriber, channel, symbol) for symbol in symbols):
            return
        marks = subscriber.book_marks.pop(channel.key.instrument, None)
        if marks is None or sum(self._service.rows(channel.key, symbol) for symbol in symbols) <= WHOLE_ROWS_MAX:
            self._service.send_state(subscriber, channel)
            return
        self._service.enter(subscriber, channel)
        messages = [message for symbol in symbols for message in channel.behind(symbol, marks.get(symbol))]
        if messages:
            self._service.send_owed(subscriber, messages)

    # A channel for all instruments in several parts.

    def _send_some(self, subscriber: Subscriber, channel: Channel[Subscriber], half: HalfTold) -> int:
        messages: list[Message] = []
        rows = 0
        for _ in range(CHANNELS_A_PART):
            while half.left and half.left[-1] not in self._service.market.instruments:
                half.left.pop()
            if not half.left or rows >= WHOLE_ROWS_MAX or not self._is_ready(subscriber, channel, half.left[-1]):
                break
            found = self._news(subscriber, channel, half, half.left.pop())
            messages += found
            rows += sum(map(_rows, found))
        if messages:
            self._service.send_owed(subscriber, messages)
        if not half.left and not (subscriber.is_lagging or subscriber.is_gone):
            self._join(subscriber, channel, half)
        return rows

    def _join(self, subscriber: Subscriber, channel: Channel[Subscriber], half: HalfTold) -> None:
        """Join the channel with what has changed since each instrument was told; if that is much, in parts again."""
        changed = [symbol for symbol in channel.symbols() if self._has_changed(subscriber, channel, half, symbol)]
        waits = any(not self._is_ready(subscriber, channel, symbol) for symbol in changed)
        is_much = len(changed) > CHANNELS_A_PART and half.passes < PASSES_MAX
        if waits or is_much:
            half.left = changed[::-1]
            half.passes += is_much
            return
        del subscriber.half_told[channel.key[:2]]
        self._service.enter(subscriber, channel)
        messages = [message for symbol in changed for message in self._news(subscriber, channel, half, symbol)]
        if isinstance(channel, BookChannel):
            subscriber.book_marks.pop(channel.key.instrument, None)
        elif isinstance(channel, TradesChannel):
            subscriber.trade_marks.pop(channel.key.instrument, None)
        if messages:
            self._service.send_owed(subscriber, messages)

    def _is_ready(self, subscriber: Subscriber, channel: Channel[Subscriber], symbol: str) -> bool:
        if not isinstance(channel, BookChannel):
            return True
        return channel.is_ready(symbol, subscriber.book_marks.get(channel.key.instrument, {}).get(symbol))

    def _has_changed(self, subscriber: Subscriber, channel: Channel[Subscriber], half: HalfTold, symbol: str) -> bool:
        name, instrument = channel.key.instrument, self._service.market.instruments[symbol]
        if isinstance(channel, BookChannel):
            return subscriber.book_marks.get(name, {}).get(symbol) != _mark(instrument)
        if isinstance(channel, TradesChannel):
            mark = subscriber.trade_marks.get(name, {}).get(symbol, TapeMark())
            return mark.lost is not None or mark.told < instrument.trade_id
        return bool(channel.since(symbol, half.told.get(symbol, ())))

    def _news(
        self, subscriber: Subscriber, channel: Channel[Subscriber], half: HalfTold, symbol: str
    ) -> Sequence[Message]:
        """Return what one instrument's listener has missed, and count it as told."""
        name, instrument = channel.key.instrument, self._service.market.instruments[symbol]
        if isinstance(channel, BookChannel):
            marks = subscriber.book_marks.setdefault(name, {})
            mark, told = marks.get(symbol), _mark(instrument)
            messages = () if mark == told else channel.behind(symbol, mark)
            if messages:
                marks[symbol] = told
            return messages
        if isinstance(channel, TradesChannel):
            tapes = subscriber.trade_marks.setdefault(name, {})
            missed = channel.missed_of(symbol, tapes.get(symbol, TapeMark()))
            tapes[symbol] = TapeMark(channel.sent.get(symbol, 0))
            return missed
        messages = channel.since(symbol, half.told[symbol]) if symbol in half.told else channel.state_of(symbol)
        if messages:
            half.told[symbol] = messages
        return messages


def _mark(instrument: InstrumentReplica) -> BookMark:
    return BookMark(instrument.book.seq, instrument.history, instrument.auction)


def _rows(message: Message) -> int:
    return len(message.bids) + len(message.asks) if isinstance(message, Snapshot | Delta) else 1
