"""One connection's conversation, without its socket: its user, its requests, and its limits.

Sans-I/O: `receive` takes a payload, `events` hands over the requests that are to be carried out, `frames_to_send` the
replies, `next_deadline` and `on_deadline` bring in time. Owns authentication, rates and the tolerance for bad
requests; leaves subscriptions and orders to `services.gateway.gateway`, which answers each event with `reply`.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple, TypeAlias

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.messages import Goodbye, Message, Reply
from openoutcry.wire.types import Code
from services.gateway.client_messages import INVALID_DATA
from services.gateway.limits import GatewayLimits
from services.gateway.order_permission import may_trade
from services.gateway.rate_limit import UserShare
from services.gateway.requests import ORDER_REQUESTS, Request, decode_request
from shared.identity import NOBODY, Identity
from shared.token_bucket import TokenBucket
from shared.websocket_frame import BINARY, TEXT, server_frame


class SessionPhase(enum.Enum):
    """Where a conversation stands."""

    ANONYMOUS = enum.auto()
    """Connected, the user not yet known."""
    OPEN = enum.auto()
    CLOSING = enum.auto()
    """A close is on its way; nothing more is read or sent."""


_TRANSITIONS: Final = {
    SessionPhase.ANONYMOUS: (SessionPhase.OPEN, SessionPhase.CLOSING),
    SessionPhase.OPEN: (SessionPhase.CLOSING,),
    SessionPhase.CLOSING: (),
}


class SessionClosed(NamedTuple):
    """The connection must be closed with this code, after the frames to send."""

    code: int
    """One of `CloseCode`, or of RFC 6455."""
    text: str


SessionEvent: TypeAlias = Request | SessionClosed
"""A request is well-formed and within its user's rate; it must be replied to."""


class Session:
    """
    A conversation.

    Args:
        session_id: Names it in logs and in `welcome`.
        encoding: As negotiated.
        limits: Of the gateway.
        now: Monotonic seconds.
    """

    __slots__ = (
        "_bad_in_a_row",
        "_controls",
        "_events",
        "_frames",
        "_login_deadline",
        "_refusals",
        "_refused_in_a_row",
        "encoding",
        "identity",
        "is_bound",
        "limits",
        "login_waits",
        "session_id",
        "share",
        "state",
    )

    def __init__(self, session_id: str, encoding: Encoding, limits: GatewayLimits, now: float) -> None:
        self.session_id = session_id
        self.encoding = encoding
        self.limits = limits
        self.state = SessionPhase.ANONYMOUS
        self.identity = NOBODY
        """Of the token of this connection that ends last."""
        self.is_bound = False
        """Whether its user may not enter all orders; else none need be asked for."""
        self.share: UserShare | None = None
        self.login_waits = False
        """Whether a login has come that cannot be answered yet: what comes behind it is the gateway's to keep."""
        self._login_deadline = now + limits.login_s
        self._events: list[SessionEvent] = []
        self._frames: list[bytes] = []
        self._bad_in_a_row = 0
        self._refused_in_a_row = 0
        self._controls: TokenBucket | None = None
        """Of control frames and continuations; most connections never send one."""
        self._refusals: TokenBucket | None = None

    # -- receiving --------------------------------------------------------------------------------------------------

    def receive(self, payload: bytes, now: float) -> None:
        """Take one client frame's payload; total: whatever it holds, it becomes an event or a refusal."""
        if self.state is SessionPhase.CLOSING:
            return
        try:
            request = decode_request(payload, self.encoding)
            self._check_turn(request)
            self._check_rate(request, now)
        except InvalidRequest as refusal:
            if self.encoding is Encoding.JSON and not _is_utf8(payload):
                self.close(INVALID_DATA, "the text is no UTF-8")
            else:
                self._refuse(refusal, now)
        else:
            self._bad_in_a_row = self._refused_in_a_row = 0
            self._events.append(request)

    def receive_unreadable(self, text: str, now: float) -> None:
        """Count a message that is none of the protocol's as a bad request."""
        if self.state is not SessionPhase.CLOSING:
            self._refuse(InvalidRequest(Code.BAD_REQUEST, text), now)

    def count_control(self, now: float) -> None:
        """Count a control frame or a fragment: they ask for nothing that a rate of requests would count."""
        if self._controls is None:
            self._controls = TokenBucket(self.limits.controls, now)
        if not self._controls.take(now):
            rate = self.limits.controls
            text = f"at most {rate.per_second:g} control frames and fragments a second and {rate.burst} at once"
            self.close(CloseCode.RATE, text)

    def refuse(self, request_id: int | str | None, code: Code, text: str) -> None:
        """Answer a request with a refusal."""
        self.reply(Reply(request_id, False, code, text, {}))  # noqa: FBT003 - `ok` of the wire format

    def refuse_busy(self, request_id: int | str, text: str, now: float) -> None:
        """Refuse a request that need not be within a rate, its user being unknown perhaps: too many of those end it."""
        self.refuse(request_id, Code.BUSY, text)
        self._count_refusal(now)

    def log_in(self, identity: Identity, share: UserShare) -> None:
        """Note who it is; from now on requests are carried out."""
        self._move(SessionPhase.OPEN)
        self.identify(identity)
        self.share = share
        share.connections += 1

    def identify(self, identity: Identity) -> None:
        """Take the token of this connection that ends last."""
        self.identity = identity
        may_all = may_trade(identity, without_roles=self.limits.trades_without_roles)
        self.is_bound = bool(identity.instruments) or not may_all

    # -- time -------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`, monotonic seconds; None means never."""
        return self._login_deadline if self.state is SessionPhase.ANONYMOUS else None

    def on_deadline(self, now: float) -> None:
        """Close if the user was not named in time."""
        if self.state is SessionPhase.ANONYMOUS and now >= self._login_deadline:
            self.close(CloseCode.NOT_AUTHENTICATED, f"no login within {self.limits.login_s:g} s")

    # -- sending ----------------------------------------------------------------------------------------------------

    def reply(self, *messages: Message) -> None:
        """Queue messages, in one frame."""
        self._frames.append(self.frame(*messages))

    def frame(self, *messages: Message) -> bytes:
        """Return messages as one finished frame; the sender must not let it overtake what is queued."""
        opcode = BINARY if self.encoding is Encoding.MSGPACK else TEXT
        return server_frame(encode_messages(messages, self.encoding), opcode)

    def close(self, code: int, text: str, reconnect_in_ms: int = 0) -> None:
        """Say goodbye, unless WebSocket itself is broken, and ask for the close; the first call decides."""
        if self.state is SessionPhase.CLOSING:
            return
        if code != INVALID_DATA:
            self.reply(Goodbye(code, text, reconnect_in_ms))
        self._move(SessionPhase.CLOSING)
        self._events.append(SessionClosed(code, text))

    def events(self) -> list[SessionEvent]:
        """Hand over what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def frames_to_send(self) -> list[bytes]:
        """Hand over the finished WebSocket frames queued since the last call, in order."""
        frames, self._frames = self._frames, []
        return frames

    # -- private ----------------------------------------------------------------------------------------------------

    def _check_turn(self, request: Request) -> None:
        if self.state is SessionPhase.ANONYMOUS and request.op != "login" and not self.login_waits:
            raise InvalidRequest(Code.NOT_AUTHENTICATED, "op: the first request must be login", request.id)

    def _check_rate(self, request: Request, now: float) -> None:
        if self.share is None:
            return
        is_order = isinstance(request, ORDER_REQUESTS)
        bucket = self.share.orders if is_order else self.share.requests
        if not bucket.take(now):
            what, rate = ("orders", self.limits.orders) if is_order else ("requests", self.limits.requests)
            text = f"at most {rate.per_second:g} {what} a second and {rate.burst} at once; slow down"
            raise InvalidRequest(Code.RATE_LIMITED, text, request.id)

    def _refuse(self, refusal: InvalidRequest, now: float) -> None:
        self.refuse(refusal.request_id, refusal.code, refusal.text)
        if not self._count_refusal(now):  # else a good request now and then would pardon any number of others
            return
        if refusal.code is Code.RATE_LIMITED:
            self._refused_in_a_row += 1
            if self._refused_in_a_row >= self.limits.refusals_in_a_row:
                self.close(CloseCode.RATE, f"{self._refused_in_a_row} requests in a row beyond the rate")
            return
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= self.limits.bad_requests_in_a_row:
            self.close(CloseCode.BAD_REQUEST, f"{self._bad_in_a_row} bad requests in a row")

    def _count_refusal(self, now: float) -> bool:
        if self._refusals is None:
            self._refusals = TokenBucket(self.limits.refusals, now)
        is_within = self._refusals.take(now)
        if not is_within:
            rate = self.limits.refusals
            self.close(CloseCode.RATE, f"at most {rate.per_second:g} refusals a second and {rate.burst} at once")
        return is_within

    def _move(self, state: SessionPhase) -> None:
        assert state in _TRANSITIONS[self.state], f"{self.state} to {state}"
        self.state = state


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
