"""Limits of what a client may send in one request, known to both ends."""

from __future__ import annotations

from typing import Final

REQUEST_BYTES_MAX: Final = 16 * 1024
INSTRUMENTS_IN_REQUEST_MAX: Final = 256
EVERY_INSTRUMENT: Final = "*"
ID_LETTERS_MAX: Final = 64
TOKEN_LETTERS_MAX: Final = 8000
"""Longest token, by login and by handshake alike: a header's line holds no more."""
