"""Cursors: the key of a page's last row, and the query that it belongs to.

A cursor opens nothing: whoever makes one up gets rows that the same user may see anyway. So it is not signed, but every
value in it is judged before a database sees it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from services.ledger.queries.parameter import INTEGER_MAX
from services.ledger.queries.problem import Problem

Key = tuple[int | str, ...]
_HASH_BYTES: Final = 9
_TEXT_LETTERS_MAX: Final = 64
_NO_PART: Final = ("cursor", "limit")
"""Parameters that may differ between the pages of one query."""


def query_hash(path: str, user: str, asked: Mapping[str, Any]) -> bytes:
    """Return what tells queries apart: of whom, of what, with which parameters."""
    parts = [path, user, sorted((name, value) for name, value in asked.items() if name not in _NO_PART)]
    return hashlib.sha256(json.dumps(parts).encode()).digest()[:_HASH_BYTES]


def write_cursor(query: bytes, key: Sequence[int | str]) -> str:
    """Return the cursor behind a row: letters, digits, - and _."""
    data = query + json.dumps(list(key), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_cursor(text: str, query: bytes, kinds: Sequence[type]) -> Key:
    """
    Return the key behind which a page begins.

    Args:
        text: The cursor.
        query: Of the query that is asked now.
        kinds: `int` or `str` for each part of the key.

    Raises:
        Problem: `bad_cursor`.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        key = json.loads(data[_HASH_BYTES:].decode())
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _bad("is none of ours") from error
    if data[:_HASH_BYTES] != query:
        raise _bad("belongs to another query; begin without one")
    if not isinstance(key, list) or len(key) != len(kinds) or not all(map(_fits, key, kinds)):
        raise _bad("is none of ours")
    return tuple(key)


def _fits(part: object, kind: type) -> bool:
    if kind is int:
        return type(part) is int and -INTEGER_MAX <= part <= INTEGER_MAX
    return type(part) is str and len(part) <= _TEXT_LETTERS_MAX and part.isprintable() and part.isascii()


def _bad(text: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "bad_cursor", f"cursor: {text}", "cursor")
