"""What waits for a reply is found once, and bounded whatever the server leaves unanswered."""

from __future__ import annotations

from conversation import Conversation
from openoutcry.events import CloseRequired
from openoutcry.feed_session import PENDING_REQUESTS_MAX, SUBSCRIBE_S
from openoutcry.pending_requests import OURS_MAX, PendingRequest, PendingRequests
from openoutcry.wire.close_codes import CloseCode


def request(*, is_ours: bool) -> PendingRequest:
    return PendingRequest("ping", [], is_ours)


def test_the_session_s_own_take_no_place_from_the_owner_s() -> None:
    pending = PendingRequests()
    for _ in range(2 * OURS_MAX):
        last = pending.add(request(is_ours=True))
    mine = pending.add(request(is_ours=False))
    assert len(pending) == 1
    assert pending.take(last - OURS_MAX) is None, "the oldest went first"
    assert pending.take(last) is not None
    assert pending.take(mine) is not None
    assert pending.take(mine) is None


def test_a_request_that_nobody_waits_for_any_more_takes_no_place() -> None:
    """1,024 pings that a server left unanswered made every later request of that connection `busy`."""
    talk = Conversation()
    talk.open()
    for _ in range(PENDING_REQUESTS_MAX + 1):
        talk.session.forget(talk.session.request("ping"))
    talk.said()
    assert talk.session.request("ping")
    assert [said["op"] for said in talk.said()] == ["ping"], "the connection can still ask"


def test_a_subscription_that_is_not_answered_ends_the_connection() -> None:
    """Else nothing would ever come, and nothing would say so."""
    talk = Conversation()
    talk.open()
    talk.session.follow("ticker", "ACME", talk.now)
    for _ in range(int(SUBSCRIBE_S) - 1):
        talk.pass_time(1.0)
        talk.beat()
    assert "CloseRequired" not in talk.kinds()
    talk.pass_time(1.0)
    [close] = [event for event in talk.events() if isinstance(event, CloseRequired)]
    assert (close.code, close.reason) == (CloseCode.HEARTBEAT_MISSED, "no answer to a subscription within 8 s")
    talk.reopen()
    assert [said["op"] for said in talk.said()] == ["subscribe"]
