from __future__ import annotations

from typing import Any

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, decode_messages, encode_request
from openoutcry.wire.messages import Goodbye, Message, Reply
from openoutcry.wire.types import Code
from services.gateway.limits import GatewayLimits
from services.gateway.rate_limit import UserShare
from services.gateway.requests import Ping
from services.gateway.session import Session, SessionClosed, SessionPhase
from shared.identity import Identity
from shared.token_bucket import Rate
from shared.websocket_frame import FrameReader

LIMITS = GatewayLimits(requests=Rate(1, 3), orders=Rate(1, 2), bad_requests_in_a_row=4, refusals_in_a_row=5)


def session(*, logged_in: bool = True) -> Session:
    talk = Session("s1", Encoding.MSGPACK, LIMITS, now=0.0)
    if logged_in:
        talk.log_in(Identity("ann"), UserShare(LIMITS.requests, LIMITS.orders, 0.0))
    return talk


def ask(talk: Session, now: float = 0.0, **request: Any) -> list[Message]:
    talk.receive(encode_request(request, talk.encoding), now)
    return said(talk)


def said(talk: Session) -> list[Message]:
    frames = FrameReader().receive(b"".join(talk.frames_to_send()))
    return [message for frame in frames for message in decode_messages(frame.payload, talk.encoding)]


def test_a_good_request_becomes_an_event() -> None:
    talk = session()
    assert ask(talk, op="ping", id=1) == []
    assert talk.events() == [Ping(op="ping", id=1)]


def test_a_bad_request_gets_one_reply_and_the_connection_lives() -> None:
    talk = session()
    (reply,) = ask(talk, op="subscribe", id=5, channel="bok")
    assert isinstance(reply, Reply)
    assert (reply.id, reply.ok, reply.code) == (5, False, Code.BAD_REQUEST)
    assert "channel: must be one of" in reply.text
    assert talk.events() == []
    assert talk.state is SessionPhase.OPEN


def test_bad_requests_in_a_row_end_it_and_a_good_one_forgives() -> None:
    talk = session()
    for _ in range(3):
        ask(talk, op="nonsense", id=1)
    ask(talk, op="ping", id=2)
    for _ in range(3):
        ask(talk, op="nonsense", id=1)
    assert talk.state is SessionPhase.OPEN
    messages = ask(talk, op="nonsense", id=1)
    assert [type(message) for message in messages] == [Reply, Goodbye]
    assert talk.events()[-1] == SessionClosed(CloseCode.BAD_REQUEST, "4 bad requests in a row")
    assert ask(talk, op="ping", id=3) == []
    assert talk.events() == []


def test_requests_beyond_the_rate_are_refused_until_time_has_passed() -> None:
    talk = session()
    for _ in range(3):
        assert ask(talk, op="ping", id=1) == []
    (reply,) = ask(talk, op="ping", id=1)
    assert isinstance(reply, Reply)
    assert reply.code == Code.RATE_LIMITED
    assert reply.text == "at most 1 requests a second and 3 at once; slow down"
    assert ask(talk, now=1.0, op="ping", id=1) == []


def test_orders_have_a_rate_of_their_own() -> None:
    talk = session()
    for _ in range(3):
        ask(talk, op="ping", id=1)
    assert ask(talk, op="cancel_all", id=1) == []


def test_flooding_beyond_the_rate_ends_it() -> None:
    talk = session()
    for _ in range(3 + 5):
        ask(talk, op="ping", id=1)
    assert talk.events()[-1] == SessionClosed(CloseCode.RATE, "5 requests in a row beyond the rate")


def test_only_login_is_heard_before_it() -> None:
    talk = session(logged_in=False)
    (reply,) = ask(talk, op="ping", id=1)
    assert isinstance(reply, Reply)
    assert reply.code == Code.NOT_AUTHENTICATED


def test_a_second_login_is_carried_out_and_counts_as_a_request() -> None:
    """It may extend the session; whose token it is, the gateway tells."""
    talk = session()
    for number in range(3):
        assert ask(talk, op="login", id=number, token="t") == []
    assert len(talk.events()) == 3
    (reply,) = ask(talk, op="login", id=4, token="t")
    assert isinstance(reply, Reply)
    assert reply.code == Code.RATE_LIMITED


def test_no_login_in_time_ends_it() -> None:
    talk = session(logged_in=False)
    deadline = talk.next_deadline()
    assert deadline == 5.0
    talk.on_deadline(4.9)
    assert talk.events() == []
    talk.on_deadline(deadline)
    assert talk.events() == [SessionClosed(CloseCode.NOT_AUTHENTICATED, "no login within 5 s")]


def test_a_logged_in_session_has_no_deadline() -> None:
    talk = session()
    assert talk.next_deadline() is None
    talk.on_deadline(1e9)
    assert talk.events() == []


# Floods.


def test_control_frames_beyond_their_rate_end_it() -> None:
    """Empty pings cost 6 bytes each, and no rate of requests sees them."""
    talk = Session("s1", Encoding.MSGPACK, LIMITS._replace(controls=Rate(1, 3)), now=0.0)
    for _ in range(3):
        talk.count_control(0.0)
    talk.count_control(1.0)
    assert talk.state is SessionPhase.ANONYMOUS
    talk.count_control(1.0)
    assert [message.code for message in said(talk) if isinstance(message, Goodbye)] == [CloseCode.RATE]
    assert talk.events() == [
        SessionClosed(CloseCode.RATE, "at most 1 control frames and fragments a second and 3 at once")
    ]
    talk.count_control(1.0)
    assert talk.events() == []


def test_a_good_request_now_and_then_does_not_pardon_any_number_of_refused_ones() -> None:
    """Else whoever sends 199 too many and one in time could go on for ever."""
    limits = LIMITS._replace(refusals=Rate(1, 10), requests=Rate(1000, 1000), bad_requests_in_a_row=4)
    talk = Session("s1", Encoding.MSGPACK, limits, now=0.0)
    talk.log_in(Identity("ann"), UserShare(limits.requests, limits.orders, 0.0))
    for _ in range(5):
        for _ in range(2):
            ask(talk, op="nonsense", id=1)
        ask(talk, op="ping", id=2)
    assert talk.state is SessionPhase.OPEN
    messages = ask(talk, op="nonsense", id=1)
    assert [message.code for message in messages if isinstance(message, Goodbye)] == [CloseCode.RATE]


def test_a_text_that_is_no_utf8_fails_the_connection_without_a_goodbye() -> None:
    """RFC 6455, section 8.1; a bad request would leave it to the client to find out that its text is broken."""
    for payload in (b'{"op":"ping","id":"\xff"}', b"\xff" * 20_000):
        talk = Session("s1", Encoding.JSON, LIMITS, now=0.0)
        talk.receive(payload, 0.0)
        assert said(talk) == []
        assert talk.events() == [SessionClosed(1007, "the text is no UTF-8")]
        talk.receive(payload, 0.0)
        assert talk.events() == []


def test_what_is_no_json_but_a_text_is_a_bad_request() -> None:
    talk = Session("s1", Encoding.JSON, LIMITS, now=0.0)
    talk.receive("κόσμε".encode(), 0.0)
    assert [message.code for message in said(talk) if isinstance(message, Reply)] == [Code.BAD_REQUEST]
    assert talk.state is SessionPhase.ANONYMOUS
