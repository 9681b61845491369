"""A conversation with a server: requests out, messages in, each checked for its form as it comes.

Messages wait in the order they came until a check hears them; `log` keeps all of them. Nothing is read unless a check
waits for something, so every wait ends: with the message, with the connection, or with the check's deadline.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from websockets.frames import Frame, Opcode

from openoutcry.message_shape import check_message
from openoutcry.wire.codec import Encoding, decode_messages, encode_request
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.messages import Delta, Goodbye, Message, Reply, Snapshot
from outcry.conformance.aio.wire import Wire, WireEnding
from outcry.conformance.expectation import Failed, expect, expect_ok, shown
from outcry.conformance.hostile_frames import raw_frame
from outcry.conformance.reserved import check_code_is_of_today, check_message_is_of_today

M = TypeVar("M", bound=Message)


class Heard(NamedTuple):
    """A message, and when it was read."""

    message: Message
    at: float
    """Monotonic seconds."""
    frame: int
    """Number of its frame on this connection."""


class Client:
    """
    One connection's conversation.

    Args:
        wire: Its handshake has succeeded.
        encoding: As negotiated.
        name: Whose it is, for reasons.
    """

    def __init__(self, wire: Wire, encoding: Encoding, name: str) -> None:
        self.wire: Final = wire
        self.encoding: Final = encoding
        self.name: Final = name
        self.log: Final[list[Heard]] = []
        """Every message that was read, in order."""
        self.received_bytes = 0
        """Of payloads."""
        self.waits_for = ""
        """What a check waits for at present; "" if for nothing."""
        self._unheard: list[Heard] = []
        self._ids: Final = itertools.count(1)
        self._frames = 0
        self._fragments: list[bytes] = []
        self._opcode: Final = Opcode.BINARY if encoding is Encoding.MSGPACK else Opcode.TEXT

    # -- asking -----------------------------------------------------------------------------------------------------

    async def ask(self, op: str, **fields: Any) -> Reply:
        """
        Send a request and return its reply, ok or not.

        Args:
            op: Which.
            fields: Of the request; `id` is given one unless named here.
        """
        request = {"op": op, "id": next(self._ids), **fields}
        await self.send_request(request)
        return await self.reply_to(request["id"])

    async def accepted(self, op: str, **fields: Any) -> Reply:
        """Send a request and return its reply, which must be ok."""
        reply = await self.ask(op, **fields)
        expect_ok(reply)
        return reply

    async def accepted_afresh(self, op: str, **fields: Any) -> Reply:
        """Send a request that must be accepted, and forget what came before its reply."""
        reply = await self.accepted(op, **fields)
        came_after = {id(each.message) for each in self.after(reply)}
        self._unheard = [each for each in self._unheard if id(each.message) in came_after]
        return reply

    async def reply_to(self, request_id: int | str | None) -> Reply:
        """Return the reply that echoes this id."""
        return await self.hear(Reply, lambda reply: _same(reply.id, request_id), f"the reply to {request_id!r}")

    async def send_request(self, request: dict[str, Any]) -> None:
        """Send a request, right or wrong."""
        await self.send_payload(encode_request(request, self.encoding))

    async def send_requests(self, requests: Iterable[dict[str, Any]]) -> None:
        """Send requests at once, however slow the machine is that they are made on."""
        frames = (raw_frame(encode_request(request, self.encoding), self._opcode) for request in requests)
        await self.wire.send(b"".join(frames))

    async def send_payload(self, payload: bytes) -> None:
        """Send a frame of this encoding with any content."""
        await self.wire.send(raw_frame(payload, self._opcode))

    # -- hearing ----------------------------------------------------------------------------------------------------

    async def hear(self, kind: type[M], where: Callable[[M], bool] = lambda _: True, what: str = "") -> M:
        """
        Return the oldest message of this kind that has not been heard, and count it as heard.

        Args:
            kind: Its class.
            where: Which of that kind.
            what: Words for it in a reason; the kind by default.

        Raises:
            Failed: If the connection ends before.
        """
        found = await self.hear_where(
            lambda message: isinstance(message, kind) and where(message), what or kind.__name__.lower()
        )
        assert isinstance(found, kind)
        return found

    async def hear_book(self, instrument: str) -> Snapshot | Delta:
        """Return the next message of a book."""
        found = await self.hear_where(
            lambda message: isinstance(message, Snapshot | Delta) and message.instrument == instrument,
            f"a snapshot or delta of {instrument}",
        )
        assert isinstance(found, Snapshot | Delta)
        return found

    async def hear_where(self, where: Callable[[Message], bool], what: str) -> Message:
        """Return the oldest message for which this holds that has not been heard, and count it as heard."""
        at = 0
        self.waits_for = what
        while True:
            for index in range(at, len(self._unheard)):
                if where(self._unheard[index].message):
                    self.waits_for = ""
                    return self._unheard.pop(index).message
            at = len(self._unheard)
            expect(self.wire.ending is None, f"{self.name}'s connection {self._told_end()} before {what} came")
            await self.listen()

    async def next_message(self) -> Message | None:
        """Return the oldest message that has not been heard, whatever it is; None at the end of the connection."""
        while not self._unheard and self.wire.ending is None:
            await self.listen()
        return self._unheard.pop(0).message if self._unheard else None

    def heard(self, kind: type[M]) -> list[M]:
        """Return the messages of a kind that were read so far, heard or not."""
        return [each.message for each in self.log if isinstance(each.message, kind)]

    def after(self, message: Message) -> list[Heard]:
        """Return everything that was read after a message, heard or not."""
        at = next(index for index, each in enumerate(self.log) if each.message is message)
        return self.log[at + 1 :]

    def forget(self) -> None:
        """Count everything that was read as heard."""
        self._unheard.clear()

    async def listen(self) -> None:
        """Read once, and note what came."""
        for frame in await self.wire.frames():
            self._receive(frame)

    async def listen_for(self, seconds: float) -> None:
        """Read for some time; less, if the connection ends."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.wire.ending is None and (left := end - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self.listen()
            except TimeoutError:
                return

    async def ended(self) -> WireEnding:
        """Read until the connection ends, and return how."""
        self.waits_for = "the end of the connection"
        while self.wire.ending is None:
            await self.listen()
        self.waits_for = ""
        check_code_is_of_today(self.wire.ending.code)
        return self.wire.ending

    async def sent_away(self) -> tuple[Goodbye, WireEnding]:
        """Read until the connection ends, and return the goodbye and how it ended; both must be there."""
        ending = await self.ended()
        goodbyes = self.heard(Goodbye)
        expect(goodbyes, f"{self.name}'s connection {self._told_end()} without a goodbye")
        return goodbyes[-1], ending

    def _told_end(self) -> str:
        ending = self.wire.ending
        if ending is None:
            return "lives"
        return f"ended with {ending.code} {ending.reason}".rstrip()

    def _receive(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            wanted = self._opcode.name.lower()
            expect(frame.opcode is self._opcode, f"a {frame.opcode.name.lower()} frame where {wanted} was negotiated")
        self._fragments.append(bytes(frame.data))
        self.received_bytes += len(frame.data)
        if not frame.fin:
            return
        payload = b"".join(self._fragments)
        self._fragments.clear()
        self._frames += 1
        now = asyncio.get_running_loop().time()
        try:
            messages = [check_message(message) for message in decode_messages(payload, self.encoding)]
        except MalformedMessage as error:
            raise Failed(f"a frame that is no packet of messages: {error}; {shown(payload)}") from error
        for message in messages:
            check_message_is_of_today(message)
        heard = [Heard(message, now, self._frames) for message in messages]
        self.log.extend(heard)
        self._unheard.extend(heard)


def _same(seen: int | str | None, wanted: int | str | None) -> bool:
    return type(seen) is type(wanted) and seen == wanted
