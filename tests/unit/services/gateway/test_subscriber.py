"""One listener's transport."""

from __future__ import annotations

from openoutcry.wire.codec import Encoding
from services.gateway.subscriber import Subscriber
from shared.websocket_frame import BINARY, server_frame
from tests.unit.services.gateway.listener import Listener


def test_a_closing_transport_takes_nothing_and_says_so() -> None:
    """Who counts a frame as sent that nobody takes never forgets the listener."""
    listener, is_closing = Listener(), False
    subscriber = Subscriber("ann", Encoding.MSGPACK, listener, lambda: is_closing)
    frame = server_frame(b"\x90", BINARY)
    assert subscriber.write(frame)
    is_closing = True
    assert not subscriber.write(frame)
    assert subscriber.is_lost
