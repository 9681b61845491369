"""Who is it: JSON Web Tokens, HS256, with the user in `sub` and the end of validity in `exp`.

The one key is shared by all gateways of an installation and whoever mints tokens; the engine never sees a token, only
the user that a gateway stamps on commands.
"""

from __future__ import annotations

import re
from typing import Final

import jwt

from shared.close_codes import CloseCode
from shared.errors import ConfigurationError, OpenOutcryError

ALGORITHM: Final = "HS256"
SECRET_BYTES_MIN: Final = 32
"""HS256's own strength; a shorter secret would be the weakest part."""
USER: Final = re.compile(r"[A-Za-z0-9._@+-]{1,64}")


class AuthenticationFailed(OpenOutcryError):
    """
    The token names no user.

    Args:
        text: What is wrong with it.
        close_code: How the connection ends.
    """

    def __init__(self, text: str, close_code: CloseCode) -> None:
        super().__init__(text)
        self.text = text
        self.close_code = close_code


def checked_secret(secret: bytes) -> bytes:
    """
    Return the secret without surrounding white space.

    Raises:
        ConfigurationError: If it is too short.
    """
    secret = secret.strip()
    if len(secret) < SECRET_BYTES_MIN:
        raise ConfigurationError(
            f"the token secret has {len(secret)} bytes and needs {SECRET_BYTES_MIN}; make one: openssl rand -hex 32"
        )
    return secret


def mint_token(user: str, secret: bytes, expires_at: float) -> str:
    """
    Make a token.

    Args:
        user: 1 to 64 letters, digits and . _ @ + -
        secret: At least 32 bytes.
        expires_at: Unix time in seconds.

    Raises:
        ConfigurationError: If the user's name is not of that form.
    """
    if not USER.fullmatch(user):
        raise ConfigurationError(f"user must be 1 to 64 letters, digits and . _ @ + -, not {user!r}")
    return jwt.encode({"sub": user, "exp": int(expires_at)}, secret, algorithm=ALGORITHM)


def verify_token(token: str, secret: bytes, now: float) -> str:
    """
    Return the user that a token names.

    Args:
        token: As it came.
        secret: As it was minted with.
        now: Unix time in seconds.

    Raises:
        AuthenticationFailed: If it is malformed, signed otherwise, expired or names no user.
    """
    try:
        claims = jwt.decode(
            token, secret, algorithms=[ALGORITHM], options={"require": ["sub", "exp"], "verify_exp": False}
        )
    except jwt.InvalidTokenError as error:
        raise AuthenticationFailed(f"token: {error}", CloseCode.NOT_AUTHENTICATED) from error
    expires_at, user = claims["exp"], claims["sub"]
    if not isinstance(expires_at, int | float) or not isinstance(user, str) or not USER.fullmatch(user):
        raise AuthenticationFailed("token: sub must be a user name and exp a time", CloseCode.NOT_AUTHENTICATED)
    if expires_at <= now:
        raise AuthenticationFailed("token: expired; get a new one", CloseCode.TOKEN_EXPIRED)
    return user
