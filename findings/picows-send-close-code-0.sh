#!/usr/bin/env bash
# picows 2.3.1 closes with code 0, which WebSocket forbids, where a program gives no code, or gives back that of a close without one.
# A client of an exchange that leaves politely is logged by every strict server as one that broke the protocol (1002).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check picows==2.3.1 websockets==15.0.1
"$folder/venv/bin/python" - <<'PROGRAM'
import asyncio
import importlib.metadata
from contextlib import suppress

import picows
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

heard = []


async def listen(socket):
    """Wait for the client's close; `/answer` is closed by the server first, without a code, as WebSocket allows."""
    if socket.request.path == "/answer":
        socket.transport.write(b"\x88\x00")
    try:
        await socket.recv()
    except ConnectionClosed as closed:
        heard.append((socket.request.path, closed.rcvd and closed.rcvd.code, closed.sent and closed.sent.code))


class Leaving(picows.WSListener):
    def on_ws_connected(self, transport):
        if transport.request.path == b"/leave":
            transport.send_close()

    def on_ws_frame(self, transport, frame):
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())


async def main():
    async with serve(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for path in ("leave", "answer"):
            transport, _ = await picows.ws_connect(Leaving, f"ws://127.0.0.1:{port}/{path}")
            with suppress(picows.WSError):
                await asyncio.wait_for(transport.wait_disconnected(), 5)
        await asyncio.sleep(0.2)


asyncio.run(main())
print(f"picows {importlib.metadata.version('picows')}; the server is websockets {importlib.metadata.version('websockets')}.")
print("A client leaves by send_close() without arguments; another answers a close without a code by send_close of the")
print("code and message that it was given.")
print("Expected: an empty close frame or 1000 in both cases: the server has received a close, and sends none of its own fault.")
print(f"Seen, as (path, code received, code sent): {heard}")
assert heard == [("/leave", None, 1002), ("/answer", None, 1002)], "this is no longer so"
print("Both times the close frame held the code 0; the server could not take it for one, and closed with 1002, protocol error.")
PROGRAM
