"""picows, a WebSocket library in Cython."""

from __future__ import annotations

from benchmarks.fan_out.contestant import FedPeer
from benchmarks.fan_out.peers.environment import pinned, python_of


class PicowsLoop(FedPeer):
    """Its transport's `send` for each connection."""

    name = "picows"
    title = f"picows {pinned('picows', 'picows')} loop"

    def check(self) -> None:
        """Look for its environment."""
        python_of(self.name)

    def argv(self) -> list[str]:
        """Return the server."""
        return [python_of(self.name), "-m", "benchmarks.fan_out.servers.picows_loop"]
