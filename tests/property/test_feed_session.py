"""The client under any script of faults: what it vouches for is right, and in the end it has everything.

The server's side is a scripted market behind a wire that loses, repeats, swaps and damages deltas and breaks. Two
facts are checked: a book that is not stale equals the market's book at that (epoch, seq), level by level, after every
step; and once the wire is well again the book becomes the market's, whatever came before.
"""

from __future__ import annotations

import json
from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.events import CloseRequired
from openoutcry.feed_session import FeedSession, SessionState
from openoutcry.testing import ScriptedMarket
from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import Delta, Heartbeat, Message, Reply, Status, Welcome
from openoutcry.wire.types import Code, MarketState
from services.gateway.request_map import decode_map
from tests.property.test_codec import MESSAGE_OBJECTS, damaged_objects, damaged_rows, pack
from tools.reference.vectors import MESSAGES

Levels = tuple[list[tuple[int, int]], list[tuple[int, int]]]

actions = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(1, 12), st.integers(0, 3)),
        st.tuples(st.sampled_from(["deliver", "deliver all", "lose", "repeat", "swap", "damage", "beat"])),
        st.just(("change", 5, 2)),
        st.tuples(st.sampled_from(["break", "stall", "recover", "new epoch", "wait"])),
    ),
    max_size=60,
)


class Wire:
    """A server for one client, its messages in a test's hands."""

    def __init__(self) -> None:
        self.market = ScriptedMarket()
        self.session = FeedSession()
        self.now = 0.0
        self.truth: dict[tuple[int, int], Levels] = {}
        self.queue: list[Message] = []
        self.is_subscribed = False
        self.is_fed = True
        self._remember()
        self.session.follow_book("ACME", 0, 0, self.now)
        self._connect()
        self._answer()
        self.do(("deliver all",))
        assert not self.session.books["ACME"].is_stale

    def do(self, action: tuple[Any, ...]) -> None:  # noqa: PLR0912 - a line an action
        match action:
            case ("change", price, quantity):
                side = "bids" if price <= 6 else "asks"
                self._push(self.market.set(**{side: {price: quantity}}))
                self._remember()
            case ("deliver",):
                self._hear(self.queue[:1])
                del self.queue[:1]
            case ("deliver all",):
                self._hear(self.queue)
                self.queue.clear()
            case ("lose",) if self._may_suffer(1):
                del self.queue[:1]
            case ("repeat",):
                self._hear(self.queue[:1])
            case ("swap",) if self._may_suffer(2):
                self.queue[:2] = reversed(self.queue[:2])
            case ("damage",):
                self.queue = [_damaged(message) for message in self.queue]
            case ("beat",):
                self._push(Heartbeat(0, {"ACME": self.market.book.seq} if self.is_subscribed else {}))
            case ("break",):
                self._reconnect()
            case ("stall",):
                self.is_fed = False
                self._push(Status(None, MarketState.STALE, "", 0))
            case ("recover",):
                self.is_fed = True
                self._push(Status(None, MarketState.OPEN, "", 0))
            case ("new epoch",):
                self.market.begin_new_epoch()
                self._remember()
                self._push(self.market.snapshot())
            case ("wait",):
                self._wait(1.0)
        self._close_if_asked()
        self._answer()
        self.check()

    def heal(self) -> None:
        """Let everything come through from now on."""
        self.do(("recover",))
        for _ in range(8):
            self.do(("deliver all",))
            self.do(("beat",))
            self.do(("wait",))

    def check(self) -> None:
        view = self.session.books["ACME"]
        if not view.is_stale:
            book = view.book
            assert (book.bids.levels(), book.asks.levels()) == self.truth[book.epoch, book.seq]
            book.check_invariants()

    def _may_suffer(self, count: int) -> bool:
        """Only deltas and heartbeats are lost or swapped: a snapshot is believed, and no order of two is wrong."""
        return all(isinstance(message, Delta | Heartbeat) for message in self.queue[:count])

    def _push(self, message: Message) -> None:
        if self.is_subscribed or isinstance(message, Heartbeat | Status):
            self.queue.append(message)

    def _remember(self) -> None:
        book = self.market.book
        self.truth[book.epoch, book.seq] = book.bids.levels(), book.asks.levels()

    def _hear(self, messages: list[Message]) -> None:
        if messages and self.session.state is not SessionState.OFFLINE:
            self.session.receive(encode_messages(messages, Encoding.MSGPACK), self.now)

    def _answer(self) -> None:
        """Carry out what the session has asked: replies and states join the queue in order."""
        for frame in self.session.frames_to_send():
            request = decode_map(frame, Encoding.MSGPACK)
            self.queue.append(Reply(request["id"], True, Code.OK, "", {}))
            if request["op"] == "subscribe":
                self.is_subscribed = True
                position = request["resume"].get("ACME")
                resumed = self.market.resume(*position) if position else None
                if resumed is None or resumed.prev_seq != resumed.seq:
                    self.queue.append(resumed or self.market.snapshot())
            elif request["op"] == "resync":
                self.queue.append(self.market.snapshot())

    def _wait(self, seconds: float) -> None:
        self.now += seconds
        deadline = self.session.next_deadline()
        if deadline is not None and deadline <= self.now:
            self.session.on_deadline(self.now)

    def _close_if_asked(self) -> None:
        if any(isinstance(event, CloseRequired) for event in self.session.events()):
            self._reconnect()

    def _reconnect(self) -> None:
        self.session.disconnected(1006, "")
        self._connect()

    def _connect(self) -> None:
        self.queue.clear()
        self.is_subscribed = False
        self.session.connected(self.now)
        self._hear([Welcome(1, "s", "ada", 0, 1_000, {})])
        if not self.is_fed:
            self._hear([Status(None, MarketState.STALE, "", 0)])


def _damaged(message: Message) -> Message:
    """One level more than there should be, under the old digest."""
    if "bids" not in message._fields:
        return message
    extra = [5, 99, 1][: 3 if "epoch" in message._fields else 2]
    return message._replace(bids=[*message.bids, extra])  # type: ignore[union-attr,call-arg]


@given(actions)
@settings(max_examples=300)
def test_what_the_client_vouches_for_is_right_and_it_recovers(script: list[tuple[Any, ...]]) -> None:
    wire = Wire()
    for action in script:
        wire.do(action)
    wire.heal()
    view, truth = wire.session.books["ACME"], wire.market.book
    assert not view.is_stale
    assert (view.book.epoch, view.book.seq, view.book.digest) == (truth.epoch, truth.seq, truth.digest)


frames = st.one_of(
    st.binary(max_size=40).map(lambda data: (data, Encoding.MSGPACK)),
    damaged_rows().map(lambda data: (data, Encoding.MSGPACK)),
    st.lists(damaged_objects(MESSAGE_OBJECTS), max_size=2).map(
        lambda objects: (json.dumps(objects).encode(), Encoding.JSON)
    ),
)


@given(frames)
@settings(max_examples=400)
def test_whatever_a_server_sends_the_session_raises_nothing(sent: tuple[bytes, Encoding]) -> None:
    """It becomes events, or the connection is given up; the session itself lives and can reconnect."""
    frame, encoding = sent
    session = FeedSession(encoding)
    session.follow_book("ACME", 0, 0, 0.0)
    session.follow_account(0.0)
    session.connected(0.0)
    welcome = [message for name, message in MESSAGES.items() if name not in ("welcome", "goodbye")]
    session.receive(encode_messages([MESSAGES["welcome"], *welcome], encoding), 0.0)
    session.receive(frame, 0.0)
    session.events()
    session.disconnected(1006, "")
    session.connected(1.0)
    session.receive(encode_messages([MESSAGES["welcome"]], encoding), 1.0)
    assert session.state is SessionState.OPEN


def test_every_example_message_passes_the_check_of_shapes() -> None:
    session = FeedSession()
    session.connected(0.0)
    session.receive(encode_messages(MESSAGES.values(), Encoding.MSGPACK), 0.0)
    assert session.state is SessionState.OPEN
    session.receive(pack(msgpack.unpackb(encode_messages([MESSAGES["goodbye"]], Encoding.MSGPACK))), 0.0)
    assert not any(isinstance(event, CloseRequired) for event in session.events())
