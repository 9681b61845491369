"""A feed session and the server's side of its conversation, both in the test's hands."""

from __future__ import annotations

import json
from typing import Any

import msgpack

from openoutcry.events import Event
from openoutcry.feed_session import FeedSession
from openoutcry.testing import ScriptedMarket
from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import Heartbeat, Message, Reply, Welcome
from openoutcry.wire.types import Code


class Conversation:
    """Says what a server would, and remembers what the session says."""

    def __init__(self, encoding: Encoding = Encoding.MSGPACK) -> None:
        self.session = FeedSession(encoding)
        self.market = ScriptedMarket()
        self.now = 100.0

    def open(self) -> None:
        """Connect and be welcomed."""
        self.session.connected(self.now)
        self.hear(Welcome(1, "s1", "ada", 0, 1_000, {}))

    def reopen(self) -> None:
        """Lose the connection and get another."""
        self.session.disconnected(1006, "")
        self.open()

    def hear(self, *messages: Message) -> None:
        self.session.receive(encode_messages(messages, self.session.encoding), self.now)

    def said(self) -> list[dict[str, Any]]:
        """What the session has asked since the last call."""
        read = msgpack.unpackb if self.session.encoding is Encoding.MSGPACK else json.loads
        return [read(frame) for frame in self.session.frames_to_send()]

    def accept(self, request: dict[str, Any], **data: Any) -> None:
        self.hear(Reply(request["id"], True, Code.OK, "", data))

    def refuse(self, request: dict[str, Any], code: Code) -> None:
        self.hear(Reply(request["id"], False, code, "no", {}))

    def events(self) -> list[Event]:
        return self.session.events()

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.session.events()]

    def beat(self, **books: int) -> None:
        self.hear(Heartbeat(0, books))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, calling the session's deadlines on the way."""
        end = self.now + seconds
        while (deadline := self.session.next_deadline()) is not None and deadline <= end:
            self.now = deadline
            self.session.on_deadline(self.now)
        self.now = end

    def follow(self) -> None:
        """Open, follow ACME at two levels, and clear what was said and what happened."""
        self.market.set(bids={100: 5}, asks={101: 7})
        self.open()
        self.session.follow_book("ACME", 0, 0, self.now)
        self.accept(self.said()[-1])
        self.hear(self.market.snapshot())
        self.events()
