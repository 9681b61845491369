#!/usr/bin/env bash
# websocket-client 1.9.0 tells `on_close` no code for a close frame that has one: the frame goes to `on_error` instead.
# A client of an exchange that decides by the close code whether to come back (4000-4499 yes, 4500-4999 no) sees None,
# takes it for a lost connection, and comes back for ever after "not you".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check websocket-client==1.9.0 websockets==15.0.1
"$folder/venv/bin/python" - <<'PROGRAM'
import threading

import websocket
from websockets.sync.server import serve

heard = []


def send_away(socket):
    socket.close(4500, "no")


with serve(send_away, "127.0.0.1", 0) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    websocket.WebSocketApp(
        f"ws://127.0.0.1:{server.socket.getsockname()[1]}",
        on_error=lambda _, error: heard.append(("on_error", type(error).__name__, getattr(error, "data", b""))),
        on_close=lambda _, code, reason: heard.append(("on_close", code, reason)),
    ).run_forever()
    server.shutdown()

print(f"websocket-client {websocket.__version__}; the server (websockets) closes with 4500 and the reason 'no'.")
print("Expected: on_close(4500, 'no'), and nothing at on_error.")
print(f"Seen: {heard}")
assert heard == [("on_error", "ABNF", b"\x11\x94no"), ("on_close", None, None)], "this is no longer so"
print("The code is in the frame that on_error gets, and on_close is told None: no code, as after a cut cable.")
PROGRAM
