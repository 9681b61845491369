"""Starlette's send loop, which is FastAPI's, on uvicorn."""

from __future__ import annotations

from benchmarks.fan_out.contestant import FedPeer
from benchmarks.fan_out.peers.environment import pinned, python_of


class StarletteLoop(FedPeer):
    """An awaited send for each connection."""

    name = "starlette"
    title = f"Starlette {pinned('starlette', 'starlette')} loop, uvicorn {pinned('starlette', 'uvicorn')}"

    def check(self) -> None:
        """Look for its environment."""
        python_of(self.name)

    def argv(self) -> list[str]:
        """Return the server."""
        return [python_of(self.name), "-m", "benchmarks.fan_out.servers.starlette_loop"]
