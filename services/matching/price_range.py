"""Ranges of prices around a reference, in basis points of it."""

from __future__ import annotations

from typing import Final

BASIS: Final = 10_000


def collar(reference: int, bp: int) -> tuple[int, int]:
    """Return the lowest and the highest price within so many basis points of a reference, in ticks."""
    return -(-reference * (BASIS - bp) // BASIS), reference * (BASIS + bp) // BASIS
