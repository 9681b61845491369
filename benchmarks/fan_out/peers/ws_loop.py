"""npm's ws, on Node."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.fan_out.contestant import FedPeer
from benchmarks.fan_out.peers.environment import node_module_of, pinned_in_node

SERVER: Final = Path(__file__).parents[1] / "servers" / "ws_loop.js"


class WsLoop(FedPeer):
    """Its `send` for each client."""

    name = "ws"
    title = f"npm ws {pinned_in_node('ws')} loop"

    def check(self) -> None:
        """Look for its package."""
        node_module_of(self.name)

    def argv(self) -> list[str]:
        """Return the server."""
        return [shutil.which("node") or "node", str(SERVER)]

    def more(self) -> list[str]:
        """Return where the package is."""
        return [node_module_of(self.name)]
