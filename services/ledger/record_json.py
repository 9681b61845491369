"""A command's fields as JSON: what the record keeps of a request, a rule or a definition beside its columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

_OF_THE_LOG: Final = frozenset({"source", "number", "actor", "user"})
"""In columns of their own, or of meaning to the log alone."""


GAINED: Final = frozenset({"withdraws"})
"""Fields that commands gained after they were first recorded. They are left out where they say nothing, so that the
record of a command is the same before and after: verify makes it anew."""


def fields_json(command: Any, without: frozenset[str] = _OF_THE_LOG) -> str:
    """Return a named tuple's fields by name, but for those left out; named tuples in it likewise. O(its size)."""
    told = {name: value for name, value in command._asdict().items() if name not in without}
    for name in GAINED & told.keys():
        if told[name] == command._field_defaults[name]:
            del told[name]
    return to_json(told)


def to_json(value: Any) -> str:
    """Return JSON without spaces, in the order of the fields; the same value always gives the same text."""
    return _encode(_plain(value))


def plain_json(names: Sequence[str], values: Sequence[Any]) -> str:
    """Return the same of values that are numbers, texts, flags and None alone, by their names; a third of the time."""
    return _encode(dict(zip(names, values, strict=True)))


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: `json.dumps` makes one for each call that asks for separators."""


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
