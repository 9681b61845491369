"""The way in: `async with connect(url, token) as market`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from os import PathLike
from random import Random
from types import TracebackType
from typing import Final, NoReturn

from openoutcry.aio.market import Market
from openoutcry.aio.token_source import Token
from openoutcry.arguments import seconds
from openoutcry.wire.codec import Encoding

CONNECT_S: Final = 10.0
"""Default time for the first connection."""


class connect:  # noqa: N801 - used like a function
    """
    Connect to the exchange and stay connected until the block ends.

    A connection that is lost is replaced by another, to any of the URLs, and everything followed is resumed; books say
    `stale` in between. Only a close code from 4500 on ends the market early: then everything that is awaited of it
    raises `Disconnected`.

    Args:
        urls: One `ws://` or `wss://` URL, or those of several equal gateways.
        token: JWT of the user; sent in the handshake, so use `wss://` beyond your own machine. Or a function, async if
            it waits, that gets one for each connection: one that raises, gives none within 10 s or gives what is no
            token costs an attempt, and the next one follows after a wait. With a function, a token that has expired or
            is refused is followed by one more try.
        encoding: Of both directions, an `Encoding` or its word: "msgpack", or "json" for debugging.
        timeout_s: Time for the first connection.
        random: Source of jitter and choice; a test may want its own.
        ca_file: PEM file of the authorities from which `wss://` certificates are believed, such as your company's own.
            None: the machine's (the variable `SSL_CERT_FILE` names others).

    Raises:
        Disconnected: On entry, if the server refuses the user, or none answers in time.
        ConfigurationError: If a URL, the token, the encoding or the file of authorities is none.
        InvalidArgument: If the timeout is no number.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        token: Token,
        *,
        encoding: Encoding | str = Encoding.MSGPACK,
        timeout_s: float = CONNECT_S,
        random: Random | None = None,
        ca_file: str | PathLike[str] | None = None,
    ) -> None:
        self._market = Market(
            [urls] if isinstance(urls, str) else urls,
            token,
            Encoding.chosen(encoding),
            random or Random(secrets.randbits(64)),  # noqa: S311 - jitter, no secret
            ca_file,
        )
        self._timeout_s = seconds("timeout_s", timeout_s)
        self._tasks = asyncio.TaskGroup()

    def __await__(self) -> NoReturn:
        raise TypeError("connect is entered, not awaited: async with openoutcry.connect(url, token) as market")

    async def __aenter__(self) -> Market:
        """Return the market when the server has said who we are."""
        await self._tasks.__aenter__()
        self._runner = self._tasks.create_task(self._market.run(), name="openoutcry link")
        try:
            await self._market.ready(self._timeout_s)
        except BaseException:
            await self._leave()
            raise
        return self._market

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connection; what was raised in the block goes on as it is, not in a group."""
        await self._leave()

    async def _leave(self) -> None:
        self._market.end(None)
        self._runner.cancel()
        await self._tasks.__aexit__(None, None, None)
