"""What comes in at a gateway's port: HTTP's edges, floods, strangers, and what a broken peer says last.

Sockets are left out where they add nothing: a connection is given bytes as a transport would give them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import msgpack
import pytest

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, decode_messages, encode_request
from openoutcry.wire.messages import Goodbye, Message, Reply, Welcome
from openoutcry.wire.types import Code
from services.gateway.aio import connection as connection_module
from services.gateway.aio.connection import FRAME_BYTES_MAX, STRANGER_FRAME_BYTES_MAX, ClientConnection
from services.gateway.aio.handshake import HEAD_BYTES_MAX
from services.gateway.aio.handshake_queue import PendingConnections
from services.gateway.aio.read_queue import FRAMES_MAX
from services.gateway.aio.server import GatewayServer
from services.gateway.client_address import TrustedProxies
from services.gateway.client_frames import PLAIN_BYTES_MAX, ClientFrames, Cut
from services.gateway.limits import GatewayLimits
from shared.identity import mint_token
from shared.token_bucket import Rate
from shared.websocket_frame import BINARY, CLOSE, FIN, PING, PONG, TEXT, FrameReader, client_frame
from tests.property.test_hostile import SECRET, Wire, serving

MASK = b"\x01\x02\x03\x04"
PLENTY = Rate(1e9, 1_000_000_000)
CONTINUATION = 0


class Tap(Wire):
    """A transport that keeps what is written."""

    def __init__(self, address: str = "10.0.0.1") -> None:
        super().__init__()
        self.address = address
        self.written = b""
        self.unsent_bytes = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def get_extra_info(self, name: str) -> Any:
        return (self.address, 1) if name == "peername" else None

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes


class Peer:
    """Somebody at the door, who sends bytes and looks at what comes back."""

    def __init__(self, server: GatewayServer, address: str = "10.0.0.1") -> None:
        self.server = server
        self.tap = Tap(address)
        self.connection = ClientConnection(server.connection_ports)
        self.connection.connection_made(self.tap)  # type: ignore[arg-type]

    def send(self, data: bytes) -> None:
        """Send, and have what may be the end of a request answered at once."""
        self.queue(data)
        while len(self.server.connection_ports.handshakes):
            self.server.connection_ports.handshakes._turn()

    def queue(self, data: bytes) -> None:
        if not self.tap.is_closed:
            self.connection.data_received(data)

    async def settled(self) -> None:
        """Let all be read that has been sent."""
        async with asyncio.timeout(5):
            await self.tap.resumed()

    def leave(self) -> None:
        self.connection.connection_lost(None)

    @property
    def head(self) -> str:
        return self.tap.written.partition(b"\r\n\r\n")[0].decode()

    @property
    def body(self) -> bytes:
        return self.tap.written.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.head.split(" ", 2)[1])

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        return [(frame.opcode, frame.payload) for frame in FrameReader().receive(self.body)]

    @property
    def messages(self) -> list[Message]:
        encoding = Encoding.JSON if "openoutcry.v1.json" in self.head else Encoding.MSGPACK
        data = [payload for opcode, payload in self.frames if opcode in {TEXT, BINARY}]
        return [message for payload in data for message in decode_messages(payload, encoding)]

    @property
    def close_code(self) -> int | None:
        codes = [int.from_bytes(payload[:2], "big") for opcode, payload in self.frames if opcode == CLOSE]
        return codes[0] if codes else None


def request(
    *,
    token: str | None = "good",
    encoding: Encoding = Encoding.MSGPACK,
    start: str = "GET /v1/stream HTTP/1.1",
    **more: str,
) -> bytes:
    """A handshake; keyword arguments replace or add headers, an empty one leaves it out."""
    headers = {
        "Host": "t",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": encoding.value,
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {mint_token('ann', SECRET, 4e9) if token == 'good' else token}"
    headers |= {name.replace("_", "-"): text for name, text in more.items()}
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items() if text)
    return f"{start}\r\n{lines}\r\n".encode()


def fragment(payload: bytes, opcode: int) -> bytes:
    frame = client_frame(payload, opcode, MASK)
    return bytes([frame[0] & ~FIN]) + frame[1:]


def ping(number: int) -> bytes:
    return client_frame(encode_request({"op": "ping", "id": number}, Encoding.MSGPACK), BINARY, MASK)


def entered(server: GatewayServer, **how: Any) -> Peer:
    peer = Peer(server)
    peer.send(request(**how))
    assert peer.status == 101, peer.head
    return peer


async def answered(data: bytes) -> Peer:
    peer = Peer(serving())
    peer.send(data)
    return peer


# HTTP.


async def test_two_authorizations_are_a_bad_request() -> None:
    """It was a traceback, and no answer."""
    token = mint_token("ann", SECRET, 4e9)
    peer = await answered(request(Cookie=f"a=b\r\nAuthorization: Bearer {token}"))
    assert peer.status == 400
    assert b"one Authorization header" in peer.body
    assert peer.tap.is_closed


@pytest.mark.parametrize("version", ["8", "12", "13, 8", ""])
async def test_another_version_is_told_which_one_is_spoken(version: str) -> None:
    """RFC 6455, section 4.4."""
    peer = await answered(request(Sec_WebSocket_Version=version))
    assert peer.status == 400
    assert "Sec-WebSocket-Version: 13" in peer.head


async def test_other_bad_requests_name_no_version() -> None:
    peer = await answered(request(Sec_WebSocket_Protocol="chat"))
    assert peer.status == 400
    assert "Sec-WebSocket-Version" not in peer.head


@pytest.mark.parametrize("start", ["GET /v1/stream HTTP/1.1", "GET /healthz HTTP/1.1"])
@pytest.mark.parametrize("host", ["", "a\r\nHost: b"])
async def test_without_one_host_it_is_a_bad_request(start: str, host: str) -> None:
    peer = await answered(request(start=start, Host=host))
    assert peer.status == 400
    assert b"needs one Host header" in peer.body


async def test_http_1_0_needs_no_host() -> None:
    """As balancers check."""
    assert (await answered(b"GET /healthz HTTP/1.0\r\n\r\n")).status == 200


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/metrics", 200), ("/nothing", 404), ("/v1/stream", 405)]
)
async def test_the_answer_to_head_has_no_body(path: str, status: int) -> None:
    peer = await answered(f"HEAD {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode())
    assert (peer.status, peer.body) == (status, b"")
    assert "Content-Length: 0" not in peer.head


async def test_pages_are_for_reading() -> None:
    peer = await answered(b"POST /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
    assert (peer.status, "Allow: GET, HEAD" in peer.head) == (405, True)


async def test_a_target_may_be_a_whole_url() -> None:
    assert (await answered(request(start="GET http://t/v1/stream?x HTTP/1.1"))).status == 101
    assert (await answered(request(start="GET http://t/healthz HTTP/1.1"))).status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hello\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: t\n\n",
        b"\r\nhello",
        b"POST /v1/stream HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
        b"GET / HTTP/1.1\nHost: t\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
    ],
    ids=[
        "TLS",
        "no request",
        "bare line feeds",
        "no request behind an empty line",
        "a body",
        "a bare line feed",
        "no colon",
    ],
)
async def test_what_is_no_request_gets_an_answer(data: bytes) -> None:
    """Silence would leave the other side to guess."""
    peer = await answered(data)
    assert (peer.status, peer.tap.is_closed) == (400, True)
    peer.leave()


async def test_empty_lines_before_a_request_are_passed_over() -> None:
    """RFC 9112, section 2.2. They may come alone, and behind what a proxy says."""
    for data in (b"\r\n" + request(), b"PROXY UNKNOWN\r\n\r\n\r\n" + request()):
        for size in (1, len(data)):
            peer = Peer(serving())
            for at in range(0, len(data), size):
                peer.send(data[at : at + size])
            assert peer.status == 101
    endless = await answered(b"\r\n" * HEAD_BYTES_MAX)
    assert (endless.status, endless.tap.is_closed) == (431, True)


async def test_other_versions_and_bodies_have_answers_of_their_own() -> None:
    assert (await answered(b"GET / HTTP/2.0\r\n\r\n")).status == 505
    assert (await answered(request(Transfer_Encoding="chunked"))).status == 501
    assert b"Content-Length" in (await answered(request(Content_Length="5") + b"hello")).body
    assert "Connection: close, Upgrade" in (await answered(request(Connection="close"))).head


async def test_a_head_is_bounded_and_not_looked_at_again_for_each_byte() -> None:
    peer = await answered(b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX)
    assert (peer.status, peer.tap.is_closed) == (431, True)
    slow = Peer(serving())
    data = b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"x" * 20_000
    began = time.thread_time()
    for at in range(len(data)):
        slow.send(data[at : at + 1])
    assert time.thread_time() - began < 2
    assert not slow.tap.written


async def test_a_pong_does_not_leave_before_the_101() -> None:
    """Both may come in one write."""
    peer = entered(serving())
    both = Peer(serving())
    both.send(request() + client_frame(b"early", PING, MASK))
    assert both.tap.written.startswith(b"HTTP/1.1 101")
    assert (PONG, b"early") in both.frames
    assert len(both.frames) == len(peer.frames) + 1


async def test_what_comes_behind_the_handshake_is_counted_as_everything_is() -> None:
    """One byte there once left the whole connection to the library."""
    peer = Peer(serving())
    peer.send(request() + ping(1) + client_frame(b"", PING, MASK) * 300)
    await peer.settled()
    assert peer.close_code == CloseCode.RATE
    assert [reply.id for reply in peer.messages if isinstance(reply, Reply)] == [1]


async def test_a_handshake_must_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "HANDSHAKE_S", 0.05)
    server = serving()
    slow, quick = Peer(server), entered(server)
    slow.send(request()[:-2])
    await asyncio.sleep(0.2)
    assert slow.tap.is_closed
    assert not quick.tap.is_closed


async def test_who_does_not_take_a_refusal_is_ended_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused peer that does not read kept its connection for ever."""
    monkeypatch.setattr(connection_module, "HANDSHAKE_S", 0.05)
    ended = []
    peer = Peer(serving())
    monkeypatch.setattr(peer.tap, "abort", lambda: ended.append(True))
    peer.send(request(token="bad"))
    await asyncio.sleep(0.2)
    assert (peer.status, ended) == (401, [True])


async def test_connections_without_a_request_are_bounded_and_the_oldest_goes() -> None:
    server = serving()
    server.connection_ports = replace(server.connection_ports, pending=PendingConnections(3))
    peers = [Peer(server) for _ in range(5)]
    assert [peer.tap.is_closed for peer in peers] == [True, True, False, False, False]
    for peer in peers:
        peer.send(request())
        peer.leave()
    assert len(server.connection_ports.pending) == 0


# Many at once.


async def test_requests_that_come_at_once_are_answered_in_turns_and_in_order() -> None:
    """200 of them held up everybody else's orders for 120 ms, or 600 ms if they asked for `/metrics`."""
    server = serving()
    peers = [Peer(server) for _ in range(100)]
    for number, peer in enumerate(peers):
        peer.queue(request(token=mint_token(f"u{number}", SECRET, 4e9)) + ping(1))
    turns = 0
    assert 0 < len(server.connection_ports.handshakes) < len(peers)
    gone = peers[-1]
    gone.leave()
    while len(server.connection_ports.handshakes):
        await asyncio.sleep(0)
        answered = [bool(peer.tap.written) for peer in peers]
        assert answered == sorted(answered, reverse=True)
        turns += 1
    assert turns > 1
    assert not gone.tap.written
    for peer in peers[:-1]:
        await peer.settled()
        assert peer.status == 101
        assert [reply.id for reply in peer.messages if isinstance(reply, Reply)] == [1]
        assert not peer.tap.is_paused


# Who pays for a handshake.


async def test_wrong_tokens_are_their_addresses_to_pay_for() -> None:
    """Under 4,600 wrong tokens a second, honest users got in 14 of 47 times."""
    server = serving(GatewayLimits(accepts=Rate(0.001, 20), attempts=Rate(0.001, 5)))
    statuses = []
    for _ in range(200):
        peer = Peer(server, "10.6.6.6")
        peer.send(request(token="wrong"))
        statuses.append(peer.status)
        peer.leave()
    assert (statuses.count(401), statuses.count(429)) == (5, 195)
    assert "Retry-After" in peer.head
    assert entered(server).status == 101
    shared = Peer(server, "10.6.6.6")
    shared.send(request())
    assert shared.status == 101, "a good token comes in whatever its neighbours waste"


async def test_strangers_pay_until_they_have_logged_in() -> None:
    server = serving(GatewayLimits(attempts=Rate(0.001, 2)))
    for _ in range(20):
        peer = entered(server, token=None)
        login = {"op": "login", "id": 1, "token": mint_token("ann", SECRET, 4e9)}
        peer.send(client_frame(encode_request(login, Encoding.MSGPACK), BINARY, MASK))
        assert any(isinstance(message, Welcome) for message in peer.messages)
        peer.leave()
    statuses = []
    for _ in range(4):
        peer = Peer(server)
        peer.send(request(token=None))
        statuses.append(peer.status)
    assert statuses == [101, 101, 429, 429]


async def test_behind_a_trusted_proxy_it_is_the_clients_address_that_pays() -> None:
    server = serving(GatewayLimits(attempts=Rate(0.001, 1)))
    trusted = TrustedProxies([ip_network("10.0.0.0/8")])
    server.connection_ports = replace(server.connection_ports, trusted_proxies=trusted)
    statuses = []
    for address in ("192.0.2.1:4711", "192.0.2.1", "192.0.2.2"):
        peer = Peer(server)
        peer.send(request(token="wrong", X_Forwarded_For=address))
        statuses.append(peer.status)
    assert statuses == [401, 429, 401]


# Floods.

FLOODS: dict[str, tuple[bytes, bytes, int]] = {
    "pings": (b"", client_frame(b"", PING, MASK), CloseCode.RATE),
    "pongs": (b"", client_frame(b"", PONG, MASK), CloseCode.RATE),
    "continuations": (fragment(b"", BINARY), fragment(b"", CONTINUATION), CloseCode.RATE),
    "fragments of a byte": (fragment(b"x", BINARY), fragment(b"x", CONTINUATION), CloseCode.RATE),
    "garbage": (b"", client_frame(b"\xc1", BINARY, MASK), CloseCode.BAD_REQUEST),
    "empty frames": (b"", client_frame(b"", BINARY, MASK), CloseCode.BAD_REQUEST),
    "other opcode": (b"", client_frame(b"x", TEXT, MASK), CloseCode.BAD_REQUEST),
    "requests": (b"", ping(1), CloseCode.RATE),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("token", ["good", None])
async def test_a_flood_is_read_in_slices_and_ended(flood: str, token: str | None) -> None:
    first, frame, code = FLOODS[flood]
    server = serving()
    peer = entered(server, token=token)
    received = count_received(server)
    peer.send(first + frame * 5_000)
    assert peer.tap.is_paused, "the socket is not read while there is more than a slice"
    assert received() <= FRAMES_MAX
    await peer.settled()
    wanted = CloseCode.BAD_REQUEST if token is None and flood == "requests" else code
    assert peer.close_code == wanted
    assert [message.code for message in peer.messages if isinstance(message, Goodbye)] == [wanted]
    frames = len(peer.frames)
    peer.send(frame * 1000)
    await peer.settled()
    assert len(peer.frames) == frames, "nothing is answered once the close is sent"
    peer.send(client_frame(wanted.to_bytes(2, "big"), CLOSE, MASK))
    await peer.settled()
    assert peer.tap.is_closed, "but the peer's own close ends it"


def count_received(server: GatewayServer) -> Callable[[], int]:
    """Count the requests and control frames that the core is given."""
    counts = [0]
    receive, count_control = server.gateway.receive, server.gateway.count_control

    def received(*arguments: Any) -> None:
        counts[0] += 1
        receive(*arguments)

    def counted(*arguments: Any) -> bool:
        counts[0] += 1
        return count_control(*arguments)

    server.gateway.receive = received  # type: ignore[method-assign]
    server.gateway.count_control = counted  # type: ignore[method-assign]
    return lambda: counts[0]


async def test_a_burst_within_the_limits_is_carried_out_whole_and_in_order() -> None:
    server = serving(GatewayLimits(requests=PLENTY))
    peer = entered(server)
    peer.send(b"".join(ping(number) for number in range(1000)) + ping(1000)[:-1])
    await peer.settled()
    peer.send(ping(1000)[-1:])
    await peer.settled()
    assert [reply.id for reply in peer.messages if isinstance(reply, Reply)] == list(range(1001))
    assert len(server.connection_ports.read_queue) == 0


async def test_a_small_burst_does_not_wait_behind_floods() -> None:
    """Whoever has just come is read before those who still have more."""
    server = serving(GatewayLimits(requests=PLENTY, controls=PLENTY))
    tokens = [mint_token(f"u{number}", SECRET, 4e9) for number in range(20)]
    floods = [entered(server, token=token) for token in tokens]
    for peer in floods:
        peer.send(ping(1) * 5_000)
    honest = entered(server)
    honest.send(ping(7) + ping(8))
    await honest.settled()
    assert [reply.id for reply in honest.messages if isinstance(reply, Reply)] == [7, 8]
    assert all(peer.tap.is_paused for peer in floods)
    server.connection_ports.read_queue.close()


async def test_who_is_gone_while_waiting_is_passed_over() -> None:
    server = serving(GatewayLimits(requests=PLENTY))
    gone, stays = entered(server), entered(server)
    for peer in (gone, stays):
        peer.send(ping(1) * 500)
    gone.leave()
    await stays.settled()
    assert len([message for message in stays.messages if isinstance(message, Reply)]) == 500
    assert len(server.connection_ports.read_queue) == 0


async def test_a_fault_with_one_connection_leaves_no_other_waiting() -> None:
    """A paused connection that nobody resumes is dead, and does not know."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    server = serving(GatewayLimits(requests=PLENTY))
    faulty, stays = entered(server), entered(server)
    for peer in (faulty, stays):
        peer.send(ping(1) * 500)

    class Faulty(ClientFrames):
        __slots__ = ()

        def next_cut(self) -> Cut | None:
            raise RuntimeError("planted")

    faulty.connection._frames = Faulty(BINARY, FRAME_BYTES_MAX)
    await stays.settled()
    assert len([message for message in stays.messages if isinstance(message, Reply)]) == 500
    assert faulty.tap.is_closed


async def test_a_stranger_who_only_sends_pings_is_sent_away_in_time() -> None:
    """The timer of the login is not put off by whatever comes."""
    server = serving(GatewayLimits(login_s=0.0))
    peer = entered(server, token=None)
    peer.send(client_frame(b"", PING, MASK) * 100)
    for turn in range(20):
        server.gateway.sweep(turn, server.now(), server.time_us())
    assert peer.close_code == CloseCode.NOT_AUTHENTICATED


# Sizes.


async def test_frames_are_bounded_and_before_login_more_so() -> None:
    """What is held of half a frame is bounded by it; strangers are many."""
    for token, limit in (("good", FRAME_BYTES_MAX), (None, STRANGER_FRAME_BYTES_MAX)):
        peer = entered(serving(), token=token)
        peer.send(client_frame(b"\xc1" * limit, BINARY, MASK))
        await peer.settled()
        assert [type(message) for message in peer.messages][-1:] == [Reply]
        peer.send(client_frame(b"\xc1" * (limit + 1), BINARY, MASK)[:20])
        assert peer.close_code == 1009
        pieces = entered(serving(), token=token)
        pieces.send(fragment(b"x" * limit, BINARY))
        pieces.send(fragment(b"x", CONTINUATION))
        await pieces.settled()
        assert pieces.close_code == 1009


async def test_who_has_logged_in_may_send_what_users_may() -> None:
    peer = entered(serving(), token=None)
    login = {"op": "login", "id": 1, "token": mint_token("ann", SECRET, 4e9)}
    peer.send(client_frame(encode_request(login, Encoding.MSGPACK), BINARY, MASK))
    peer.send(client_frame(b"\xc1" * FRAME_BYTES_MAX, BINARY, MASK))
    await peer.settled()
    assert (peer.messages[-1].code, peer.close_code) == (Code.TOO_LARGE, None)  # type: ignore[union-attr]


# What is refused, broken, or last.


async def test_one_refusal_for_a_whole_message_and_its_tail_is_no_request() -> None:
    """The tail of a refused message was carried out, and its success forgave the bad requests before it."""
    server = serving(GatewayLimits(bad_requests_in_a_row=3))
    peer = entered(server)
    for _ in range(2):
        peer.send(fragment(b"", TEXT) + client_frame(msgpack.packb({"op": "ping", "id": 9}), CONTINUATION, MASK))
    await peer.settled()
    replies = [message for message in peer.messages if isinstance(message, Reply)]
    assert [(reply.id, reply.code) for reply in replies] == [(None, Code.BAD_REQUEST)] * 2
    assert peer.close_code is None
    peer.send(client_frame(b"third", TEXT, MASK))
    assert peer.close_code == CloseCode.BAD_REQUEST, "two before it and this make three in a row"


async def test_a_close_within_a_fragmented_message_is_answered() -> None:
    peer = entered(serving())
    peer.send(fragment(b"x", BINARY) + client_frame((4003).to_bytes(2, "big") + b"bye", CLOSE, MASK))
    assert peer.frames[-1] == (CLOSE, (4003).to_bytes(2, "big") + b"bye")
    assert peer.tap.is_closed


@pytest.mark.parametrize("encoding", Encoding)
async def test_a_text_that_is_no_utf8_fails_the_connection(encoding: Encoding) -> None:
    peer = entered(serving(), encoding=encoding)
    peer.send(client_frame(b"\xce\xba\xff", TEXT, MASK))
    assert peer.close_code == 1007
    assert not [message for message in peer.messages if isinstance(message, Goodbye)]


async def test_a_reason_of_many_bytes_is_cut_and_the_connection_closed() -> None:
    """It was a traceback, and no close frame."""
    peer = entered(serving(), token=None)
    client = next(iter(peer.server.gateway.clients.values()))
    client.session.close(CloseCode.NOT_AUTHENTICATED, "€" * 60)
    peer.send(ping(1))
    assert peer.close_code == CloseCode.NOT_AUTHENTICATED
    assert peer.frames[-1][1][2:].decode() == "€" * 41


async def test_who_reads_nothing_is_looked_at_when_something_is_unsent() -> None:
    """Nobody polls: the transport tells, within the write, and whoever is over the hard limit is ended at once."""
    server = serving()
    peer = entered(server)
    peer.tap.unsent_bytes = server.gateway.limits.lag.soft_bytes + 1
    peer.connection.pause_writing()
    client = next(iter(server.gateway.clients.values()))
    assert client.subscriber.is_lagging
    peer.tap.unsent_bytes = 0
    peer.connection.resume_writing()
    assert not client.subscriber.is_lagging
    peer.tap.unsent_bytes = server.gateway.limits.lag.hard_bytes + 1
    peer.connection.pause_writing()
    assert peer.tap.is_closed


async def test_one_user_s_good_tokens_do_not_spend_everybody_s_handshakes() -> None:
    """A user who came and went without end emptied the budget of all: the others were answered 503."""
    server = serving(GatewayLimits(accepts=Rate(0.001, 20), arrivals=Rate(0.001, 5)))
    statuses = []
    for _ in range(40):
        peer = Peer(server)
        peer.send(request())
        statuses.append(peer.status)
        peer.leave()
    assert (statuses.count(101), statuses.count(429)) == (5, 35)
    assert peer.tap.is_closed
    assert "Retry-After" in peer.head
    entered(server, token=mint_token("bob", SECRET, 4e9))


async def test_one_user_s_logins_are_charged_to_the_address_beyond_their_rate() -> None:
    server = serving(GatewayLimits(attempts=Rate(0.001, 3), arrivals=Rate(0.001, 5)))
    statuses = []
    for _ in range(20):
        peer = Peer(server)
        peer.send(request(token=None))
        statuses.append(peer.status)
        if peer.status == 101:
            login = encode_request({"op": "login", "id": 1, "token": mint_token("ann", SECRET, 4e9)}, Encoding.MSGPACK)
            peer.send(client_frame(login, BINARY, MASK))
            assert [type(message) for message in peer.messages] == [Reply, Welcome]
        peer.leave()
    assert (statuses.count(101), statuses.count(429)) == (8, 12)
    entered(server, token=mint_token("bob", SECRET, 4e9))


async def test_large_requests_are_read_in_turns_even_if_they_come_one_by_one() -> None:
    """One that is refused costs milliseconds: sent in a frame and a packet of its own it was everybody's time."""
    server = serving()
    large, small = entered(server), entered(server, token=mint_token("bob", SECRET, 4e9))
    frame = client_frame(encode_request({"op": "ping", "id": "y" * PLAIN_BYTES_MAX}, Encoding.MSGPACK), BINARY, MASK)
    server.connection_ports.read_queue._time.wait_s(server.now())
    server.connection_ports.read_queue._time.spend(1.0)
    large.queue(frame)
    assert (len(server.connection_ports.read_queue), large.tap.is_paused) == (1, True)
    small.queue(ping(2))
    assert [reply.id for reply in small.messages if isinstance(reply, Reply)] == [2]
    await large.settled()
    assert [reply.code for reply in large.messages if isinstance(reply, Reply)] == [Code.BAD_REQUEST]
