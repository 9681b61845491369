"""What a refused value looks like in a sentence: short, however large, deep or strange it is.

`repr` alone raises for a list of a thousand lists and for a number of 5,000 digits, and writes out a whole frame.
"""

from __future__ import annotations

import reprlib
from typing import Final

LETTERS_MAX: Final = 60
"""Of the text."""
BITS_MAX: Final = 128
"""Of a number whose digits are shown."""

_BRIEF: Final = reprlib.Repr()
_BRIEF.maxlevel = 3
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = LETTERS_MAX


def value_text(value: object) -> str:
    """Return a value as Python writes it, or the beginning of that; raises nothing. O(1) in the value's size."""
    if isinstance(value, int) and value.bit_length() > BITS_MAX:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str | bytes):
        text = repr(value[: LETTERS_MAX + 1])
    else:
        text = repr(value) if isinstance(value, int | float) else _BRIEF.repr(value)
    return text if len(text) <= LETTERS_MAX else text[: LETTERS_MAX - 3] + "…"
