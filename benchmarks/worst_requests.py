"""The most expensive requests to a gateway: see `worst_commands`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from benchmarks.pit import DEEP, DEEPEST, MID, ORDERS_A_USER, SYMBOL, Pit
from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.request_limits import INSTRUMENTS_IN_REQUEST_MAX
from openoutcry.wire.types import MarketState, Side
from services.gateway.channel import TRADES_ON_JOIN_MAX
from services.gateway.deep_snapshots import DEEP_LEVELS
from services.gateway.gateway import ConnectedClient, Gateway
from services.gateway.history import DELTA_PRICES_MAX
from services.gateway.limits import GatewayLimits
from services.gateway.loading import Steps, free, read_book
from services.gateway.replica import Changes, InstrumentReplica
from shared.identity import Authenticator, Identity, mint_token
from shared.key_ring import KeyRing
from shared.logs.commands import (
    ListInstrument,
)
from shared.logs.events import BookChange
from shared.logs.packet import FeedId
from shared.logs.snapshots import BookState, encode_book_state
from shared.token_bucket import Rate
from shared.token_keys import shared_key
from shared.trade_statistics import TradeStatistics

SECRET: Final = bytes(32)


class Wire:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.unsent = 0

    def write(self, data: bytes) -> None:
        """Take it."""

    def abort(self) -> None:
        """Do nothing."""

    def get_write_buffer_size(self) -> int:
        """Return what is said to be unsent."""
        return self.unsent

    def close(self, code: int, text: str) -> None:
        """Do nothing."""


class House:
    """A gateway with one client, fed by an engine: one deep book, and as many others as a request may name."""

    def __init__(self, share: float) -> None:
        pit = Pit(share)
        self.share = share
        self.deep = [f"S{n:03}" for n in range(max(2, int(INSTRUMENTS_IN_REQUEST_MAX * share) - 1))]
        rate = Rate(1e9, 10**9)
        limits = GatewayLimits(requests=rate, orders=rate)
        self.gateway = Gateway("gateway", Authenticator(KeyRing(shared_key(SECRET))), limits, 0.01, Random(1))  # noqa: S311 - spreads reconnections
        for symbol in self.deep:
            pit.does(ListInstrument, Instrument(symbol))
            for n in range(10):
                for side, price in ((Side.BID, MID - 1 - n), (Side.ASK, MID + n)):
                    pit.rest(f"m{side}-{n}", side, price, symbol=symbol)
            pit.rest("buyer", Side.BID, MID - 1, TRADES_ON_JOIN_MAX, symbol=symbol)
            for _ in range(TRADES_ON_JOIN_MAX):
                pit.rest("seller", Side.ASK, MID - 1, symbol=symbol)
        for n in range(pit.size(ORDERS_A_USER)):
            pit.rest("user", Side.BID, MID - 1 - n)
        pit.asks(pit.size(DEEP))
        packet = pit.builder.take()
        assert packet is not None
        changes = Changes()
        self.gateway.market.apply(FeedId(1, packet.position), packet, 1, changes)
        self.gateway.heard(changes, 0.0, 1)
        self.id = 0
        self.steps: Steps[object] | None = None
        """What is done in steps beside the gateway's own."""

    @property
    def has_more(self) -> bool:
        """Whether `go_on` has something to do."""
        return self.steps is not None or self.gateway.has_more

    def deepest(self) -> tuple[bytes, BookState]:
        """List one more book, of which snapshots have to be made in parts; returns its snapshot."""
        levels = max(DEEP_LEVELS + 2, int(DEEPEST * self.share))
        bids = [(2 * DEEPEST - n, 1 + n % 1_000, 1) for n in range(levels // 2)]
        asks = [(2 * DEEPEST + 1 + n, 1 + n % 1_000, 1) for n in range(levels // 2)]
        digest = book_digest([level[:2] for level in bids], [level[:2] for level in asks])
        row = TradeStatistics().row()
        state = BookState("DEEPEST", 1, "1-1", 1, 1, bids, asks, digest, *row, 0, MarketState.OPEN, "", 0, 0)
        market, definition = self.gateway.market, Instrument("DEEPEST")
        market.listing["DEEPEST"] = definition
        market.instruments["DEEPEST"] = InstrumentReplica(definition, epoch=1)
        market.instruments["DEEPEST"].load(state, 1)
        return encode_book_state(state), state

    def client(self, encoding: Encoding = Encoding.JSON, user: str = "user") -> ConnectedClient:
        """Connect a user; "" has yet to log in."""
        return self.gateway.open("s", encoding, Wire(), Identity(user), 0.0, 1)

    def ask(self, client: ConnectedClient, op: str, **fields: object) -> Callable[[], object]:
        """Return the carrying out of one request; what it leads to in the flush is its own."""
        self.id += 1
        payload = encode_request({"op": op, "id": self.id, **fields}, client.session.encoding)
        return lambda: self.gateway.receive(client, payload, 0.0, 1)

    def go_on(self) -> None:
        """Do the next part of what is done in parts."""
        if self.steps is None:
            self.gateway.go_on(0.0, 1)
            return
        try:
            next(self.steps)
        except StopIteration:
            self.steps = None

    def done(self, act: Callable[[], object]) -> None:
        """Have a request carried out to its end."""
        act()
        while self.gateway.has_more:
            self.go_on()

    def every(self) -> list[str]:
        """Return all symbols."""
        return [SYMBOL, *self.deep]

    def positions(self, stale: int = 0) -> dict[str, list[int]]:
        """Return what a client would resume with; with `stale` above 0 no digest fits."""
        market = self.gateway.market
        books = {symbol: market.instruments[symbol].book for symbol in self.every()}
        return {symbol: [book.epoch, book.seq, book.digest ^ stale] for symbol, book in books.items()}


def _request(op: str, **fields: object) -> Callable[[House], Callable[[], object]]:
    return lambda house: house.ask(house.client(), op, **fields)


def _subscribe_every(house: House) -> Callable[[], object]:
    return house.ask(house.client(), "subscribe", channel="book", instruments=house.every())


def _resume(stale: int) -> Callable[[House], Callable[[], object]]:
    def case(house: House) -> Callable[[], object]:
        client = house.client(Encoding.MSGPACK)
        fields = {"channel": "book", "instruments": house.every(), "resume": house.positions(stale)}
        return house.ask(client, "subscribe", **fields)

    return case


def _unsubscribe(house: House) -> Callable[[], object]:
    client = house.client()
    house.done(house.ask(client, "subscribe", channel="book", instruments=house.every()))
    return house.ask(client, "unsubscribe", channel="book", instruments=house.every())


def _again(house: House) -> Callable[[], object]:
    client = house.client()
    house.done(house.ask(client, "subscribe", channel="book", instruments=house.every()))
    return house.ask(client, "subscribe", channel="book", instruments=house.every(), depth=50)


def _resync(house: House) -> Callable[[], object]:
    client = house.client()
    house.ask(client, "subscribe", channel="book", instruments=[SYMBOL])()
    return house.ask(client, "resync", instrument=SYMBOL)


def _login(house: House) -> Callable[[], object]:
    return house.ask(house.client(user=""), "login", token=mint_token("user", SECRET, 4e9))


def _order(house: House) -> Callable[[], object]:
    order = {"instrument": SYMBOL, "side": "bid", "quantity": 1, "price": 1, "client_order_id": "x" * 36}
    return house.ask(house.client(), "order", **order)


def _drained(house: House) -> Callable[[], object]:
    client, wire = house.client(), Wire()
    client.subscriber.transport, client.subscriber.transport_write = wire, wire.write
    house.done(house.ask(client, "subscribe", channel="book", instruments=house.every(), depth=50))
    service = house.gateway.service
    wire.unsent = service.lag_limits.soft_bytes + 1
    service.review(client.subscriber, 0.0)
    wire.unsent = 0
    return lambda: service.review(client.subscriber, 1.0)


def _subscribe_deepest(house: House) -> Callable[[], object]:
    house.deepest()
    return house.ask(house.client(), "subscribe", channel="book", instruments=["DEEPEST"])


def _resync_deepest(house: House) -> Callable[[], object]:
    house.deepest()
    client = house.client()
    house.done(house.ask(client, "subscribe", channel="book", instruments=["DEEPEST"]))
    _change_many(house)
    return house.ask(client, "resync", instrument="DEEPEST")


def _resume_deepest(house: House) -> Callable[[], object]:
    _, state = house.deepest()
    _change_many(house)
    position = [state.epoch, state.seq, state.digest]
    fields = {"channel": "book", "instruments": ["DEEPEST"], "resume": {"DEEPEST": position}}
    return house.ask(house.client(), "subscribe", **fields)


def _change_many(house: House) -> None:
    """Change as many levels as one merged delta names."""
    instrument = house.gateway.market.instruments["DEEPEST"]
    book, seq = DepthBook(""), instrument.book.seq
    count = max(1, int(DELTA_PRICES_MAX * house.share))
    bids = [(price, 2_000, 2) for price in instrument.book.bids.prices(count)]
    asks = [(price, 2_000, 2) for price in instrument.book.asks.prices(count)]
    book.bids.replace(instrument.book.bids.levels())
    book.asks.replace(instrument.book.asks.levels())
    book.advance(seq + 1, 1, bids, asks, 0)
    instrument.apply(BookChange("DEEPEST", seq, seq + 1, bids, asks, book.digest), 1)


def _loaded_deepest(house: House) -> Callable[[], object]:
    """A resynchronisation: read, verify, compare, take, and free what was held."""
    data, state = house.deepest()
    later = encode_book_state(state._replace(seq=2))
    market = house.gateway.market

    def steps() -> Steps[object]:
        loaded = yield from read_book(later, 1)
        instrument = market.instruments["DEEPEST"]
        changed = yield from instrument.changed(loaded)
        held = instrument.book, instrument.bid_orders, instrument.ask_orders
        instrument.take(loaded, changed)
        yield 0
        yield from free(*held)
        return None

    house.steps = steps()
    assert len(data) == len(later)
    return house.go_on


REQUESTS: Final[dict[str, Callable[[House], Callable[[], object]]]] = {
    "subscribe book, 10,000 levels": _request("subscribe", channel="book", instruments=[SYMBOL]),
    "subscribe book, every instrument by name": _subscribe_every,
    'subscribe book, "*"': _request("subscribe", channel="book"),
    'subscribe book, "*", 50 levels': _request("subscribe", channel="book", depth=50),
    'subscribe ticker, "*"': _request("subscribe", channel="ticker"),
    'subscribe trades, "*"': _request("subscribe", channel="trades"),
    "subscribe with a resume of every instrument": _resume(0),
    "the same, none of which fits": _resume(1),
    "subscribe again, every instrument, at another depth": _again,
    "unsubscribe, every instrument": _unsubscribe,
    "resync, 10,000 levels": _resync,
    "none: who has lagged and drained is told 256 windows": _drained,
    "subscribe book, 300,000 levels": _subscribe_deepest,
    f"resync, 300,000 levels, {2 * DELTA_PRICES_MAX:,} of which have changed since one was made": _resync_deepest,
    f"resume, 300,000 levels, {2 * DELTA_PRICES_MAX:,} of which have changed": _resume_deepest,
    "none: a snapshot of 300,000 levels is loaded from the store": _loaded_deepest,
    "account of 1,000 orders": _request("subscribe", channel="account"),
    "instruments": _request("instruments"),
    "login": _login,
    "order": _order,
    "cancel_all": _request("cancel_all"),
    "ping": _request("ping"),
}
"""By what is made as expensive as it gets, with 256 instruments; a message is encoded in JSON unless it resumes."""
