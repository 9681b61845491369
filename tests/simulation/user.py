"""One simulated user: the client library's own session on a WebSocket of memory, and what it asks.

Checks at every message that a book or window which the library vouches for is the engine's, that a trade, a ticker, a
state and an execution had been in the feed as they are told, and that an order which was acknowledged had been there.
Repeats what it is not sure of, under the same client order id; changes by and by what it follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from openoutcry.errors import Disconnected, RequestRefused
from openoutcry.events import CloseRequired, ExecutionSeen, GoodbyeReceived, ReplyReceived, RequestLost
from openoutcry.feed_session import FeedSession, SessionState
from openoutcry.wire.backoff import Backoff
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import INTERVALS_MS, Code, ExecutionEvent
from outcry.load.handshake import opening_request, opening_response
from shared.websocket_frame import BINARY, CLOSE, PING, PONG, FrameReader, client_frame
from tests.simulation.desk import Desk
from tests.simulation.hearing import Hearing
from tests.simulation.network import Connection, ProcessTransport
from tests.simulation.told import WINDOW

if TYPE_CHECKING:
    from tests.simulation.history import History
    from tests.simulation.network import Network
    from tests.simulation.world import World

CHANGES_SHARE: Final = 0.04
"""How often a user changes what it follows, where it would have asked something else."""
REPEATS: Final = (Code.OUTCOME_UNKNOWN, Code.BUSY, Code.RATE_LIMITED)
"""Answers after which an order may be entered again."""
HANDSHAKE_S: Final = 3.0
"""Time for the gateway to answer the handshake; then the connection is given up."""
_MASK: Final = b"\0\0\0\0"
_KEY: Final = b"0123456789abcdef"


class Wishes(NamedTuple):
    """What a user follows at first."""

    depths: dict[str, int]
    """Symbol to levels a side, 0 or WINDOW: whose books."""
    interval_ms: int
    channels: tuple[str, ...]
    """Others, of all instruments."""


class User:
    """
    One user.

    Args:
        world: Time and chance.
        network: What it talks through.
        history: The truth.
        name: Also in the token.
        token: As minted.
        addresses: The gateways.
        wishes: What it follows.
        orders_s: Mean time between two orders; 0 enters none.
    """

    def __init__(
        self,
        world: World,
        network: Network,
        history: History,
        name: str,
        token: str,
        addresses: list[str],
        wishes: Wishes,
        orders_s: float,
    ) -> None:
        self.name = name
        self.acknowledged: dict[tuple[str, str], dict[int, None]] = {}
        """What it was told: (user, client order id) to order ids."""
        self.is_trading = True
        self.session: FeedSession
        self._world = world
        self._network = network
        self._history = history
        self._token = token
        self._addresses = addresses
        self._orders_s = orders_s
        self._random = world.stream(name)
        self._backoff = Backoff(self._random, first_s=0.1, max_s=1.0)
        self._end: _UserEnd | None = None
        self._return_in_s: float | None = None
        self._desk = Desk(name, self._random, lambda: history.order_ids, lambda: int(world.wall_s() * 1_000_000))
        self._hearing = Hearing(name, history)
        self._asked: dict[int, dict[str, Any]] = {}
        """Orders without a reply, by request id."""
        self._unsure: list[dict[str, Any]] = []
        """Orders to be entered again."""
        self._wishes = wishes
        self._is_suspect = False
        self._begin()
        world.after(self._random.uniform(0, 0.2), self._connect)
        if orders_s:
            world.after(self._random.expovariate(1 / orders_s), self._trade)

    def _begin(self) -> None:
        self.session = FeedSession()
        depths, interval_ms, channels = self._wishes
        for instrument, depth in depths.items():
            self.session.follow_book(instrument, depth, interval_ms, self._world.now)
        for channel in channels:
            self.session.follow(channel, EVERY_INSTRUMENT, self._world.now)
        self.session.follow_account(self._world.now)

    @property
    def is_settled(self) -> bool:
        """Whether it knows of every order what became of it."""
        return not self._asked and not self._unsure

    # -- what the world does to it ------------------------------------------------------------------------------------

    def start_over(self) -> None:
        """
        Begin anew, as by loading the page again, if bytes have been damaged since the last time.

        Books prove themselves. An account has no digest, and a reply or an execution none either: what was damaged in
        them and still could be read, no library can know.
        """
        self._is_damaged()  # what is still on its way counts too
        if self._is_suspect:
            self._is_suspect = False
            self._unsure += self._asked.values()
            self._asked.clear()
            self.disconnect()
            self._begin()

    def disconnect(self) -> None:
        """Lose the connection."""
        if self._end is not None and self._end.connection is not None:
            self._end.connection.reset()

    def stop_reading(self) -> None:
        """Take nothing any more from the present connection."""
        if self._end is not None:
            self._end.pause()

    def go_on_reading(self) -> None:
        """Take what has piled up."""
        if self._end is not None:
            self._end.resume()

    def talk_rubbish(self) -> None:
        """Send a frame that means nothing."""
        if self._end is not None and self._end.is_open:
            self._end.send(self._random.randbytes(self._random.randint(0, 40)))

    # -- the connection -----------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        end = _UserEnd(self)
        if self._network.open(self.name, self._random.choice(self._addresses), end):
            self._end = end
            end.write(opening_request("gateway", "/v1/stream", self._token, _KEY))
            self._world.after(HANDSHAKE_S, end.expire)
        else:
            self._world.after(0.05 + self._backoff.next_delay(), self._connect)

    def opened(self) -> None:
        """The handshake is done."""
        self.session.connected(self._world.now)
        self._go_on()

    def received(self, payload: bytes) -> None:
        """A frame has come."""
        self._is_damaged()
        if self.session.state is not SessionState.OFFLINE:
            self.session.receive(payload, self._world.now)
            self._go_on()

    def ended(self) -> None:
        """The connection is gone; come back."""
        self._end = None
        self._hearing.left()
        if self.session.state is not SessionState.OFFLINE:
            self.session.disconnected(1006, "gone")
            self._go_on()
        slot_s, self._return_in_s = self._return_in_s, None
        self._world.after(slot_s or 0.02 + self._backoff.next_delay(), self._connect)

    def _go_on(self) -> None:
        for event in self.session.events():
            self._see(event)
        self._check_books()
        if self._end is not None:
            for payload in self.session.frames_to_send():
                self._end.send(payload)
        deadline = self.session.next_deadline()
        if deadline is not None and self._end is not None:
            self._end.wake_at(deadline)

    def on_deadline(self) -> None:
        """Time has passed."""
        self.session.on_deadline(self._world.now)
        self._go_on()

    def _see(self, event: object) -> None:
        if not self._is_damaged():
            self._hearing.check(event, self.session)
        match event:
            case ReplyReceived(reply):
                self._hear_reply(int(reply.id or 0), reply.ok, reply.code, reply.data.get("order_id", 0))
            case RequestLost(request_id, _):
                lost = self._asked.pop(request_id, None)
                if lost is not None:
                    self._unsure.append(lost)
            case CloseRequired(code, reason):
                self._world.note(self.name, f"leaves: {code} {reason}")
                if self._end is not None:
                    self._end.leave()
            case GoodbyeReceived(goodbye):
                self._return_in_s = goodbye.reconnect_in_ms / 1000
            case ExecutionSeen(execution) if execution.event == ExecutionEvent.ACCEPTED:
                if not self._is_damaged():
                    self._history.check_acknowledged(self.name, execution.client_order_id, execution.order_id)

    def _check_books(self) -> None:
        for view in self.session.books.values():
            if not view.is_stale:
                self._backoff.reset()
                book = view.book
                if self._is_damaged():
                    self._history.check_levels(self.name, book.instrument, book.digest)
                elif book.depth:
                    self._history.check_window(self.name, book.instrument, book.epoch, book.seq, book.digest)
                else:
                    self._history.check_book(self.name, book.instrument, book.epoch, book.seq, book.digest)

    def _is_damaged(self) -> bool:
        """Whether bytes of the present connection have changed on the way, in either direction."""
        connection = self._end.connection if self._end is not None else None
        is_damaged = connection is not None and any(pipe.is_damaged for pipe in connection.pipes)
        self._is_suspect = self._is_suspect or is_damaged
        return is_damaged

    # -- orders -------------------------------------------------------------------------------------------------------

    def _trade(self) -> None:
        if self.is_trading:
            self._world.after(self._random.expovariate(1 / self._orders_s), self._trade)
        elif self.is_settled:
            return
        else:
            self._world.after(0.1, self._trade)
        if self._unsure and self._random.random() < (0.5 if self.is_trading else 1):
            self._ask(self._unsure.pop(self._random.randrange(len(self._unsure))))
        elif self.is_trading and self.session.books:  # a request to subscribe may have been damaged on its way
            if self._random.random() < CHANGES_SHARE:
                self._change_wishes()
            else:
                self._ask(self._desk.next_request(list(self.session.books)))

    def _change_wishes(self) -> None:
        """Follow a book at another depth or interval, or leave a channel and join it again."""
        now, session, (depths, _, channels) = self._world.now, self.session, self._wishes
        if channels and self._random.random() < 0.4:
            channel = self._random.choice(channels)
            session.unfollow(channel, EVERY_INSTRUMENT)
            session.follow(channel, EVERY_INSTRUMENT, now)
        else:
            instrument = self._random.choice(list(depths))
            interval_ms = self._random.choice(INTERVALS_MS[:3])
            session.follow_book(instrument, self._random.choice([0, WINDOW]), interval_ms, now)
        self._go_on()

    def _ask(self, order: dict[str, Any]) -> None:
        try:
            request_id = self.session.request(**order)
        except (Disconnected, RequestRefused):
            self._unsure.append(order)
            return
        self._asked[request_id] = order
        self._go_on()

    def _hear_reply(self, request_id: int, ok: bool, code: str, order_id: int) -> None:
        order = self._asked.pop(request_id, None)
        if order is None:
            return
        if code in REPEATS:
            self._unsure.append(order)
        if order["op"] == "order" and not self._is_damaged():
            name = order["client_order_id"]
            if ok:
                self._history.check_acknowledged(self.name, name, order_id)
                self.acknowledged.setdefault((self.name, name), {})[order_id] = None
            elif code == Code.DUPLICATE_ORDER:
                assert self._history.order_is_known(self.name, name), f"{name} is refused as known, and nobody knows it"
                self._history.check_acknowledged(self.name, name, order_id)


class _UserEnd:
    """The user's end of one connection: handshake and frames."""

    def __init__(self, user: User) -> None:
        self.connection: Connection | None = None
        self.is_open = False
        self._user = user
        self._side = 0
        self._head = b""
        self._frames = FrameReader()
        self._wake: float | None = None
        self._is_over = False

    def opened(self, connection: Connection, side: int) -> None:
        self.connection, self._side = connection, side

    def write(self, data: bytes) -> None:
        assert self.connection is not None
        self.connection.write(self._side, data)

    def send(self, payload: bytes) -> None:
        self.write(client_frame(payload, BINARY, _MASK))

    def leave(self) -> None:
        assert self.connection is not None
        self.connection.close(self._side)

    def expire(self) -> None:
        if not self.is_open and self.connection is not None:
            self.connection.reset()

    def pause(self) -> None:
        if self.connection is not None:
            self.connection.pipes[1 - self._side].is_paused = True

    def resume(self) -> None:
        connection = self.connection
        if connection is not None and not self._is_over:
            pipe = connection.pipes[1 - self._side]
            pipe.is_paused = False
            pipe.go_on()
            peer = connection.ends[1 - self._side]
            assert isinstance(peer, ProcessTransport)
            peer.drained()

    def wake_at(self, when: float) -> None:
        if self._wake is None or when < self._wake:
            self._wake = when
            self._user._world.at(when, lambda: self._woken(when))

    def _woken(self, when: float) -> None:
        if self._wake == when and not self._is_over:
            self._wake = None
            self._user.on_deadline()

    def received(self, data: bytes) -> None:
        if not self.is_open:
            self._head += data
            if self._head.startswith(b"HTTP/1.1 503"):
                return  # not at present: the gateway ends the connection, and the user comes again
            try:
                rest = opening_response(self._head, _KEY)
            except MalformedMessage:
                if not self._user._is_damaged():
                    raise
                self.leave()
                return
            if rest is None:
                return
            self.is_open, data = True, rest
            self._user.opened()
        try:
            frames = self._frames.receive(data)
        except MalformedMessage as error:
            if self._user._is_damaged():
                self.leave()
                return
            raise AssertionError(f"the gateway sent no WebSocket frame: {error}") from error
        for frame in frames:
            if frame.opcode == BINARY and not self._is_over:
                self._user.received(frame.payload)
            elif frame.opcode == PING and not self._is_over:
                self.write(client_frame(frame.payload, PONG, _MASK))
            elif frame.opcode == CLOSE and not self._is_over:
                self.leave()

    def ended(self, error: Exception | None, *, by_peer: bool) -> None:
        if not self._is_over:
            self._is_over = True
            self._user.ended()
