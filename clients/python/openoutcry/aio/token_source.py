"""Where the tokens of a link come from: one text for all connections, or a function that is asked before each."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from openoutcry.token_form import checked_token
from openoutcry.wire.errors import ConfigurationError, OpenOutcryError

TOKEN_S: Final = 10.0
"""Time for the function to give one."""
Token: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A JSON Web Token; or a function that gets one, called in the event loop: what waits must be async."""


class TokenFailed(OpenOutcryError):
    """The function gave no token this time; says why, without what it raised or returned, which may be secret."""


class TokenSource:
    """
    Gives each connection its token.

    Args:
        token: One for all, or a function.
        timeout_s: Time for the function.

    Raises:
        ConfigurationError: If a text is no token, or it is neither text nor a function.
    """

    def __init__(self, token: Token, timeout_s: float = TOKEN_S) -> None:
        self._function: Callable[[], str | Awaitable[str]] | None = token if callable(token) else None
        self._text = "" if callable(token) else checked_token(token)
        self._timeout_s = timeout_s

    @property
    def is_renewable(self) -> bool:
        """Whether the next token may be another one."""
        return self._function is not None

    async def next(self) -> str:
        """
        Return the token of the next connection.

        Raises:
            TokenFailed: If the function raised, was too slow, or gave what is no token.
        """
        if self._function is None:
            return self._text
        try:
            async with asyncio.timeout(self._timeout_s):
                return checked_token(await _called(self._function))
        except TimeoutError:
            raise TokenFailed(f"the token function gave none within {self._timeout_s:g} s") from None
        except ConfigurationError as error:
            raise TokenFailed(f"the token function gave none: {error}") from None


async def _called(function: Callable[[], str | Awaitable[str]]) -> object:
    try:
        given = function()
        return await given if inspect.isawaitable(given) else given
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise TokenFailed("the token function was cancelled") from None
    except Exception as error:  # noqa: BLE001 - it is the owner's: whatever it raises, one attempt has failed
        # Neither its words nor its traceback: requests, with their secrets, are in both.
        raise TokenFailed(f"the token function raised {type(error).__name__}") from None
