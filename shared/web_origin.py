"""Origins of web pages, as browsers send them and as settings name them. Source: RFC 6454, sections 4 and 7."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ORIGIN: Final = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_PORTS: Final = {"http": 80, "https": 443}


class WebOrigin(NamedTuple):
    """Where a page is from."""

    scheme: str
    host: str
    """In small letters."""
    port: int

    def __str__(self) -> str:
        """Return it as browsers write it: without the port that its scheme has anyway."""
        return f"{self.scheme}://{self.host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


def read_origin(text: str) -> WebOrigin | None:
    """Return an origin; None if the text is none, as `null` is, which is said for many pages that nobody knows."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    scheme, host, port = found.groups()
    return WebOrigin(scheme, host.lower(), int(port or _PORTS[scheme]))


def checked_origin(text: str) -> str:
    """
    Return an origin as browsers write it.

    Raises:
        ValueError: If it is none.
    """
    origin = read_origin(text.removesuffix("/"))
    if origin is None:
        raise ValueError("must be an origin such as https://desk.example.com, without a path")
    return str(origin)


def checked_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return origins as browsers write them.

    Raises:
        ValueError: If one of them is none.
    """
    return tuple(map(checked_origin, origins))
