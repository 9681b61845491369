"""How many examples the dear tests try: part of what the others do, and of what `make search` asks for."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

FEWER: Final = settings(max_examples=max(1, settings.default.max_examples * 2 // 5))
"""For what takes a tenth of a second an example. `make search EXAMPLES=250` tries as many as the others have."""


class Enough(Exception):
    """Raised by a test that counts what a flow brings, once nothing is left to be seen: it needs no more examples."""
