"""The edges of HTTP that every page shares."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from shared.http_request import host_fault, target_path, without_body


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


def test_the_answer_to_head_has_no_body_and_tells_how_long_it_would_be() -> None:
    found = without_body(Response(200, "OK", Headers([("Content-Length", "5")]), b"alive"))
    assert (found.status_code, found.headers["Content-Length"], found.body) == (200, "5", b"")
