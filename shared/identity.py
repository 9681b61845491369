"""JSON Web Tokens and the identities in them: the user in `sub`, `roles`, `groups`, and the end in `exp`.

Every service that users reach verifies tokens here. The engine never sees one, only the user that a gateway stamps on
commands. A token names the key that signed it, and no more. The algorithm is the key's, and keys or addresses of keys
in a token are ignored.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import jwt

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.request_limits import TOKEN_LETTERS_MAX
from shared.entitlement import EVERYTHING, NOTHING, Entitlement
from shared.key_ring import KeyRing
from shared.token_claims import (
    ANYBODY,
    LEEWAY_S,
    NO_NAMES,
    USER,
    Audience,
    AuthenticationFailed,
    early_problems,
    form_problems,
    names,
    place_problems,
    read_object,
    role_problems,
)
from shared.token_keys import KID_LETTERS_MAX, SHARED_ALGORITHM, TokenKey

_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_SIGNATURES: Final = jwt.PyJWS()


class Identity(NamedTuple):
    """A user with roles and groups, and how long that holds."""

    user: str
    """"" while nobody has been named."""
    roles: frozenset[str] = NO_NAMES
    """What the identity provider calls the user's roles. `trader` and `market_maker` may enter orders, `admin` may
    administer the market, and it, `compliance` and `auditor` may see what is set."""
    groups: frozenset[str] = NO_NAMES
    """The same of groups."""
    expires_at: float = math.inf
    """Unix time in seconds at which a session that this token opens or extends ends."""
    names_roles: bool = False
    """Whether the token says which roles the user has, none perhaps."""
    instruments: Entitlement = EVERYTHING
    """What the user may see and trade."""


NOBODY: Final = Identity("")
"""The identity of a connection whose user has not been named."""


class Authenticator:
    """
    Verifies tokens.

    Args:
        ring: What tokens are signed with.
        audience: For whom tokens must be.
    """

    def __init__(self, ring: KeyRing, audience: Audience = ANYBODY) -> None:
        self.ring = ring
        self.audience = audience

    def verify(self, token: str, now: float) -> Identity:
        """
        Return whom a token names, and until when.

        A token is taken until LEEWAY_S after its `exp`, since clocks differ. A session ends at `exp`; one that begins
        later, at the end of the leeway.

        Args:
            token: As it came.
            now: Unix time in seconds.

        Raises:
            KeysAwaited: If that cannot be said yet.
            AuthenticationFailed: If it is malformed, signed otherwise, not for here, expired or names no user.
        """
        claims = self.verified_claims(token)
        problems = form_problems(claims) or [*place_problems(claims, self.audience), *early_problems(claims, now)]
        if problems:
            raise AuthenticationFailed(f"token: {'; '.join(problems)}")
        apart = role_problems(claims)
        if apart:
            raise AuthenticationFailed(f"token: {apart[0]}", CloseCode.FORBIDDEN)
        expires_at = float(claims["exp"])
        if expires_at + LEEWAY_S <= now:
            raise AuthenticationFailed("token: expired; get a new one", CloseCode.TOKEN_EXPIRED)
        ends_at = expires_at if now < expires_at else expires_at + LEEWAY_S
        instruments = EVERYTHING
        if "instruments" in claims:
            instruments = tuple(sorted(names(claims, "instruments"))) or NOTHING
        return Identity(
            claims["sub"], names(claims, "roles"), names(claims, "groups"), ends_at, "roles" in claims, instruments
        )

    def verified_claims(self, token: str) -> dict[str, Any]:
        """
        Return the claims of a token whose signature is right; they are not judged yet.

        Raises:
            KeysAwaited: If that cannot be said yet.
            AuthenticationFailed: If it is malformed, or signed otherwise.
        """
        header, _ = take_apart(token)
        key = self._key(header)
        try:
            payload = _SIGNATURES.decode(token, key.material, algorithms=[key.algorithm])
        except jwt.PyJWTError as error:
            # Its own words may repeat what the token says.
            raise AuthenticationFailed("token: the signature is wrong") from error
        return read_object(payload, "payload")

    def _key(self, header: dict[str, Any]) -> TokenKey:
        keys = self.ring.held()
        algorithm, kid = header.get("alg"), header.get("kid")
        if "crit" in header:
            raise AuthenticationFailed("token: crit demands what this exchange does not know")
        if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= KID_LETTERS_MAX):
            raise AuthenticationFailed(f"token: kid must be text of 1 to {KID_LETTERS_MAX} letters")
        if algorithm not in keys.algorithms or not isinstance(algorithm, str):
            raise AuthenticationFailed(f"token: alg must be {' or '.join(keys.algorithms)}")
        if kid is None or algorithm == SHARED_ALGORITHM:
            candidates = keys.of(algorithm)
            if len(candidates) > 1:
                raise AuthenticationFailed("token: kid is missing, and there are several keys")
            return candidates[0]
        key = self.ring.named(kid, algorithm)
        if key is None:
            raise AuthenticationFailed("token: kid names a key that the identity provider does not publish")
        return key


def take_apart(token: str) -> tuple[dict[str, Any], bytes]:
    """
    Return a token's header and its payload's bytes; nothing in them is proven.

    Raises:
        AuthenticationFailed: If it is no signed token.
    """
    if len(token) > TOKEN_LETTERS_MAX:
        raise AuthenticationFailed(f"token: has {len(token)} letters, {TOKEN_LETTERS_MAX} at most")
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise AuthenticationFailed("token: must be three parts of letters, digits, - and _, with dots between")
    header, payload, _ = (_decoded(part) for part in parts.groups())
    return read_object(header, "header"), payload


def mint_token(
    user: str,
    secret: bytes,
    expires_at: float,
    audience: Audience = ANYBODY,
    roles: Sequence[str] = (),
    instruments: Sequence[str] = (),
) -> str:
    """
    Make a token, HS256.

    Args:
        user: 1 to 64 letters, digits and . _ @ + -
        secret: At least 32 bytes.
        expires_at: Unix time in seconds.
        audience: For whom it is to be, and of whom.
        roles: Of the user.
        instruments: Globs of what the user may see and trade; without any, everything.

    Raises:
        ConfigurationError: If the user's name is not of that form, or the roles exclude each other.
    """
    if not USER.fullmatch(user):
        raise ConfigurationError(f"user must be 1 to 64 letters, digits and . _ @ + -, not {user!r}")
    claims: dict[str, Any] = {"sub": user, "exp": int(expires_at)}
    listed = {"roles": list(roles), "instruments": list(instruments)}
    claims |= {claim: held for claim, held in listed.items() if held}
    problems = [*form_problems(claims), *role_problems(claims)] if roles or instruments else []
    if problems:
        raise ConfigurationError(problems[0])
    if audience.names:
        claims["aud"] = audience.names[0]
    if audience.issuer:
        claims["iss"] = audience.issuer
    return jwt.encode(claims, secret, algorithm=SHARED_ALGORITHM)


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error) as error:
        raise AuthenticationFailed("token: a part is no base64url") from error
