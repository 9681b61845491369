"""The gateway's core: sessions on one side, the feed on the other, and every decision between them.

Synchronous and free of I/O: sockets, clocks and Redis are in `aio`. A connection's request is carried out to its end
before the next one begins, so a reply, the state it promises and the changes after it reach the wire in that order. A
large subscribe is carried out in parts (`joining`), one a turn of the event loop. So no request makes other users wait
for longer than a part.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Final, Protocol, assert_never

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.messages import Reply, Status, Welcome
from openoutcry.wire.types import Code, MarketState
from services.gateway.broadcast import Broadcast, write_by_transports
from services.gateway.client_messages import INVALID_DATA
from services.gateway.deep_snapshots import DeepSnapshots
from services.gateway.fan_out import FanOut
from services.gateway.joining import InParts, Joining, Resyncing
from services.gateway.limits import GatewayLimits
from services.gateway.order_entry import OrderEntry
from services.gateway.order_permission import check_order
from services.gateway.presence import PING_FRAME, PresenceRound
from services.gateway.rate_limit import UserShare
from services.gateway.replica import Changes, MarketReplica
from services.gateway.requests import (
    ORDER_REQUESTS,
    ConfirmPresence,
    Instruments,
    Login,
    Ping,
    Request,
    Resync,
    Subscribe,
    Unsubscribe,
)
from services.gateway.rotation import Rotation
from services.gateway.session import Session, SessionClosed, SessionPhase
from services.gateway.subscriber import Subscriber, Transport
from services.gateway.subscription_rules import check_known, check_subscription, subscription_keys
from services.gateway.token_ends import TokenEnds
from shared.entitlement import covers
from shared.identity import NOBODY, Authenticator, Identity
from shared.key_ring import KeysAwaited
from shared.logs.refused_access import RefusedAccesses
from shared.token_claims import AuthenticationFailed

PROTOCOL_VERSION: Final = 1
DELISTED: Final = "the history that listed it has ended; the present one does not"
TURNS: Final = 20
"""Parts that clients are swept in: heartbeats to all of 10,000 at once would delay the market by 100 ms."""
RETURNS_PER_SECOND: Final = 200
"""How fast clients are asked to come back after a planned shutdown; their slots are spread accordingly."""
PRESENT_RETURN_MS_MAX: Final = 4_000
"""Latest slot of users with cancel-on-disconnect, however many return: they are not to be away for the grace."""
TIME_US_MAX: Final = 2**53 - 1
"""Latest time in a message: in the year 2255."""
WAITING_MAX: Final = 256
"""Requests of a connection that wait behind a subscribe in parts; the next is refused as `busy`."""
WAITING_FOR_KEY_MAX: Final = 16
"""Likewise behind a login that waits for a key: of up to 16 KiB each, and from nobody knows whom."""
AGE_SPREAD: Final = 0.2
"""Each connection's age limit lies within this share below the one set, so that they do not all end as one."""


class Connection(Transport, Protocol):
    """A client's socket as the core sees it."""

    def close(self, code: int, text: str) -> None:
        """Send what is unsent and a close frame, then end the connection, within a bounded time."""


class ConnectedClient:
    """One connected client: its conversation, its subscriptions and its socket."""

    __slots__ = (
        "connection",
        "expires_at",
        "heard_at",
        "program",
        "says_present",
        "session",
        "spoke_at",
        "subscriber",
        "turn",
        "waiting",
    )

    def __init__(
        self, session: Session, connection: Connection, turn: dict[ConnectedClient, None], expires_at: float, now: float
    ) -> None:
        self.session = session
        self.connection = connection
        self.turn = turn
        """The clients that are swept together with this one."""
        self.expires_at = expires_at
        """When it is sent to look for a replica that may have more room, monotonic seconds."""
        self.heard_at = now
        """When anything was last received from it, monotonic seconds; whoever receives sets it."""
        self.program = ""
        """What its program calls itself, if the handshake said so."""
        self.spoke_at = now
        """When its program last asked something, monotonic seconds; pongs are its WebSocket's."""
        self.says_present = False
        """Whether its program says by requests that it is here; pongs count no longer."""
        self.waiting: deque[Request] | None = None
        """What it has asked behind a subscribe that is carried out in parts, or a login that waits for a key."""
        self.subscriber = Subscriber("", session.encoding, connection)


class Gateway:
    """
    One gateway replica.

    Args:
        source: Its name as a writer of commands; no other writer has ever had it.
        authenticator: Tells who a token names.
        limits: What it allows.
        pace_s: Shortest time between two flushes, seconds.
        random: Spreads reconnect times.
        broadcast: How a flush reaches its listeners.
    """

    def __init__(
        self,
        source: str,
        authenticator: Authenticator,
        limits: GatewayLimits,
        pace_s: float,
        random: Random,
        broadcast: Broadcast = write_by_transports,
    ) -> None:
        self.limits = limits
        self.refused = RefusedAccesses("gateway")
        """Logins and requests that were refused for who asked; for the record."""
        self.market = MarketReplica()
        self.service = FanOut(self.market, limits.lag, pace_s, broadcast, DeepSnapshots())
        self.orders = OrderEntry(source, limits.commands_in_flight, limits.command_s)
        self.clients: dict[Session, ConnectedClient] = {}
        self._turns: list[dict[ConnectedClient, None]] = [{} for _ in range(TURNS)]
        self.feed_state = MarketState.RESYNCING
        self.is_leaving = False
        """Whether balancers should bring nobody any more; users who come nevertheless are served."""
        self.is_draining = False
        self.closed: Counts[int] = Counts(dict.fromkeys((*CloseCode, INVALID_DATA), 0))
        """Connections that were closed from here, by code; those aborted as too slow are the fan-out's to count."""
        self.unanswered = 0
        """Commands that were answered as `outcome_unknown`."""
        self._authenticator = authenticator
        self._token_ends: TokenEnds[ConnectedClient] = TokenEnds()
        self._awaiting_keys: dict[ConnectedClient, Login] = {}
        self._logins: deque[tuple[ConnectedClient, Login]] = deque()
        """Those of them whose keys may be here now: of a thousand at once each waits for its turn."""
        self._joinings: deque[tuple[ConnectedClient, InParts]] = deque()
        """Requests in parts, first come first; at most one of a connection."""
        self._behind: deque[ConnectedClient] = deque()
        """Clients whose requests have waited and may be done now; a client stands here once."""
        self._random = random
        self._shares: dict[str, UserShare] = {}
        self._rotation = Rotation()
        self._presence = PresenceRound(limits.presence_silence_s)
        self._feed_heard_at = float("-inf")
        self._announced_limits = limits.announced()

    # -- connections ------------------------------------------------------------------------------------------------

    def authenticate(self, token: str, unix_now: float) -> Identity:
        """
        Return whom a token names, and until when.

        Raises:
            KeysAwaited: If that cannot be said before the keys of tokens have been loaded again.
            AuthenticationFailed: If it names nobody.
        """
        return self._authenticator.verify(token, unix_now)

    @property
    def has_keys(self) -> bool:
        """Whether it can verify tokens yet."""
        return self._authenticator.ring.keys is not None

    def keys_loaded(self) -> None:
        """Have the logins that waited for keys answered with `go_on`; call it after each load, whatever came of it."""
        self._logins.extend(self._awaiting_keys.items())
        self._awaiting_keys = {}

    def open(
        self,
        session_id: str,
        encoding: Encoding,
        connection: Connection,
        identity: Identity,
        now: float,
        time_us: int,
    ) -> ConnectedClient:
        """
        Take a connection whose handshake is done.

        Args:
            session_id: Names it in logs and in `welcome`.
            encoding: As negotiated.
            connection: Its socket.
            identity: The user that the handshake's token named; `NOBODY` if there was none, and `login` must follow.
            now: Monotonic seconds.
            time_us: Unix time in microseconds.
        """
        expires_at = now + self.limits.connection_age_s * (1 - AGE_SPREAD * self._random.random())
        session = Session(session_id, encoding, self.limits, now)
        client = ConnectedClient(session, connection, min(self._turns, key=len), expires_at, now)
        client.turn[client] = None
        self.clients[client.session] = client
        if self.is_draining:
            client.session.close(CloseCode.SHUTTING_DOWN, "this replica is shutting down", self._return_slot())
        elif len(self.clients) > self.limits.connections:
            client.session.close(CloseCode.OVER_CAPACITY, "this replica is full", self._return_slot())
        elif identity is not NOBODY:
            self._log_in(client, identity, now, time_us)
        self._carry_out(client, now, time_us)
        return client

    def receive(self, client: ConnectedClient, payload: bytes, now: float, time_us: int) -> None:
        """Take one client frame's payload, and do all that it asks."""
        self.end_expired(now, time_us)
        client.spoke_at = now
        client.session.receive(payload, now)
        self._carry_out(client, now, time_us)

    @property
    def has_more(self) -> bool:
        """Whether `go_on` has something to do."""
        return bool(self._joinings or self._logins or self._behind) or self.service.has_more

    def go_on(self, now: float, time_us: int) -> None:
        """
        Do the next part of what is large: once a turn, while there is more.

        That is of the subscribe that has waited longest, and of a client that has drained and gets what it missed; one
        login whose key may have come; and one request that has waited behind such a subscribe or login.
        """
        self.end_expired(now, time_us)
        if self.service.has_more:
            self.service.go_on(now)
        if self._logins:
            self._log_in_late(*self._logins.popleft(), now, time_us)
        if self._behind:
            self._catch_up(self._behind.popleft(), now, time_us)
        if not self._joinings:
            return
        client, joining = self._joinings.popleft()
        if client.waiting is None or client.subscriber.is_gone:
            return
        if joining.do_part():
            if joining.is_waiting:
                self._joinings.append((client, joining))
            else:
                self._joinings.appendleft((client, joining))
            return
        waiting, client.waiting = client.waiting, None
        self._put_behind(client, waiting)

    def _log_in_late(self, client: ConnectedClient, request: Login, now: float, time_us: int) -> None:
        if client.waiting is None:  # it has been closed, or lost
            return
        client.session.login_waits = False
        waiting, client.waiting = client.waiting, None
        self._do(client, request, now, time_us)
        self._carry_out(client, now, time_us)
        self._put_behind(client, waiting)

    def refuse_frame(self, client: ConnectedClient, text: str, now: float, time_us: int) -> None:
        """Answer a message that is none of the protocol's, and count it as a bad request."""
        client.session.receive_unreadable(text, now)
        self._carry_out(client, now, time_us)

    def count_control(self, client: ConnectedClient, now: float, time_us: int) -> bool:
        """Count a control frame or a fragment; False if it is beyond the rate: the connection is closed then."""
        client.session.count_control(now)
        if client.session.state is not SessionPhase.CLOSING:
            return True
        self._carry_out(client, now, time_us)
        return False

    def end(self, client: ConnectedClient, code: int, text: str, now: float, time_us: int) -> None:
        """Close a connection for what it sent."""
        client.session.close(code, text)
        self._carry_out(client, now, time_us)

    def lost(self, client: ConnectedClient) -> None:
        """Forget a connection that has ended; a second call does nothing."""
        if self.clients.pop(client.session, None) is None:
            return
        del client.turn[client]
        self._token_ends.forget(client)
        self._awaiting_keys.pop(client, None)
        client.waiting = None
        self.service.remove(client.subscriber)
        share = client.session.share
        if share is not None:
            share.connections -= 1

    # -- the feed ---------------------------------------------------------------------------------------------------

    def heard(self, changes: Changes, now: float, time_us: int) -> None:
        """Pass on what the feed brought."""
        self._feed_heard_at = now
        self.end_expired(now, time_us)
        if self.feed_state is not MarketState.OPEN:
            self._say_feed_state(MarketState.OPEN, "", time_us)
        for symbol in changes.delisted:
            ended = self.market.instruments.get(symbol)
            status = ended.status() if ended is not None else Status(symbol, MarketState.DELISTED, DELISTED, time_us)
            self.service.broadcast(self._entitled(symbol), status)
        for definition in changes.listings:  # before the executions, which can be read only with it
            self.service.broadcast(self._entitled(definition.symbol), definition)
        for terms in changes.terms:
            self.service.broadcast(self._entitled(terms.instrument), terms)
        self.service.publish(changes)
        for session, reply in self.orders.answer(
            changes.outcomes, [*changes.acts, *changes.shown, *changes.pair_refusals]
        ):
            self._answer(session, reply)

    def lost_place(self, reason: str, time_us: int) -> None:
        """Tell users that the snapshots are being loaded again."""
        self._say_feed_state(MarketState.RESYNCING, reason, time_us)

    def lost_feed(self, reason: str, time_us: int) -> None:
        """Send users the status that the exchange is silent."""
        self._say_feed_state(MarketState.STALE, reason, time_us)

    def is_fed(self, now: float) -> bool:
        """Tell whether the books are of the last seconds."""
        return self.feed_state is MarketState.OPEN and self.silence(now) <= self.limits.feed_silence_s

    def silence(self, now: float) -> float:
        """Return how long nothing was heard from the exchange, seconds; infinite before the first packet."""
        return now - self._feed_heard_at

    # -- time -------------------------------------------------------------------------------------------------------

    def sweep(self, turn: int, now: float, time_us: int) -> None:
        """Do what is due each second for one of `TURNS` parts of the clients: deadlines, lag, heartbeats, presence."""
        self.end_expired(now, time_us)
        for session, reply in self.orders.expire(now):
            self.unanswered += reply.code is Code.OUTCOME_UNKNOWN
            self._answer(session, reply)
        present = self._rotation.order(self._turns[turn])
        for client in present:
            client.session.on_deadline(now)
            if now >= client.expires_at:
                self._send_away(client, "this connection is old; another replica may have more room")
            self._carry_out(client, now, time_us)
            self.service.review(client.subscriber, now)
        is_open = SessionPhase.OPEN
        open_here = (each for each in present if each.session.state is is_open and not each.subscriber.is_gone)
        self.service.heartbeat((each.subscriber for each in open_here), time_us)
        self._call_roll(present, now)
        self.orders.say_present(self._presence.take(is_round_over=turn == TURNS - 1))
        self._forget_idle_shares()

    def end_expired(self, now: float, time_us: int) -> None:
        """End the sessions whose token has ended; call it before anything is said to users. Costs a comparison."""
        if self._token_ends.is_due(now):
            for client in self._token_ends.due(now):
                client.session.close(CloseCode.TOKEN_EXPIRED, "the token has ended; return with a new one")
                self._carry_out(client, now, time_us)

    def check_feed(self, now: float, time_us: int) -> None:
        """Tell users when the exchange has been silent for too long; call it several times a second."""
        if self.feed_state is MarketState.OPEN and not self.is_fed(now):
            self.lost_feed(f"nothing heard from the exchange for {self.limits.feed_silence_s:g} s", time_us)

    def drain(self, now: float, time_us: int) -> None:
        """Take no new clients, and send each present one away with a reconnect time of its own."""
        self.is_leaving = self.is_draining = True
        for client in self._rotation.order(self.clients.values()):
            self._send_away(client, "this replica is shutting down")
            self._carry_out(client, now, time_us)

    # -- requests ---------------------------------------------------------------------------------------------------

    def _carry_out(self, client: ConnectedClient, now: float, time_us: int) -> None:
        for event in client.session.events():
            if isinstance(event, SessionClosed):
                self._say(client)
                self.closed[event.code] += 1
                client.connection.close(event.code, event.text)
                client.waiting = None
                self.service.remove(client.subscriber)
            elif client.waiting is not None:
                self._wait(client, event, now, time_us)
            else:
                self._do(client, event, now, time_us)
        self._say(client)

    def _wait(self, client: ConnectedClient, request: Request, now: float, time_us: int) -> None:
        """Let a request wait for the one before it."""
        assert client.waiting is not None
        limit = WAITING_FOR_KEY_MAX if client.session.login_waits else WAITING_MAX
        if len(client.waiting) < limit:
            client.waiting.append(request)
        else:
            text = f"op: {limit} requests of this connection wait behind a large one already; it is not done"
            client.session.refuse_busy(request.id, text, now)
            self._carry_out(client, now, time_us)  # which ends one that has been refused too often

    def _put_behind(self, client: ConnectedClient, waiting: deque[Request]) -> None:
        """Have done what has waited, in order, one request a turn; what comes meanwhile waits behind it."""
        if client.waiting is not None:  # what was just done was another large one, or the login still waits
            client.waiting.extend(waiting)
        elif waiting and client.session.state is not SessionPhase.CLOSING:
            client.waiting = waiting
            self._behind.append(client)

    def _catch_up(self, client: ConnectedClient, now: float, time_us: int) -> None:
        """Do the next request of those that have waited."""
        waiting, client.waiting = client.waiting, None
        if waiting and client.session.state is not SessionPhase.CLOSING:
            self._do(client, waiting.popleft(), now, time_us)
            self._carry_out(client, now, time_us)
            self._put_behind(client, waiting)

    def _do(self, client: ConnectedClient, request: Request, now: float, time_us: int) -> None:
        try:
            self._handle(client, request, now, time_us)
        except InvalidRequest as refusal:
            if refusal.code is Code.NOT_PERMITTED:
                self.refused.tell(client.session.identity.user, refusal.code, refusal.text, time_us)
            client.session.refuse(request.id, refusal.code, refusal.text)

    def _handle(self, client: ConnectedClient, request: Request, now: float, time_us: int) -> None:
        # Orders first: each pattern of a pydantic model that does not fit costs a call of Python.
        if isinstance(request, ORDER_REQUESTS):
            if self.feed_state is not MarketState.OPEN:
                raise InvalidRequest(Code.BUSY, f"the feed is {self.feed_state}; no orders until it is open")
            identity = client.session.identity
            if client.session.is_bound:
                check_order(identity, request, without_roles=self.limits.trades_without_roles)
            self.orders.submit(client.session, identity, request, now)
            return
        match request:
            case Login():
                self._handle_login(client, request, now, time_us)
            case Subscribe():
                self._subscribe(client, request)
            case Unsubscribe():
                self._unsubscribe(client, request)
            case Resync():
                self._resync(client, request)
            case Instruments():
                scope = client.session.identity.instruments
                self._accept(client, request, count=sum(covers(scope, symbol) for symbol in self.market.listing))
                self.service.send_listing(client.subscriber, scope)
            case Ping():
                self._accept(client, request, server_time=time_us)
            case ConfirmPresence():
                client.says_present = True
                self._accept(client, request)
            case _:
                assert_never(request)

    def _handle_login(self, client: ConnectedClient, request: Login, now: float, time_us: int) -> None:
        session = client.session
        try:
            identity = self.authenticate(request.token, time_us / 1e6)
        except KeysAwaited as awaited:
            if session.state is not SessionPhase.ANONYMOUS:
                raise InvalidRequest(Code.BUSY, "token: its key is not known yet; try again in a moment") from awaited
            self._awaiting_keys[client] = request
            session.login_waits = True
            client.waiting = deque()  # what comes behind it is done behind it, as if the key had been here
            return
        except AuthenticationFailed as failure:
            self.refused.tell(session.identity.user, Code.NOT_AUTHENTICATED, failure.text, time_us)
            session.refuse(request.id, Code.NOT_AUTHENTICATED, failure.text)
            if session.state is SessionPhase.ANONYMOUS:  # else it goes on until its own token ends
                session.close(failure.close_code, failure.text)
                self._carry_out(client, now, time_us)
            return
        if session.state is SessionPhase.ANONYMOUS:
            self._accept(client, request, expires_at=_time_us(identity.expires_at))
            self._log_in(client, identity, now, time_us)
            self._carry_out(client, now, time_us)
        elif identity.user != session.identity.user:
            text = f"token: names another user; this connection is {session.identity.user}'s, open another one"
            raise InvalidRequest(Code.ALREADY_AUTHENTICATED, text)
        elif identity.instruments != session.identity.instruments:
            text = "token: entitles to other instruments than this connection's, open another one"
            raise InvalidRequest(Code.ALREADY_AUTHENTICATED, text)
        else:
            # Of two tokens the one that ends last is the session's: no role is to outlive the token that gave it.
            session.identify(max(identity, session.identity, key=lambda each: each.expires_at))
            ends_at = self._token_ends.extend(client, now + identity.expires_at - time_us / 1e6)
            self._accept(client, request, expires_at=_time_us(ends_at - now + time_us / 1e6))

    def _log_in(self, client: ConnectedClient, identity: Identity, now: float, time_us: int) -> None:
        session, user = client.session, identity.user
        share = self._shares.get(user)
        if share is None:
            share = self._shares[user] = UserShare(self.limits.requests, self.limits.orders, now)
        if share.connections >= self.limits.connections_per_user:
            text = f"{user} has {share.connections} connections to this replica already, and may have no more"
            session.close(CloseCode.TOO_MANY_CONNECTIONS, text)
            return
        session.log_in(identity, share)
        self._token_ends.extend(client, now + identity.expires_at - time_us / 1e6)
        client.subscriber.user = user
        if user in self.market.timed:
            self._presence.came(user)
        heartbeat_ms = int(self.limits.heartbeat_s * 1000)
        limits = self._announced_limits
        session.reply(Welcome(PROTOCOL_VERSION, session.session_id, user, time_us, heartbeat_ms, limits))
        if self.feed_state is not MarketState.OPEN:
            session.reply(Status(None, self.feed_state, "the feed is not followed at present", time_us))

    def _subscribe(self, client: ConnectedClient, request: Subscribe) -> None:
        if request.channel == "account":
            self._accept(client, request)
            self.service.hear_account(client.subscriber)
            return
        scope = client.session.identity.instruments
        check_known(request, self.market.instruments, scope)
        check_subscription(client.subscriber, request, self.limits.subscriptions)
        keys = subscription_keys(request, scope)
        self._accept(client, request)
        joining = Joining(self.service, client.subscriber, keys, request.resume)
        if joining.is_small():
            joining.do_all()
        else:
            client.waiting = deque()
            self._joinings.append((client, joining))

    def _unsubscribe(self, client: ConnectedClient, request: Unsubscribe) -> None:
        subscriber = client.subscriber
        if request.channel == "account":
            found = self.service.leave_account(subscriber)
        else:
            found = all((request.channel, name) in subscriber.channels for name in request.instruments)
        if not found:
            what = request.channel if request.channel == "account" else f"{request.channel} of all of these"
            raise InvalidRequest(Code.NOT_SUBSCRIBED, f"instruments: this connection does not follow {what}")
        for name in request.instruments:
            self.service.unsubscribe(subscriber, request.channel, name)
        self._accept(client, request)

    def _resync(self, client: ConnectedClient, request: Resync) -> None:
        if not self.service.follows_book(client.subscriber, request.instrument):
            text = f"instrument: this connection does not follow the book of {request.instrument}"
            raise InvalidRequest(Code.NOT_SUBSCRIBED, text)
        self._accept(client, request)
        if self.service.is_ready_again(client.subscriber, request.instrument):
            self.service.resync(client.subscriber, request.instrument)
        else:
            client.waiting = deque()
            self._joinings.append((client, Resyncing(self.service, client.subscriber, request.instrument)))

    # -- saying -----------------------------------------------------------------------------------------------------

    def _accept(self, client: ConnectedClient, request: Request, **data: int) -> None:
        client.session.reply(Reply(request.id, True, Code.OK, "", data))  # noqa: FBT003 - `ok` of the wire format
        self._say(client)

    def _answer(self, session: Session, reply: Reply) -> None:
        client = self.clients.get(session)
        if client is not None and session.state is SessionPhase.OPEN:
            client.subscriber.write(session.frame(reply))  # whatever was queued has been said when a call ends

    def _say(self, client: ConnectedClient) -> None:
        for frame in client.session.frames_to_send():
            client.subscriber.write(frame)

    def _say_feed_state(self, state: MarketState, reason: str, time_us: int) -> None:
        if state is not self.feed_state:
            self.feed_state = state
            self.service.broadcast(self._open_subscribers(), Status(None, state, reason, time_us))

    def _open_subscribers(self) -> list[Subscriber]:
        clients = self._rotation.order(self.clients.values())
        return [client.subscriber for client in clients if client.session.state is SessionPhase.OPEN]

    def _entitled(self, symbol: str) -> list[Subscriber]:
        """Return those open ones that may see an instrument."""
        clients = self._rotation.order(self.clients.values())
        return [
            client.subscriber
            for client in clients
            if client.session.state is SessionPhase.OPEN and covers(client.session.identity.instruments, symbol)
        ]

    def _send_away(self, client: ConnectedClient, text: str) -> None:
        client.session.close(CloseCode.SHUTTING_DOWN, text, self._return_slot(client.session.identity.user))

    def _return_slot(self, user: str = "") -> int:
        """Return when to come again, 1 ms to the window: 0 would say that there is no slot."""
        window_ms = max(1000, len(self.clients) * 1000 // RETURNS_PER_SECOND)
        if user in self.market.timed:
            window_ms = min(window_ms, PRESENT_RETURN_MS_MAX)
        return self._random.randint(1, window_ms)

    def _call_roll(self, clients: Iterable[ConnectedClient], now: float) -> None:
        """Ping those whose absence is timed, and note which of them have been heard of lately."""
        timed = self.market.timed
        for client in clients:
            session = client.session
            user = session.identity.user
            if user in timed and session.state is SessionPhase.OPEN:
                client.subscriber.write(PING_FRAME)
                self._presence.met(user, client.spoke_at if client.says_present else client.heard_at, now)

    def _forget_idle_shares(self) -> None:
        """Keep the shares of who is connected; a returning user's buckets begin full, as a new one's do."""
        if len(self._shares) > 2 * len(self.clients) + 1000:
            self._shares = {user: share for user, share in self._shares.items() if share.connections}


def _time_us(unix_s: float) -> int:
    """Return µs; a time beyond what JSON's numbers hold exactly is the last that they hold."""
    return int(min(unix_s * 1e6, TIME_US_MAX))
