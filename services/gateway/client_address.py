"""The client's address behind balancers: PROXY protocol v1 and v2, and X-Forwarded-For.

Both are statements of the peer, so they count only if the peer is a trusted proxy. A header that is not trusted, not
understood or too large is ignored, and its reason is returned for counting: a wrong header costs a name in the log, and
never a connection. Sources: haproxy's proxy-protocol.txt; MDN, "X-Forwarded-For", for reading from the right.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, NamedTuple

V1_BYTES_MAX: Final = 107
"""The longest header of version 1, its CRLF included."""
FORWARDED_CHARACTERS_MAX: Final = 1024
"""X-Forwarded-For beyond it is ignored."""

PORT_MAX: Final = 65_535
PORT_DIGITS_MAX: Final = 5

_V1: Final = b"PROXY "
_V2: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD_BYTES: Final = 16
_V2_ADDRESS_BYTES: Final = {1: 4, 2: 16}
"""Address family to the bytes of one address."""


class Ignored(enum.StrEnum):
    """Why a statement of an address does not count."""

    UNTRUSTED = "untrusted"
    """The peer is no trusted proxy."""
    MALFORMED = "malformed"
    TOO_LONG = "too_long"


class ProxyHeader(NamedTuple):
    """What stood before the first byte of HTTP."""

    size: int
    """Bytes of the header; 0 if there was none."""
    address: str
    """The client's; empty if the header names none, as a balancer's own checks do."""
    ignored: Ignored | None = None


NO_HEADER: Final = ProxyHeader(0, "")


class TrustedProxies:
    """
    Networks whose word is taken.

    Args:
        networks: Of the proxies; empty trusts nobody.
    """

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)

    def __contains__(self, address: str) -> bool:
        """Tell whether an address is a trusted proxy's; O(networks)."""
        if not self._networks:
            return False
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:  # a Unix socket has no address
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self._networks)


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """
    Read a PROXY header at the beginning of a connection; O(its size).

    Args:
        data: All that has come so far.

    Returns:
        The header, `NO_HEADER` if there is none, or None while there may be one that is not complete.
    """
    if data.startswith(_V1):
        return _read_v1(data)
    if data.startswith(_V2):
        return _read_v2(data)
    return None if _V1.startswith(data) or _V2.startswith(data) else NO_HEADER


def forwarded_address(peer: str, header: str, trusted: TrustedProxies) -> tuple[str, Ignored | None]:
    """
    Return the client's address as X-Forwarded-For has it, and why that was ignored, if it was.

    Every proxy appends who connected to it, so only what stands right of the last trusted one is known: the address is
    the rightmost that is no trusted proxy's.

    Args:
        peer: The peer's address, as far as known.
        header: All of the header's lines, with commas between.
        trusted: The proxies whose statements count.
    """
    if peer not in trusted:
        return peer, Ignored.UNTRUSTED
    if len(header) > FORWARDED_CHARACTERS_MAX:
        return peer, Ignored.TOO_LONG
    client = peer
    for each in reversed(header.split(",")):
        try:
            client = str(ip_address(_without_port(each.strip())))
        except ValueError:
            return peer, Ignored.MALFORMED
        if client not in trusted:
            break
    return client, None


def _without_port(text: str) -> str:
    """
    Return the address of `address`, `address:port`, `[address]` or `[address]:port`, as proxies write it.

    Raises:
        ValueError: If there is no port where one belongs.
    """
    address, port = text, ""
    if text.startswith("["):
        address, found, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not found or ":" not in address or (rest and colon != ":"):
            raise ValueError(f"no address: {text}")
        if not rest:
            return address
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        return text
    if not (port.isascii() and port.isdecimal() and len(port) <= PORT_DIGITS_MAX and int(port) <= PORT_MAX):
        raise ValueError(f"no port: {text}")
    return address


def _read_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, V1_BYTES_MAX)
    if end < 0:
        # Without its end there is no telling where HTTP begins; the handshake will fail on it.
        return None if len(data) < V1_BYTES_MAX else ProxyHeader(0, "", Ignored.TOO_LONG)
    match data[:end].split(b" "):
        case [_, b"UNKNOWN", *_]:
            return ProxyHeader(end + 2, "")
        case [_, b"TCP4" | b"TCP6", source, _, _, _]:
            try:
                return ProxyHeader(end + 2, str(ip_address(source.decode("ascii"))))
            except ValueError:
                pass
    return ProxyHeader(end + 2, "", Ignored.MALFORMED)


def _read_v2(data: bytes) -> ProxyHeader | None:
    if len(data) < _V2_HEAD_BYTES:
        return None
    version_command, family_transport = data[12], data[13]
    size = _V2_HEAD_BYTES + int.from_bytes(data[14:16], "big")
    if len(data) < size:
        return None
    if version_command == 0x20 or family_transport >> 4 == 0:  # LOCAL, or of no family: names nobody
        return ProxyHeader(size, "")
    address_bytes = _V2_ADDRESS_BYTES.get(family_transport >> 4, 0)
    if version_command != 0x21 or not address_bytes or size < _V2_HEAD_BYTES + 2 * address_bytes + 4:
        return ProxyHeader(size, "", Ignored.MALFORMED)
    return ProxyHeader(size, str(ip_address(data[_V2_HEAD_BYTES : _V2_HEAD_BYTES + address_bytes])))
