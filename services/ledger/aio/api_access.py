"""Who asks the interface, and how often: tokens by the gateways' rules, a rate a user, exports at once.

Refused ones are told to whoever keeps the record of accesses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, NamedTuple

import structlog

from openoutcry.wire.close_codes import CloseCode
from services.ledger.queries.problem import Problem, unavailable
from shared.identity import Authenticator, Identity
from shared.key_ring import KeysAwaited
from shared.token_bucket import Rate, TokenBucket
from shared.token_claims import AuthenticationFailed

REQUESTS: Final = Rate(60.0, 60)
"""Of one user."""
LOGGED: Final = Rate(5.0, 20)
"""Refusals that the log tells of."""
USERS_MAX: Final = 20_000
"""Users whose rate is remembered; beyond it the one that asked the longest ago is forgotten."""
EXPORTS_MAX: Final = 4
"""At once, of all users."""
BOOKS_MAX: Final = 2
"""Books of the past that are made at once."""
KEYS_RETRY_S: Final = 1
BUSY_RETRY_S: Final = 5
_CODES: Final = {
    CloseCode.NOT_AUTHENTICATED: "not_authenticated",
    CloseCode.TOKEN_EXPIRED: "token_expired",
    CloseCode.FORBIDDEN: "forbidden",
}


class RefusedAccess(NamedTuple):
    """A login or a request that was refused for who asked."""

    user: str
    """As far as it is proven; "" if it is not."""
    code: str
    text: str


class RefusalLog:
    """Tells the log of refused accesses, so many a second; of others it tells how many there were."""

    def __init__(self) -> None:
        self._bucket = TokenBucket(LOGGED, time.monotonic())
        self._untold = 0

    def __call__(self, refused: RefusedAccess) -> None:
        """Tell of one."""
        if not self._bucket.take(time.monotonic()):
            self._untold += 1
            return
        untold, self._untold = self._untold, 0
        structlog.get_logger().warning(
            "access refused", user=refused.user, code=refused.code, why=refused.text, untold=untold
        )


class Doorkeeper:
    """
    Lets users in.

    Args:
        authenticator: Verifies tokens.
        on_refused: Told of each that is refused; must not block and must not raise.
        requests: Rate of each user.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        on_refused: Callable[[RefusedAccess], None],
        requests: Rate = REQUESTS,
    ) -> None:
        self._authenticator = authenticator
        self._on_refused = on_refused
        self._requests = requests
        self._buckets: dict[str, TokenBucket] = {}

    def admit(self, authorizations: list[str]) -> Identity:
        """
        Return who asks.

        Args:
            authorizations: All headers of that name.

        Raises:
            Problem: 401, 403, 429, or 503 while the keys of tokens are awaited.
        """
        identity = self._named(authorizations)
        self._count(identity.user)
        return identity

    def check_roles(self, identity: Identity, allowed: frozenset[str] | None, what: str) -> None:
        """
        Return if one of the user's roles allows it.

        Raises:
            Problem: 403.
        """
        if allowed is not None and identity.roles.isdisjoint(allowed):
            roles = ", ".join(sorted(identity.roles)) or "viewer"
            self.refuse(identity.user, f"role: {roles[:200]} may not see {what}; {' and '.join(sorted(allowed))} may")

    def refuse(self, user: str, text: str) -> None:
        """
        Refuse what a user may not see.

        Raises:
            Problem: 403, always.
        """
        self._on_refused(RefusedAccess(user, "not_permitted", text))
        raise Problem(HTTPStatus.FORBIDDEN, "not_permitted", text)

    def _named(self, authorizations: list[str]) -> Identity:
        try:
            return self._authenticator.verify(_token(authorizations), time.time())
        except KeysAwaited as error:
            text = "the keys of tokens are awaited; ask again in a moment"
            raise unavailable("keys_awaited", text, KEYS_RETRY_S) from error
        except AuthenticationFailed as failure:
            code = _CODES.get(failure.close_code, "not_authenticated")
            self._on_refused(RefusedAccess("", code, failure.text))
            if failure.close_code is CloseCode.FORBIDDEN:
                raise Problem(HTTPStatus.FORBIDDEN, code, failure.text) from failure
            error_ = ' error="invalid_token"' if authorizations else ""
            challenge = {"WWW-Authenticate": f"Bearer{error_}"}
            raise Problem(HTTPStatus.UNAUTHORIZED, code, failure.text, headers=challenge) from failure

    def _count(self, user: str) -> None:
        now = time.monotonic()
        bucket = self._buckets.pop(user, None) or TokenBucket(self._requests, now)
        self._buckets[user] = bucket
        if len(self._buckets) > USERS_MAX:
            del self._buckets[next(iter(self._buckets))]
        if not bucket.take(now):
            text = f"rate: a user may ask {self._requests.per_second:g} times a second"
            headers = {"Retry-After": "1"}
            limit = int(self._requests.per_second)
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", text, limit=limit, headers=headers)


class Slots:
    """
    So many at once, and no queue.

    Args:
        count: How many.
        what: Names them in refusals.
    """

    def __init__(self, count: int, what: str) -> None:
        self._count = count
        self._what = what
        self._taken = 0

    def take(self) -> None:
        """
        Take a place; `give_back` must follow.

        Raises:
            Problem: 503 `busy`.
        """
        if self._taken >= self._count:
            text = f"{self._count} {self._what} are under way, which is as many as may be at once"
            raise unavailable("busy", text, BUSY_RETRY_S)
        self._taken += 1

    def give_back(self) -> None:
        """End one."""
        self._taken -= 1

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place."""
        self.take()
        try:
            yield
        finally:
            self.give_back()


def _token(authorizations: list[str]) -> str:
    if not authorizations:
        raise AuthenticationFailed("Authorization: is missing; it must be: Bearer <token>")
    if len(authorizations) > 1:
        raise AuthenticationFailed("Authorization: is there more than once")
    scheme, _, token = authorizations[0].partition(" ")
    if scheme.lower() != "bearer":
        raise AuthenticationFailed("Authorization: must be: Bearer <token>")
    return token.strip()
