"""A client of an ASGI application in this process: one GET, whole, and nothing else between."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from shared.identity import Authenticator, mint_token
from shared.key_ring import KeyRing
from shared.token_keys import shared_key

SECRET: Final = b"0123456789abcdef0123456789abcdef"


def authenticator() -> Authenticator:
    return Authenticator(KeyRing(shared_key(SECRET)))


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class AsgiClient:
    """
    Asks as one user.

    Args:
        app: Whom.
        user: "" sends no token.
        roles: Of the token.
        instruments: Of the token.
    """

    def __init__(
        self, app: Any, user: str = "ann", roles: tuple[str, ...] = (), instruments: tuple[str, ...] = ()
    ) -> None:
        self._app = app
        token = mint_token(user, SECRET, time.time() + 3_600, roles=roles, instruments=instruments) if user else ""
        self._headers = {"authorization": f"Bearer {token}"} if user else {}

    def get(self, path: str, /, headers: dict[str, str] | None = None, method: str = "GET", **query: Any) -> Answer:
        """Ask; parameters whose name is a word of Python end with _."""
        text = urlencode({name.rstrip("_"): value for name, value in query.items()})
        return self.raw(f"/v1/{path}", text.encode(), headers, method)

    def raw(self, path: str, query: bytes = b"", headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """Ask with the query as it is."""
        return asyncio.run(self._ask(self.scope(path, query, headers, method)))

    def scope(
        self, path: str, query: bytes, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> dict[str, Any]:
        """Return a request as ASGI has it."""
        told = self._headers | (headers or {})
        return {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query, "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in told.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
        }  # fmt: skip

    async def _ask(self, scope: dict[str, Any]) -> Answer:
        sent: list[Any] = []
        gone = asyncio.Event()
        asked = False

        async def receive() -> Any:
            nonlocal asked
            if asked:
                await gone.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start, *bodies = sent
        assert not bodies[-1].get("more_body"), "the answer ended before its end"
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], told, b"".join(message.get("body", b"") for message in bodies))
