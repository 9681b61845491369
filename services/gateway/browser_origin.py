"""Which pages may open a stream: browsers name the origin of the page that asks, and of no other program.

A page of another site that knew a token could trade with it from its visitor's network, where the market is reachable
and the site is not. So a page's origin is the gateway's own, or one that the operator has named. Programs send none,
or the address that they connect to. Source: RFC 6455, section 10.2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from services.gateway.client_address import TrustedProxies
from shared.web_origin import read_origin

SHOWN_MAX: Final = 100
"""Letters of an origin that a refusal repeats."""
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


def own_hosts(peer: str, hosts: Sequence[str], forwarded: Sequence[str], trusted: TrustedProxies) -> tuple[str, ...]:
    """
    Return the names, each perhaps with a port, under which a request's client knows this gateway.

    Args:
        peer: The peer's address.
        hosts: The lines of `Host`.
        forwarded: Those of `X-Forwarded-Host`; they count if the peer is a trusted proxy, and then the last name does.
        trusted: The proxies whose statements count.
    """
    names = list(hosts)
    if forwarded and peer in trusted:
        names.append(forwarded[-1].rpartition(",")[2].strip())
    return tuple(name for name in names if _HOST.fullmatch(name))


def origin_fault(origins: Sequence[str], hosts: Collection[str], allowed: Collection[str]) -> str:
    """
    Return why a page may not open a stream, "" if it may or if it is no page.

    The scheme of the own origin is not compared: what stands before the gateway may speak TLS for it.

    Args:
        origins: The lines of `Origin`.
        hosts: The gateway's names, of `own_hosts`.
        allowed: Other origins, of `checked_origin`.
    """
    if not origins:
        return ""
    if len(origins) > 1:
        return f"a request may have one Origin header, this has {len(origins)}"
    origin = read_origin(origins[0])
    if origin is not None:
        own = {read_origin(f"{origin.scheme}://{host}") for host in hosts}
        if origin in own or str(origin) in allowed:
            return ""
    shown = "".join(letter if letter.isprintable() else "?" for letter in origins[0][:SHOWN_MAX])
    return f"pages of {shown} may not open a stream here: OUTCRY_PAGE_ORIGINS names those that may"
