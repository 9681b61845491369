"""A command's fields as JSON: what the record keeps of a request, a rule or a definition beside its columns."""

from __future__ import annotations

import json
from typing import Any, Final

_OF_THE_LOG: Final = frozenset({"source", "number", "actor", "user"})
"""In columns of their own, or of meaning to the log alone."""


def fields_json(command: Any, without: frozenset[str] = _OF_THE_LOG) -> str:
    """Return a named tuple's fields by name, but for those left out; named tuples in it likewise. O(its size)."""
    return to_json({name: value for name, value in command._asdict().items() if name not in without})


def to_json(value: Any) -> str:
    """Return JSON without spaces, in the order of the fields; the same value always gives the same text."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
