"""Screenshots made small: a palette of their own, and no file above a limit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image

BYTES_MAX: Final = 150 * 1024
"""Of one picture in the repository."""
COLOURS: Final = (256, 128, 64, 32)
"""Tried in turn: the first that is small enough stays."""


class TooLarge(Exception):
    """A picture is above BYTES_MAX with the smallest palette."""


def shrink(path: Path) -> int:
    """
    Put a PNG on a palette, in place; return its bytes.

    Raises:
        TooLarge: If no palette makes it small enough.
    """
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    for colours in COLOURS:
        file = io.BytesIO()
        # Without dithering: it would make noise of what is plain, and flat areas are what makes such a file small.
        image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= BYTES_MAX:
            path.write_bytes(file.getvalue())
            return file.tell()
    raise TooLarge(f"{path.name} has {file.tell():,} bytes with {COLOURS[-1]} colours; at most {BYTES_MAX:,}")
