"""Whose connection it is: what proxies say counts where they are trusted, and breaks nothing where it is wrong."""

from __future__ import annotations

import struct
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.client_address import (
    FORWARDED_CHARACTERS_MAX,
    NO_HEADER,
    V1_BYTES_MAX,
    Ignored,
    ProxyHeader,
    TrustedProxies,
    forwarded_address,
    read_proxy_header,
)

REQUEST = b"GET /v1/stream HTTP/1.1\r\n"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
TRUSTED = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("::1")])


def v2(source: str, target: str, *, command: int = 0x21, extra: bytes = b"") -> bytes:
    addresses = ip_address(source).packed + ip_address(target).packed + struct.pack("!HH", 1, 2) + extra
    family = 0x11 if ip_address(source).version == 4 else 0x21
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(addresses)) + addresses


V1_HEADER = b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (V1_HEADER, "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""),
        (v2("192.0.2.7", "10.0.0.1"), "192.0.2.7"),
        (v2("2001:db8::7", "::1", extra=b"\x20\x00\x01x"), "2001:db8::7"),
        (SIGNATURE + b"\x20\x00\x00\x00", ""),
        (SIGNATURE + b"\x21\x00\x00\x03abc", ""),
    ],
)
def test_a_header_is_read_to_its_end(header: bytes, address: str) -> None:
    """However it is cut on its way, and no further: what follows is HTTP."""
    assert read_proxy_header(header + REQUEST) == ProxyHeader(len(header), address)
    for length in range(1, len(header)):
        assert read_proxy_header(header[:length]) is None, length


@pytest.mark.parametrize("data", [REQUEST, b"P0", b"POST / HTTP/1.1", b"\r\n\r\nx", b"PROXIES"])
def test_what_is_no_header_is_left_alone(data: bytes) -> None:
    assert read_proxy_header(data) is NO_HEADER


@pytest.mark.parametrize(
    ("header", "ignored"),
    [
        (b"PROXY TCP4 someone 10.0.0.1 1 2\r\n", Ignored.MALFORMED),
        (b"PROXY TCP4 192.0.2.7\r\n", Ignored.MALFORMED),
        (b"PROXY \xff\xfe\r\n", Ignored.MALFORMED),
        (SIGNATURE + b"\x21\x11\x00\x02ab", Ignored.MALFORMED),
        (SIGNATURE + b"\x21\x31\x00\x02ab", Ignored.MALFORMED),
        (v2("192.0.2.7", "10.0.0.1", command=0x51), Ignored.MALFORMED),
    ],
)
def test_a_header_of_the_wrong_size_or_kind_is_passed_over(header: bytes, ignored: Ignored) -> None:
    """A balancer's fault costs the client its name in the log, and not its connection."""
    assert read_proxy_header(header + REQUEST) == ProxyHeader(len(header), "", ignored)


def test_a_header_without_end_is_no_longer_waited_for() -> None:
    found = read_proxy_header(b"PROXY " + b"x" * V1_BYTES_MAX)
    assert found == ProxyHeader(0, "", Ignored.TOO_LONG)


@given(st.sampled_from([b"PROXY ", SIGNATURE, b""]), st.binary(max_size=200))
def test_whatever_comes_is_answered(beginning: bytes, rest: bytes) -> None:
    """These are the first bytes of anybody who can reach the port."""
    found = read_proxy_header(beginning + rest)
    assert found is None or 0 <= found.size <= len(beginning + rest)


@pytest.mark.parametrize(
    ("peer", "header", "found"),
    [
        ("10.0.0.1", "192.0.2.7", ("192.0.2.7", None)),
        ("10.0.0.1", "1.1.1.1, 192.0.2.7, 10.0.0.2", ("192.0.2.7", None)),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", ("10.0.0.3", None)),
        ("::ffff:10.0.0.1", "192.0.2.7", ("192.0.2.7", None)),
        ("192.0.2.9", "192.0.2.7", ("192.0.2.9", Ignored.UNTRUSTED)),
        ("", "192.0.2.7", ("", Ignored.UNTRUSTED)),
        ("10.0.0.1", "192.0.2.7:51234", ("192.0.2.7", None)),
        ("10.0.0.1", "[2001:db8::7]:51234", ("2001:db8::7", None)),
        ("10.0.0.1", "[2001:db8::7]", ("2001:db8::7", None)),
        ("10.0.0.1", "2001:db8::7", ("2001:db8::7", None)),
        ("10.0.0.1", "1.1.1.1:1, 192.0.2.7:2, 10.0.0.2:3", ("192.0.2.7", None)),
        ("10.0.0.1", "unknown", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "192.0.2.7:", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "192.0.2.7:70000", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "192.0.2.7:x", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "192.0.2.7:²", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "[2001:db8::7", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "[2001:db8::7]x1", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "[192.0.2.7]:1", ("10.0.0.1", Ignored.MALFORMED)),
        ("10.0.0.1", "1.1.1.1," * FORWARDED_CHARACTERS_MAX, ("10.0.0.1", Ignored.TOO_LONG)),
    ],
)
def test_the_rightmost_address_that_no_proxy_has_is_the_clients(
    peer: str, header: str, found: tuple[str, Ignored | None]
) -> None:
    """What stands left of it, the client may have written itself."""
    assert forwarded_address(peer, header, TRUSTED) == found


def test_without_networks_nobody_is_trusted() -> None:
    assert "127.0.0.1" not in TrustedProxies([])
