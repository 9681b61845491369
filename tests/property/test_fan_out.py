"""Whatever happens at a gateway, every user's book is the exchange's at the same seq, or is about to be told."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openoutcry.wire.codec import Encoding
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import DEPTHS
from services.gateway import fan_out
from services.gateway.channel import ChannelKey
from services.gateway.loading import ReplicaBroken
from services.gateway.replica import Changes, MarketReplica
from services.gateway.subscriber import LagLimits, Subscriber
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener

LEVELS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=4)


class FanOut(RuleBasedStateMachine):
    """One exchange, one gateway's fan-out, users who come, lag, drain, leave and resume."""

    @initialize()
    def open(self) -> None:
        self.exchange = Exchange("ACME")
        self.service = fan_out.FanOut(MarketReplica(), LagLimits(soft_bytes=100), pace_s=0.01)
        self.service.publish(self.service.market.load(*self.exchange.snapshots()))
        self.users: list[tuple[Listener, Subscriber, int]] = []
        self.past: dict[int, DepthBook] = {}
        self.now = 0.0
        self.remember()

    def remember(self) -> None:
        book = DepthBook("ACME")
        book.bids.replace(self.exchange.books["ACME"].bids.levels())
        book.asks.replace(self.exchange.books["ACME"].asks.levels())
        self.past[self.exchange.books["ACME"].seq] = book

    @rule(bids=LEVELS, asks=LEVELS, commands=st.integers(1, 3), is_lost=st.booleans())
    def trade(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]], commands: int, is_lost: bool) -> None:
        """The exchange changes; sometimes the gateway misses a packet, finds the gap and loads the snapshots."""
        packet = self.exchange.packet(bids=bids, asks=asks, commands=commands)
        self.remember()
        if is_lost:
            return
        changes = Changes()
        try:
            self.service.market.apply(*packet, changes)
        except ReplicaBroken:
            changes = self.service.market.load(*self.exchange.snapshots())
        self.service.publish(changes)

    @rule(depth=st.sampled_from(DEPTHS), interval_ms=st.sampled_from((0, 100)), encoding=st.sampled_from(Encoding))
    def join(self, depth: int, interval_ms: int, encoding: Encoding) -> None:
        listener = Listener(encoding)
        subscriber = Subscriber("u", encoding, listener)
        self.service.subscribe(subscriber, ChannelKey("book", "ACME", depth, interval_ms))
        self.users.append((listener, subscriber, depth))

    @rule(later_s=st.sampled_from((0.001, 0.01, 0.1)))
    def flush(self, later_s: float) -> None:
        self.now += later_s
        self.service.flush_due(self.now)

    @rule(number=st.integers(0, 9), unsent=st.sampled_from((0, 101)))
    def read_or_not(self, number: int, unsent: int) -> None:
        if number < len(self.users):
            listener, subscriber, _ = self.users[number]
            listener.unsent = unsent
            self.service.review(subscriber, self.now)

    @rule(number=st.integers(0, 9))
    def resume(self, number: int) -> None:
        """A user's connection is replaced, and the book goes on from where it stood."""
        if number < len(self.users):
            listener, subscriber, depth = self.users[number]
            if (("ACME", depth)) not in listener.books:
                return
            self.service.remove(subscriber)
            listener.unsent = 0
            again = Subscriber("u", subscriber.encoding, listener)
            book = listener.book(depth=depth)
            self.service.resume(again, ChannelKey("book", "ACME", depth, 0), book.epoch, book.seq, book.digest)
            self.users[number] = listener, again, depth

    @rule(number=st.integers(0, 9))
    def leave(self, number: int) -> None:
        if number < len(self.users):
            _, subscriber, _ = self.users.pop(number)
            self.service.remove(subscriber)

    @invariant()
    def nobody_holds_a_wrong_book(self) -> None:
        for listener, _, depth in getattr(self, "users", ()):
            assert Verdict.GAP not in listener.verdicts
            assert Verdict.CORRUPT not in listener.verdicts
            if ("ACME", depth) in listener.books:
                book = listener.book(depth=depth)
                then = self.past[book.seq]
                assert book.bids.levels() == then.bids.levels(depth)
                assert book.asks.levels() == then.asks.levels(depth)
                assert book.digest == book_digest(book.bids.levels(), book.asks.levels())

    def teardown(self) -> None:
        """When everybody reads and all is flushed, everybody has the gateway's book."""
        for listener, subscriber, _ in getattr(self, "users", ()):
            listener.unsent = 0
            self.service.review(subscriber, self.now)
        if hasattr(self, "service"):
            self.service.flush_due(self.now + 10)
            here = self.service.market.instruments["ACME"].book
            for listener, _, depth in self.users:
                assert listener.book(depth=depth).bids.levels() == here.bids.levels(depth)
                assert listener.book(depth=depth).asks.levels() == here.asks.levels(depth)


TestFanOut = FanOut.TestCase
TestFanOut.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
