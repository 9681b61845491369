"""The kit's users and their tokens, right ones and wrong ones."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable
from typing import Final, NamedTuple

import jwt

from openoutcry.wire.errors import ConfigurationError

USERS_MIN: Final = 12
"""Queues, private messages and self-trade prevention need so many; with more, checks run side by side."""
MINTED_USERS: Final = 400
"""Users made from a secret: every check gets its own."""
TOKEN_SECONDS: Final = 3600.0
ALGORITHM: Final = "HS256"
WRONG_KEY: Final = b"a key that no exchange would have, and of enough bytes"


class CheckUser(NamedTuple):
    """Somebody who may connect."""

    name: str
    """The token's `sub`."""
    token: str


def gather_users(tokens: Iterable[str], secret: bytes | None, run: str, unix_now: float) -> list[CheckUser]:
    """
    Return the users to work with: those of the tokens, then those that a secret makes.

    Args:
        tokens: As they were given; repetitions count once.
        secret: Key of the exchange's tokens, None if unknown.
        run: Makes the names of minted users unique.
        unix_now: Seconds; minted tokens are valid for TOKEN_SECONDS more.

    Raises:
        ConfigurationError: If they are fewer than USERS_MIN, or one is no token.
    """
    users = [CheckUser(subject(token), token) for token in tokens]
    if secret:
        names = (f"conformance-{run}-{number:03}" for number in range(MINTED_USERS))
        users += [CheckUser(name, mint(name, secret, unix_now + TOKEN_SECONDS)) for name in names]
    unique = list({user.name: user for user in users}.values())
    if len(unique) < USERS_MIN:
        raise ConfigurationError(
            f"the kit needs tokens of {USERS_MIN} users and has {len(unique)}; "
            "give --secret-file, or --token-file with more"
        )
    return unique


def mint(name: str, secret: bytes, expires_at: float, *roles: str) -> str:
    """Make a token, valid until this Unix time."""
    claims = {"sub": name, "exp": int(expires_at)} | ({"roles": list(roles)} if roles else {})
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def endless(name: str, secret: bytes) -> str:
    """Make a token without an end; it must be refused."""
    return jwt.encode({"sub": name}, secret, algorithm=ALGORITHM)


def forged(name: str, expires_at: float) -> str:
    """Make a token signed with a key that the exchange does not have; it must be refused."""
    return mint(name, WRONG_KEY, expires_at)


def unsigned(name: str, expires_at: float) -> str:
    """Make a token that nobody signed, algorithm `none`; it must be refused."""
    return jwt.encode({"sub": name, "exp": int(expires_at)}, "", algorithm="none")


def claiming(secret: bytes, **claims: object) -> str:
    """Make a token with any claims, of any form."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), secret, algorithm=ALGORITHM)


def critical(name: str, secret: bytes, expires_at: float) -> str:
    """Make a token whose header demands what nobody knows, in letters of three bytes; it must be refused."""
    header = {"alg": ALGORITHM, "crit": ["\u20ac" * 60]}
    payload = mint(name, secret, expires_at).split(".")[1]
    signed = f"{_part(json.dumps(header, ensure_ascii=False).encode())}.{payload}"
    return f"{signed}.{_part(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def subject(token: str) -> str:
    """
    Return the user that a token names, its signature unseen.

    Raises:
        ConfigurationError: If it is no token.
    """
    try:
        _, claims, _ = token.split(".")
        name = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
    except (ValueError, binascii.Error, KeyError, TypeError) as error:
        raise ConfigurationError(f"not a JSON Web Token with a subject: a text of {len(token)} letters") from error
    return str(name)
