"""Describes what is wrong with Redis in words that an operator can act upon, without secrets."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError


def store_failure(error: BaseException) -> str:
    """
    Return one line that names the failure. If only a person can repair it, the line says where to look.

    Args:
        error: As redis-py or a socket raised it.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    for each in _causes(error):
        match each:
            case AuthenticationError():
                return f"Redis refuses the user or password (redis_username, redis_password, redis_url): {text}"
            case NoPermissionError():
                return f"the Redis user may not do this (see its ACL): {text}"
            case ResponseError() if "WRONGTYPE" in text:
                return f"somebody wrote over one of our keys; RENAME it away, then start again: {text}"
            case ssl.SSLError():
                return f"TLS with Redis failed (its certificate, or the certificates trusted here): {text}"
    return text


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
