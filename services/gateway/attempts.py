"""Handshakes that led to no login, charged to the addresses they came from; and those that did, to their users.

A gateway answers a bounded number of handshakes a second, for everybody. Here one address' share of them is bounded, so
that nobody's wrong tokens keep others out. An address is no user: an office shares one. So a good token is always let
in, whatever its address has used up, and a login gives back its own handshake. One user's good tokens are bounded in
the same way.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from random import Random
from typing import Final

from services.gateway.limits import GatewayLimits
from shared.token_bucket import Rate, TokenBucket

ADDRESSES_MAX: Final = 10_000
"""Addresses that are remembered, some 3 MB; beyond it the one that attempted longest ago is forgotten."""
_NETWORK_BITS: Final = 64
"""Of an IPv6 address: the owner of one has the complete network."""
RETRY_AFTER_S: Final = 4
"""Longest time that a client beyond the gateway's rate is asked to wait."""


class Attempts:
    """
    What each address may still attempt.

    Args:
        rate: Of one address.
        addresses_max: How many are remembered.
    """

    __slots__ = ("_addresses_max", "_buckets", "_rate")

    def __init__(self, rate: Rate, addresses_max: int = ADDRESSES_MAX) -> None:
        self._rate = rate
        self._addresses_max = addresses_max
        self._buckets: dict[str, TokenBucket] = {}
        """The address that attempted last is the last one."""

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._buckets)

    def charge(self, address: str, now: float) -> bool:
        """
        Charge an attempt to an address; O(1).

        Args:
            address: IPv4 or IPv6; any other text, such as a user's name, is taken as it is.
            now: Monotonic seconds.

        Returns:
            Whether the address had one left.
        """
        key = _network(address)
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            bucket = TokenBucket(self._rate, now)
            if len(self._buckets) >= self._addresses_max:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = bucket
        return bucket.take(now)

    def forgive(self, address: str) -> None:
        """Give one attempt back: it has led to a login."""
        if bucket := self._buckets.get(_network(address)):
            bucket.put_back()


class HandshakeShares:
    """
    Who may still have a handshake answered: the gateway's share, each address's and each user's.

    Args:
        limits: Of the gateway.
        now: Monotonic seconds.
        random: Spreads the times to return.
    """

    __slots__ = ("_random", "accepts", "addresses", "page_requests", "pages", "users")

    def __init__(self, limits: GatewayLimits, now: float, random: Random) -> None:
        self._random = random
        self.accepts = TokenBucket(limits.accepts, now)
        """Handshakes that are answered."""
        self.addresses = Attempts(limits.attempts)
        """What has led to no login."""
        self.page_requests = Attempts(limits.page_requests)
        """Of files of the page."""
        self.pages = TokenBucket(limits.pages, now)
        """Those of the page that are answered."""
        self.users = Attempts(limits.arrivals)
        """What has led to one. A user who comes and goes without end is not to spend everybody's accepts."""

    def wait_s(self, now: float) -> int:
        """Return 0 while handshakes are within the gateway's rate, else how many seconds to wait, spread over a few."""
        return self._random.randint(1, RETRY_AFTER_S) if self.accepts.is_empty(now) else 0


def _network(address: str) -> str:
    """Return the address' owner, as far as it is known."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{int(found) >> _NETWORK_BITS:x}"
