"""The edges of HTTP that every page shares."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from shared.http_request import host_fault, target_path, unreadable, without_body


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/v1/stream", "/v1/stream"),
        ("/v1/stream?a=/b", "/v1/stream"),
        ("http://market.example/v1/stream", "/v1/stream"),
        ("http://market.example:80/v1/stream?x=1", "/v1/stream"),
        ("wss://[::1]:8443/v1/stream", "/v1/stream"),
        ("http://market.example", "/"),
        ("http://market.example?/v1/stream", "/"),
        ("//v1/stream", "//v1/stream"),
        ("*", "*"),
        ("market.example:443", "market.example:443"),
    ],
)
def test_a_target_is_a_path_or_a_whole_url(target: str, path: str) -> None:
    assert target_path(Request(target, Headers())) == path


@pytest.mark.parametrize(
    ("hosts", "protocol", "is_fault"),
    [
        (1, "HTTP/1.1", False),
        (0, "HTTP/1.1", True),
        (2, "HTTP/1.1", True),
        (0, "HTTP/1.0", False),
        (2, "HTTP/1.0", True),
    ],
)
def test_http_1_1_needs_one_host(hosts: int, protocol: str, *, is_fault: bool) -> None:
    """Haproxy's own checks are HTTP/1.0 and have none."""
    headers = Headers([("Host", "a")] * hosts)
    assert bool(host_fault(Request("/", headers, protocol=protocol))) is is_fault


@pytest.mark.parametrize(
    ("host", "is_fault"),
    [
        ("market.example", False),
        ("market.example:8443", False),
        ("10.0.0.1:", False),
        ("[::1]:80", False),
        ("", False),
        ("a b", True),
        ("a/b", True),
        ("user@a", True),
        ("[::1", True),
        ("::1", True),
        ("a:port", True),
        ("a:1:2", True),
        ("b\xfccher", True),
    ],
)
def test_a_host_is_a_name_or_an_address(host: str, *, is_fault: bool) -> None:
    """RFC 9112, section 3.2: a server must answer any other with 400."""
    assert bool(host_fault(Request("/", Headers([("Host", host)])))) is is_fault


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/2.0\r\nHost: t\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nTransfer-encoding: chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_told_why(head: bytes, status: int) -> None:
    assert unreadable(head)[0] == status


def test_the_answer_to_head_has_no_body_and_tells_how_long_it_would_be() -> None:
    found = without_body(Response(200, "OK", Headers([("Content-Length", "5")]), b"alive"))
    assert (found.status_code, found.headers["Content-Length"], found.body) == (200, "5", b"")
