"""The limit: a C program that does nothing but `send` (c/send_loop.c)."""

from __future__ import annotations

from benchmarks.fan_out.build import program
from benchmarks.fan_out.contestant import FedPeer


class CLoop(FedPeer):
    """A bare loop of `send`."""

    name = "c-loop"
    title = "bare C `send` loop"

    def check(self) -> None:
        """Compile it."""
        program("send_loop")

    def argv(self) -> list[str]:
        """Return the program."""
        return [str(program("send_loop"))]
