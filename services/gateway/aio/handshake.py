"""The HTTP of a connection: a proxy's header, one request, and its answer.

Bytes are kept until the request is complete, so nothing behind it is looked at before the answer is on its way. Owns
admission and its cost: a handshake that leads to no login is charged to its address before it is charged to the
gateway. A browser asks for twenty files of the page at once: those have a share of their own.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import SUBPROTOCOLS
from openoutcry.wire.types import Code
from services.gateway.aio.answer_body import AT_ONCE_BYTES
from services.gateway.aio.ports import ConnectionPorts
from services.gateway.browser_origin import origin_fault, own_hosts
from services.gateway.client_address import NO_HEADER, Ignored, ProxyHeader, forwarded_address, read_proxy_header
from services.gateway.connection_list import connection_list, program_name
from services.gateway.roles import VIEWER
from shared.http_request import (
    answer_unreadable,
    host_fault,
    method_fault,
    target_path,
    unreadable,
    without_body,
)
from shared.identity import NOBODY, Identity
from shared.key_ring import KeysAwaited
from shared.token_claims import AuthenticationFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


STREAM_PATH: Final = "/v1/stream"
CONNECTIONS_PATH: Final = "/connections"
CONNECTIONS_ROLE: Final = "admin"
"""Who may see who is connected."""
PATHS: Final = "/, /page.json, /v1/stream, /connections, /healthz, /readyz and /metrics"
"""What there is, for whoever asks for anything else."""
HEAD_BYTES_MAX: Final = 32 * 1024
"""Of an HTTP request with all its headers, cookies for instance; beyond: HTTP 431."""
KEYS_RETRY_AFTER_S: Final = 2
"""Time that a client is asked to wait whose token names a key that we do not know yet."""
RETRY_AFTER_S: Final = 4
"""Time that an address which attempts too much is asked to wait."""
_HEAD_END: Final = b"\r\n\r\n"
_EMPTY_LINES: Final = b"\r\n"


class StreamProtocol(ServerProtocol):
    """Insists on one of our subprotocols; a function passed for that would be bound in a circle of references."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol:
        """Return ours that the client offers; raises NegotiationError if it offers none."""
        for subprotocol in SUBPROTOCOLS:
            if subprotocol in subprotocols:
                return Subprotocol(subprotocol)
        names = ", ".join(subprotocols) or "none"
        raise NegotiationError(
            f"the client must offer one of the subprotocols {', '.join(SUBPROTOCOLS)}; it offered {names}"
        )


class Handshake:
    """
    A connection up to the answer.

    Args:
        ports: What all connections share.
        websocket: The library's side of the connection.
        address: The peer's.
    """

    __slots__ = (
        "_begin",
        "_end_at",
        "_forwarder",
        "_held",
        "_is_behind_prologue",
        "_ports",
        "_searched",
        "_websocket",
        "address",
        "body",
        "identity",
        "program",
    )

    def __init__(self, ports: ConnectionPorts, websocket: StreamProtocol, address: str) -> None:
        self._ports = ports
        self._websocket = websocket
        self._forwarder = address
        """Whose X-Forwarded headers these are: the peer's. They are nobody's once a proxy has named the client before
        HTTP: such a proxy passes on what the client sends, and takes no header out."""
        self._held = bytearray()
        self._is_behind_prologue = False
        self._begin = 0
        """Where the request begins in what is held: some clients send an empty line before it (RFC 9112, 2.2)."""
        self._end_at = -1
        """Where the request ends in what is held, but for its empty line; -1 while it is not complete."""
        self._searched = 0
        """How many of the bytes held hold no end of the request."""
        self.address = address
        """The client's, as far as it is known."""
        self.identity = NOBODY
        """The user that the token named; `NOBODY` if there was none, and `login` must follow."""
        self.program = ""
        """What the client's program calls itself."""
        self.body = b""
        """What is to be sent behind the answer; a short body is in the answer."""

    def behind_proxy(self, header: ProxyHeader) -> None:
        """Take what a proxy said before the first byte, or that it said nothing: HTTP follows."""
        self._is_behind_prologue = True
        if header is NO_HEADER:
            return
        if self.address in self._ports.trusted_proxies:
            self._forwarder = ""
            self._believe(header.address, header.ignored)
        else:
            self._believe("", Ignored.UNTRUSTED)

    def receive(self, data: bytes) -> bool:
        """Take bytes as they came; return whether the request is complete, or cannot be one any more. O(bytes)."""
        held = self._held
        held += data
        if not self._is_behind_prologue and len(held) <= HEAD_BYTES_MAX and not self._take_prologue():
            return False
        if self._begin == self._searched:
            self._begin = len(held) - len(held[self._begin :].lstrip(_EMPTY_LINES))
        if self._end_at < 0:
            self._end_at = held.find(_HEAD_END, max(self._begin, self._searched - len(_HEAD_END) + 1))
            self._searched = len(held)
        return self._end_at >= 0 or len(held) > HEAD_BYTES_MAX or self._is_no_http()

    def answer(self) -> bytes:
        """Queue the answer in the library, and return what came behind the request."""
        held, end = self._held, self._end_at
        size = end + len(_HEAD_END) if end >= 0 else len(held)
        if size > HEAD_BYTES_MAX:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            return self._refuse(status, f"a request may have {HEAD_BYTES_MAX} bytes of headers")
        if end < 0:
            return self._refuse(HTTPStatus.BAD_REQUEST, "this is no HTTP")
        head, rest = bytes(held[self._begin : size]), bytes(held[size:])
        held.clear()
        self._websocket.receive_data(head)
        events = self._websocket.events_received()
        if not events and self._websocket.writes == [b""]:
            return self._refuse(*unreadable(head))
        for event in events:
            assert isinstance(event, Request)
            self._websocket.send_response(self._without_long_body(self._answer(event)))
        return rest

    def end(self) -> None:
        """Charge the address: the connection has ended without a complete request."""
        self._ports.shares.addresses.charge(self.address, self._ports.now())

    # -- private ----------------------------------------------------------------------------------------------------

    def _refuse(self, status: HTTPStatus, text: str) -> bytes:
        """Answer what is no request."""
        websocket = self._websocket
        self._ports.shares.addresses.charge(self.address, self._ports.now())
        self._held.clear()
        if websocket.eof_sent:
            answer_unreadable(websocket, status, text)
        else:
            websocket.send_response(websocket.reject(status, f"{text}\n"))
        return b""

    def _is_no_http(self) -> bool:
        """Tell whether what has come begins as no request does: there is nothing to wait for."""
        held, begin = self._held, self._begin
        if begin == len(held):
            return False
        line_end = held.find(b"\n", begin)
        return not held[begin : begin + 1].isupper() or (line_end >= 0 and held[line_end - 1 : line_end] != b"\r")

    def _take_prologue(self) -> bool:
        """Take a proxy's header before HTTP; False while it is not complete."""
        header = read_proxy_header(bytes(self._held))
        if header is None:
            return False
        del self._held[: header.size]
        self.behind_proxy(header)
        return True

    def _believe(self, address: str, ignored: Ignored | None) -> None:
        self.address = address or self.address
        if ignored is not None:
            self._ports.statistics.forwarded_ignored[ignored] += 1

    def _answer(self, request: Request) -> Response:
        response = self._found(request)
        return without_body(response) if request.method == "HEAD" else response

    def _without_long_body(self, response: Response) -> Response:
        """Keep a long body for whoever sends it in parts."""
        if len(response.body) <= AT_ONCE_BYTES:
            return response
        self.body = bytes(response.body)
        return without_body(response)

    def _found(self, request: Request) -> Response:
        reject, path, ports = self._websocket.reject, target_path(request), self._ports
        if fault := host_fault(request):
            return reject(400, f"{fault}\n")
        is_stream = path == STREAM_PATH
        if not is_stream:
            found = method_fault(request, path, self._websocket) or ports.pages.answer(path, self._websocket)
            if found is not None:
                return found
        headers = request.headers
        hosts = own_hosts(
            self._forwarder, headers.get_all("Host"), headers.get_all("X-Forwarded-Host"), ports.trusted_proxies
        )
        if forwarded := headers.get_all("X-Forwarded-For"):
            self._believe(*forwarded_address(self._forwarder, ",".join(forwarded), ports.trusted_proxies))
        if path == CONNECTIONS_PATH:
            return self._connections(request)
        if not is_stream:
            return self._page(request, path, hosts)
        response = self._turned_away() or self._charged(self._accept(request, hosts))
        if response.status_code != 101:
            ports.statistics.refused[response.status_code] += 1
        return response

    def _page(self, request: Request, path: str, hosts: Collection[str]) -> Response:
        """Answer with a file of the page, within what an address and the gateway have of them."""
        headers = request.headers
        if busy := self._beyond_pages():
            return busy
        answer = self._ports.page.answer(
            path, headers.get_all("Accept-Encoding"), headers.get_all("If-None-Match"), hosts
        )
        if answer is None:
            why = "this gateway has no page: make web builds it" if path == "/" else f"there are {PATHS}"
            return self._websocket.reject(404, f"{why}\n")
        response = self._websocket.reject(answer.status, "")
        del response.headers["Content-Type"]
        del response.headers["Content-Length"]
        if answer.status != HTTPStatus.NOT_MODIFIED:
            response.headers["Content-Length"] = str(len(answer.body))
        for name, value in answer.headers:
            response.headers[name] = value
        return Response(response.status_code, response.reason_phrase, response.headers, answer.body)

    def _beyond_pages(self) -> Response | None:
        """Charge a request for a page to its address and to the gateway; return the answer if it is beyond a share."""
        shares, now = self._ports.shares, self._ports.now()
        if not shares.page_requests.charge(self.address, now):
            return self._not_now(429, "too many requests for pages from this address a second", RETRY_AFTER_S)
        if not shares.pages.take(now):
            return self._not_now(503, "too many requests for pages a second", RETRY_AFTER_S)
        return None

    def _connections(self, request: Request) -> Response:
        """Tell an administrator who is connected, within what an address and the gateway have of pages."""
        reject, ports, authorizations = self._websocket.reject, self._ports, request.headers.get_all("Authorization")
        now = ports.now()
        if busy := self._beyond_pages():
            return busy
        try:
            if len(authorizations) != 1:
                raise AuthenticationFailed("Authorization must be: Bearer <token>", CloseCode.NOT_AUTHENTICATED)
            identity = self._named(authorizations[0])
        except KeysAwaited:
            return self._not_now(503, "the keys of tokens are being loaded", KEYS_RETRY_AFTER_S)
        except AuthenticationFailed as failure:
            if not ports.shares.addresses.charge(self.address, now):
                return self._not_now(429, "too many attempts without a login from this address", RETRY_AFTER_S)
            ports.gateway.refused.tell("", Code.NOT_AUTHENTICATED, failure.text, ports.time_us())
            response = reject(401, f"{failure.text}\n")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if CONNECTIONS_ROLE not in identity.roles:
            roles = ", ".join(sorted(identity.roles)) or VIEWER
            return reject(403, f"role: {roles} may not see who is connected\n")
        ports.log.info("connections listed", user=identity.user, address=self.address)
        response = reject(200, json.dumps(connection_list(ports.gateway.clients.values(), now)))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["Cache-Control"] = "no-store"
        return response

    def _turned_away(self) -> Response | None:
        """Turn a client away if too many come at once, or none is wanted any more: before any work is done for it."""
        gateway = self._ports.gateway
        if wait_s := self._ports.shares.wait_s(self._ports.now()):
            why = "too many connections a second"
        elif gateway.is_draining:
            why = "this replica is shutting down"
        elif not gateway.market.listing:
            # Every subscription would be refused as to nothing that is listed: for good.
            why = "this replica has not loaded the market yet"
        elif not gateway.has_keys:
            why = "this replica has not loaded the keys of tokens yet"
        else:
            return None
        return self._not_now(503, why, wait_s or 1)

    def _not_now(self, status: int, why: str, wait_s: int) -> Response:
        response = self._websocket.reject(status, f"{why}\n")
        response.headers["Retry-After"] = str(wait_s)
        return response

    def _accept(self, request: Request, hosts: Collection[str]) -> Response:
        """Answer by what the request says alone."""
        reject, authorizations = self._websocket.reject, request.headers.get_all("Authorization")
        if fault := origin_fault(request.headers.get_all("Origin"), hosts, self._ports.page_origins):
            return reject(403, f"{fault}\n")
        if len(authorizations) > 1:
            return reject(400, f"a request may have one Authorization header, this has {len(authorizations)}\n")
        if authorizations:
            try:
                self.identity = self._named(authorizations[0])
            except KeysAwaited:
                return self._not_now(503, "the keys of tokens are being loaded", KEYS_RETRY_AFTER_S)
            except AuthenticationFailed as failure:
                self._ports.gateway.refused.tell("", Code.NOT_AUTHENTICATED, failure.text, self._ports.time_us())
                # The close code, since HTTP has no status of its own for each cause.
                response = reject(401, f"{failure.close_code:d} {failure.text}\n")
                response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
                return response
        self.program = program_name(request.headers.get_all("User-Agent"))
        response = self._websocket.accept(request)
        if response.status_code == HTTPStatus.UPGRADE_REQUIRED:  # RFC 9110, section 7.8: Connection names Upgrade
            del response.headers["Connection"]
            response.headers["Connection"] = "close, Upgrade"
        if response.status_code == 400 and request.headers.get_all("Sec-WebSocket-Version") != ["13"]:
            response.headers["Sec-WebSocket-Version"] = "13"  # RFC 6455, section 4.4: which one to come again with
        return response

    def _named(self, authorization: str) -> Identity:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Authorization must be: Bearer <token>", CloseCode.NOT_AUTHENTICATED)
        return self._ports.gateway.authenticate(token.strip(), self._ports.time_us() / 1e6)

    def _charged(self, response: Response) -> Response:
        """Charge the user, or if there is none the address; within their shares the gateway too, else it is refused."""
        shares, now = self._ports.shares, self._ports.now()
        if response.status_code == 101 and self.identity is not NOBODY:
            is_within = shares.users.charge(self.identity.user, now)
            why = "too many connections of this user a second"
        else:
            is_within = shares.addresses.charge(self.address, now)
            why = "too many attempts without a login from this address"
        if not is_within:
            self.identity = NOBODY
            return self._not_now(429, why, RETRY_AFTER_S)
        shares.accepts.take(now)
        return response
