"""Generated faults that no test can see, each with the reason: whoever finds one that can be seen takes it out."""

from __future__ import annotations

from typing import Final

EQUIVALENT: Final[dict[tuple[str, str, str], str]] = {}
"""File, line without and with the fault, to why nothing that the program promises is other with it."""
