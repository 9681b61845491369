"""A real browser for tests: Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

ROOT: Final = Path(__file__).parents[2]
BINARY: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_S: Final = 30.0
ANSWER_S: Final = 30.0
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def evaluate(self, expression: str) -> Any:
        """Return what JavaScript makes of it; a promise is waited for."""
        found = await self._browser.ask("Runtime.evaluate", self._session, expression=expression, awaitPromise=True)
        return found["result"].get("value")

    async def start(self, expression: str) -> None:
        """Run JavaScript and do not wait for its end."""
        await self._browser.say("Runtime.evaluate", self._session, expression=expression)

    async def freeze(self) -> None:
        """Have the browser freeze the page, as it does with tabs that nobody has looked at for long."""
        await self._browser.ask("Page.setWebLifecycleState", self._session, state="frozen")


class Browser:
    """A running browser; one task at a time may ask."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    async def open(self, url: str) -> Page:
        """Open a tab."""
        target = (await self.ask("Target.createTarget", url=url))["targetId"]
        attached = await self.ask("Target.attachToTarget", targetId=target, flatten=True)
        return Page(self, attached["sessionId"])

    async def say(self, method: str, session: str | None = None, **params: Any) -> int:
        """Send a command and return its id."""
        number = next(self._ids)
        command = {"id": number, "method": method, "params": params}
        await self._socket.send(json.dumps(command if session is None else {**command, "sessionId": session}))
        return number

    async def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = await self.say(method, session, **params)
        async with asyncio.timeout(ANSWER_S):
            while (answer := json.loads(await self._socket.recv())).get("id") != number:
                pass  # an event, or the answer to something that nobody waits for
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """Start a browser with this folder for its profile, and end it."""
    assert BINARY is not None
    process = await asyncio.create_subprocess_exec(
        BINARY, *FLAGS, f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        url = ""
        async with asyncio.timeout(START_S):
            while not url:
                line = (await process.stderr.readline()).decode(errors="replace")
                assert line, "the browser has ended"
                url = line.partition("DevTools listening on ")[2].strip()
        async with connect(url, max_size=None, proxy=None) as socket:
            yield Browser(socket)
            await Browser(socket).say("Browser.close")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript", ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path = ROOT) -> Iterator[str]:
    """Serve files over HTTP, on a free port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
