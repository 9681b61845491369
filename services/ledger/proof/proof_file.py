"""Files that prove something: JSON outside, bytes inside, and one way only to write each.

What is proven are bytes in lower-case hexadecimal digits. The JSON around them is of names, whole numbers and lists,
and a file must be exactly what this module writes: then no byte of it can be changed unnoticed, not even a space. So
the usual traps of JSON (repeated names, several forms of a number or a text) end here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from services.ledger.proof.merkle import HASH_BYTES, PATH_HASHES_MAX
from services.ledger.proof.not_proven import NotProven

FILE_BYTES_MAX: Final = 16 << 20
INTEGER_MAX: Final = 2**53 - 1
"""Whole numbers outside the proven bytes are small: every reader of JSON has them."""
_HEX: Final = re.compile("(?:[0-9a-f]{2})*")
Reader = Callable[[Any, str], Any]
"""Reads a value of the file at a path such as `blocks[0].path`; raises NotProven naming the path."""


def write_proof(content: dict[str, Any]) -> bytes:
    """Write a file; the first member is its format."""
    return (json.dumps(content, indent=1) + "\n").encode()


def read_proof(data: bytes, file_format: str, members: dict[str, Reader]) -> dict[str, Any]:
    """
    Read a file.

    Args:
        data: All of it.
        file_format: What its member `format` must be.
        members: The others, in order, and how each is read.

    Raises:
        NotProven: If it is not such a file, or written in any other way; says what and where.
    """
    if len(data) > FILE_BYTES_MAX:
        raise NotProven(f"the file has {len(data)} bytes, the limit is {FILE_BYTES_MAX}")
    try:
        content = json.loads(data)
    except RecursionError as error:
        raise NotProven("the file is nested too deeply to be a proof") from error
    except ValueError as error:
        raise NotProven(f"the file is not JSON: {error}") from error
    if isinstance(content, dict) and content.get("format") != file_format:
        raise NotProven(f"format: must be {file_format!r}, not {content.get('format')!r:.80}")
    found = members_of({"format": _anything, **members})(content, "")
    _check_writing(data, write_proof(content))
    return dict(found)


def members_of(readers: dict[str, Reader]) -> Reader:
    """Return the reader of an object with exactly these members, in this order."""

    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict) or list(value) != list(readers):
            raise NotProven(f"{path or 'the file'}: must have the members {', '.join(readers)}, in this order")
        return {name: reader(value[name], f"{path}.{name}" if path else name) for name, reader in readers.items()}

    return read


def list_of(reader: Reader, least: int, most: int) -> Reader:
    """Return the reader of a list with so many members."""

    def read(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise NotProven(f"{path}: must be a list of {least} to {most}")
        return [reader(one, f"{path}[{number}]") for number, one in enumerate(value)]

    return read


def hex_bytes(least: int, most: int) -> Reader:
    """Return the reader of so many bytes, in hexadecimal digits."""

    def read(value: Any, path: str) -> bytes:
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            raise NotProven(f"{path}: must be bytes in lower-case hexadecimal digits")
        if not least <= len(value) // 2 <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise NotProven(f"{path}: must be {wanted} bytes, not {len(value) // 2}")
        return bytes.fromhex(value)

    return read


def whole_number(value: Any, path: str) -> int:
    """Read a whole number from 0 on."""
    if type(value) is not int or not 0 <= value <= INTEGER_MAX:
        raise NotProven(f"{path}: must be a whole number from 0 to {INTEGER_MAX}")
    return value


HASH_PATH: Final = list_of(hex_bytes(HASH_BYTES, HASH_BYTES), 0, PATH_HASHES_MAX)
"""Reads a path of hashes, from below."""


def _anything(value: Any, _path: str) -> Any:
    return value


def _check_writing(data: bytes, canonical: bytes) -> None:
    if data == canonical:
        return
    lines, written = data.split(b"\n"), canonical.split(b"\n")
    pairs = zip(lines, written, strict=False)
    line = next((number for number, (one, other) in enumerate(pairs, 1) if one != other), min(len(lines), len(written)))
    raise NotProven(f"line {line} is not written as it was given out: keep such files as they are")
