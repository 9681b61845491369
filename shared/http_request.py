"""The edges of HTTP/1.1 that are the same for every page and stream. Source: RFC 9112, sections 2 and 3."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

PAGE_METHODS: Final = ("GET", "HEAD")
VERSIONS: Final = (b"HTTP/1.1", b"HTTP/1.0")

_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")
"""A name, an IPv4 or an IPv6 address, perhaps empty, and perhaps a port (RFC 3986, section 3.2.2)."""


def target_path(request: Request) -> str:
    """Return the path of what is asked for, without its query; the target may be a whole URL, as proxies send it."""
    target = request.path
    if not target.startswith("/"):
        scheme, found, rest = target.partition("://")
        if found and scheme.isalnum():
            authority, slash, path = rest.partition("/")
            target = slash + path if slash and "?" not in authority else "/"
    return target.partition("?")[0]


def host_fault(request: Request) -> str:
    """Return what is wrong with `Host`, "" if nothing: HTTP/1.1 wants one, so that no two readers see two hosts."""
    hosts = request.headers.get_all("Host")
    if len(hosts) == 1:
        return "" if _HOST.fullmatch(hosts[0]) else "Host: must be a name or an address, and perhaps a port"
    if not hosts and request.protocol == "HTTP/1.0":
        return ""
    return "a request needs one Host header, this has " + (str(len(hosts)) if hosts else "none")


def method_fault(request: Request, path: str, http: ServerProtocol) -> Response | None:
    """Return the answer to a page's request that is neither GET nor HEAD; None for those."""
    if request.method in PAGE_METHODS:
        return None
    response = http.reject(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is for GET\n")
    response.headers["Allow"] = ", ".join(PAGE_METHODS)
    return response


def unreadable(head: bytes) -> tuple[HTTPStatus, str]:
    """Return status and sentence for what the library takes for no request; they repeat nothing of it."""
    line, _, headers = head.partition(b"\r\n")
    version, names = line.rpartition(b" ")[2], headers.lower()
    if _VERSION.fullmatch(version) and version not in VERSIONS:
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "this is a server of HTTP/1.1"
    if b"transfer-encoding:" in names:
        return HTTPStatus.NOT_IMPLEMENTED, "Transfer-Encoding: a request for a stream or a page has no body"
    if b"content-length:" in names:
        return HTTPStatus.BAD_REQUEST, "Content-Length: a request for a stream or a page has no body"
    return HTTPStatus.BAD_REQUEST, "this is no HTTP request for a stream or a page"


def answer_unreadable(http: ServerProtocol, status: HTTPStatus, text: str) -> None:
    """Queue an answer where the library would have ended the connection without a word."""
    http.writes[:] = [http.reject(status, f"{text}\n").serialize(), b""]


def without_body(response: Response) -> Response:
    """Return the answer to HEAD: the headers of the answer to GET, its Content-Length too, and nothing behind them."""
    return Response(response.status_code, response.reason_phrase, response.headers)
