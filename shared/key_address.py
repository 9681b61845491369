"""Where the identity provider's keys are: a file, or a URL that only the provider can answer.

`https://`, or `http://` on this machine. Anyone on a plain connection could replace the key set, and be any user.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

LABEL_LETTERS_MAX: Final = 63
"""Between two dots of a host's name (RFC 1035, section 2.3.4)."""

_LETTERS: Final = re.compile(r"[!-~]+")


class KeyUrl(NamedTuple):
    """A key set's URL, taken apart."""

    host: str
    port: int
    target: str
    """Path and query."""
    is_tls: bool

    def __str__(self) -> str:
        """Name it in logs; without the query, which may hold what is secret."""
        scheme = "https" if self.is_tls else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}{self.target.partition('?')[0]}"


def is_url(place: str) -> bool:
    """Tell a URL from a file's path."""
    return "://" in place


def read_key_url(place: str) -> KeyUrl:
    """
    Take a key set's URL apart.

    Raises:
        ValueError: If it is no URL, or one that cannot be trusted; says the rule.
    """
    if not _LETTERS.fullmatch(place):
        raise ValueError("must be a URL without spaces and letters beyond ASCII")
    parts = urlsplit(place)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("must be https://HOST/PATH, or a file")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user and no password")
    if not _is_host(parts.hostname):
        raise ValueError("must name a host of labels with 1 to 63 letters each, dots between")
    is_tls = parts.scheme == "https"
    if not is_tls and not _is_here(parts.hostname):
        raise ValueError("must be https:// beyond this machine")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return KeyUrl(parts.hostname, parts.port or (443 if is_tls else 80), target, is_tls)


def checked_key_place(place: str) -> str:
    """
    Return a file's path or a URL as it is.

    Raises:
        ValueError: If it is a URL that `read_key_url` refuses.
    """
    if is_url(place):
        read_key_url(place)
    return place


def _is_host(host: str) -> bool:
    """Tell whether a host can be looked up at all: what names nothing would be no failed load, but an error of ours."""
    return ":" in host or all(1 <= len(label) <= LABEL_LETTERS_MAX for label in host.removesuffix(".").split("."))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
