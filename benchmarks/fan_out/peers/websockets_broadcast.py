"""websockets' own `broadcast`; it is a dependency of ours, and runs in this environment."""

from __future__ import annotations

import sys
from importlib.metadata import version

from benchmarks.fan_out.contestant import FedPeer


class WebsocketsBroadcast(FedPeer):
    """`websockets.broadcast` on uvloop."""

    name = "broadcast"
    title = f"websockets {version('websockets')} `broadcast`"

    def check(self) -> None:
        """Nothing is missing."""

    def argv(self) -> list[str]:
        """Return the server."""
        return [sys.executable, "-m", "benchmarks.fan_out.servers.broadcast"]
