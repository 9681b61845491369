"""Payloads that the C users can time and count, whoever carries them; c/marks.h says what a mark is."""

from __future__ import annotations

from typing import Final

MARK_BYTES: Final = 39


def marked(counter: int, time_us: int, size: int) -> bytes:
    """
    Return a payload of one mark, filled up.

    Args:
        counter: One more than that of the payload before.
        time_us: When the update came into being, µs since 1970.
        size: Bytes of the payload; less than MARK_BYTES is taken for that.
    """
    return b"OOUT:%016x:%016x;" % (time_us, counter) + b"." * (size - MARK_BYTES)
