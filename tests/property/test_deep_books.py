"""Deep books at a gateway: made in parts, sent with what changed meanwhile, and nobody ever holds a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openoutcry.wire.codec import Encoding
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from openoutcry.wire.sequence import Verdict
from services.gateway import catch_up, deep_snapshots, history, joining, snapshot_making
from services.gateway.gateway import ConnectedClient
from services.gateway.limits import GatewayLimits
from services.gateway.loading import ReplicaBroken
from services.gateway.replica import Changes
from services.gateway.subscriber import LagLimits
from shared.token_bucket import Rate
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import House

LEVELS = st.lists(st.tuples(st.integers(1, 15), st.integers(0, 3)), max_size=5)
SYMBOLS = ("ACME", "BETA")
NAMES = st.sampled_from([["ACME"], ["BETA"], ["ACME", "BETA"], ["*"]])
FREE = Rate(1e9, 10**9)
LIMITS = GatewayLimits(lag=LagLimits(soft_bytes=100, lag_s=1e9), requests=FREE, refusals=FREE, connections_per_user=99)
SMALL = [
    (deep_snapshots, "DEEP_LEVELS", 3),
    (joining, "ROWS_A_PART", 3),
    (snapshot_making, "LEVELS_A_PART", 2),
    (history, "DELTA_PRICES_MAX", 3),
    (catch_up, "WHOLE_ROWS_MAX", 4),
    (catch_up, "CHANNELS_A_PART", 1),
]


class DeepBooks(RuleBasedStateMachine):
    """One exchange, one gateway, users who ask, lag, drain and return, while snapshots are made."""

    @initialize()
    def open(self) -> None:
        self.patched = pytest.MonkeyPatch()
        for owner, name, value in SMALL:
            self.patched.setattr(owner, name, value)
        self.house = House(*SYMBOLS, limits=LIMITS)
        self.exchange = self.house.exchange
        self.users: list[tuple[ConnectedClient, Listener]] = []
        self.past: dict[tuple[str, int, int], DepthBook] = {}
        self.remember()

    def remember(self) -> None:
        for symbol, book in self.exchange.books.items():
            copy = DepthBook(symbol)
            copy.bids.replace(book.bids.levels())
            copy.asks.replace(book.asks.levels())
            self.past[symbol, self.exchange.epoch, book.seq] = copy

    @rule(symbol=st.sampled_from(SYMBOLS), bids=LEVELS, asks=LEVELS, is_lost=st.integers(0, 5))
    def trade(self, symbol: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]], is_lost: int) -> None:
        """The exchange changes; sometimes the gateway misses a packet, finds the gap and loads the snapshots."""
        packet = self.exchange.packet(symbol=symbol, bids=bids, asks=asks)
        self.remember()
        if not is_lost:
            return
        changes, gateway = Changes(), self.house.gateway
        try:
            gateway.market.apply(*packet, changes)
        except ReplicaBroken:
            changes = gateway.market.load(*self.exchange.snapshots())
        gateway.heard(changes, self.house.now, self.house.time_us)

    @rule()
    def begin_epoch(self) -> None:
        self.exchange.epoch += 1
        self.remember()
        changes = self.house.gateway.market.load(*self.exchange.snapshots())
        self.house.gateway.heard(changes, self.house.now, self.house.time_us)

    @rule(encoding=st.sampled_from(Encoding))
    def come(self, encoding: Encoding) -> None:
        self.users.append(self.house.enter(f"user-{len(self.users)}", encoding))

    def ask(self, number: int, **request: object) -> None:
        if self.users:
            client, listener = self.users[number % len(self.users)]
            self.house.ask(client, listener, **request)

    @rule(number=st.integers(0, 9), names=NAMES, is_resumed=st.booleans())
    def subscribe(self, number: int, names: list[str], is_resumed: bool) -> None:
        if not self.users:
            return
        _, listener = self.users[number % len(self.users)]
        held = {symbol: book for (symbol, _), book in listener.books.items() if symbol in names and is_resumed}
        resume = {symbol: [book.epoch, book.seq, book.digest] for symbol, book in held.items()}
        self.ask(number, op="subscribe", channel="book", instruments=names, resume=resume)

    @rule(number=st.integers(0, 9), names=NAMES)
    def unsubscribe(self, number: int, names: list[str]) -> None:
        self.ask(number, op="unsubscribe", channel="book", instruments=names)

    @rule(number=st.integers(0, 9), symbol=st.sampled_from(SYMBOLS))
    def resync(self, number: int, symbol: str) -> None:
        self.ask(number, op="resync", instrument=symbol)

    @rule(turns=st.integers(1, 6))
    def go_on(self, turns: int) -> None:
        for _ in range(turns):
            if self.house.gateway.has_more:
                self.house.gateway.go_on(self.house.now, self.house.time_us)

    @rule(later_s=st.sampled_from((0.001, 0.1)))
    def flush(self, later_s: float) -> None:
        self.house.now += later_s
        self.house.gateway.service.flush_due(self.house.now)

    @rule(number=st.integers(0, 9), unsent=st.sampled_from((0, 101)))
    def read_or_not(self, number: int, unsent: int) -> None:
        if self.users:
            client, listener = self.users[number % len(self.users)]
            listener.unsent = unsent
            self.house.gateway.service.review(client.subscriber, self.house.now)

    @invariant()
    def nobody_holds_a_wrong_book(self) -> None:
        for _, listener in getattr(self, "users", ()):
            assert not listener.is_aborted
            assert Verdict.GAP not in listener.verdicts
            assert Verdict.CORRUPT not in listener.verdicts
            for (symbol, _), book in listener.books.items():
                then = self.past[symbol, book.epoch, book.seq]
                assert book.bids.levels() == then.bids.levels()
                assert book.asks.levels() == then.asks.levels()
                assert book.digest == book_digest(book.bids.levels(), book.asks.levels())

    def teardown(self) -> None:
        """When everybody reads, and all is made and flushed, everybody has the gateway's books."""
        if not hasattr(self, "house"):
            return
        try:
            self.come_to_rest()
        finally:
            self.patched.undo()

    def come_to_rest(self) -> None:
        gateway = self.house.gateway
        for client, listener in self.users:
            listener.unsent = 0
            gateway.service.review(client.subscriber, self.house.now)
        for _ in range(1_000):
            self.house.now += 1
            if gateway.has_more:
                gateway.go_on(self.house.now, self.house.time_us)
            elif not gateway.service.flush_due(self.house.now) and not gateway.has_more:
                break
        else:
            raise AssertionError("it never comes to rest")
        for client, listener in self.users:
            followed = {name for kind, name in client.subscriber.channels if kind == "book"}
            for symbol in SYMBOLS if "*" in followed else followed:
                here = gateway.market.instruments[symbol].book
                assert listener.book(symbol).bids.levels() == here.bids.levels()
                assert listener.book(symbol).asks.levels() == here.asks.levels()


TestDeepBooks = DeepBooks.TestCase
TestDeepBooks.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
