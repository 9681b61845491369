"""The edges of HTTP/1.1 that are the same for every page and stream. Source: RFC 9112, section 3."""

from __future__ import annotations

from typing import Final

from websockets.http11 import Request, Response

PAGE_METHODS: Final = ("GET", "HEAD")


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
    if len(hosts) == 1 or (not hosts and request.protocol == "HTTP/1.0"):
        return ""
    return "a request needs one Host header, this has " + (str(len(hosts)) if hosts else "none")


def without_body(response: Response) -> Response:
    """Return the answer to HEAD: the headers of the answer to GET, its Content-Length too, and nothing behind them."""
    return Response(response.status_code, response.reason_phrase, response.headers)
