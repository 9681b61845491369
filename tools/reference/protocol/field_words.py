"""A field's schema in words: what type it has and which values it may take.

Only the keywords that this package writes are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from openoutcry.wire.types import PRICE_MAX
from tools.reference.protocol.markdown import code
from tools.reference.protocol.meanings import SAFE_MAX, UINT32_MAX, Schema

VALUES_MAX: Final = 8
"""Longest enumeration whose values are listed at every field that has it; a longer one is linked only."""
ANCHORS: Final = {"code": "refusal-codes", "close_code": "close-codes"}
"""Headings of the definitions that do not stand under their own name."""
_POWERS: Final = {SAFE_MAX: "2⁵³-1", -SAFE_MAX: "-(2⁵³-1)", UINT32_MAX: "2³²-1", PRICE_MAX: "2³¹-1"}


def type_of(schema: Schema) -> str:
    """Return the type, in JSON's words; `map` is an object whose keys are data."""
    match schema:
        case {"$ref": str(target)}:
            name = _defined_name(target)
            return f"[{name}](#{ANCHORS.get(name, name)})"
        case {"anyOf": alternatives}:
            return " or ".join(map(type_of, alternatives))
        case {"type": "array"}:
            return _array(schema)
        case {"type": "object"}:
            _, values = _entries(schema)
            return f"map to {type_of(values)}" if values else "map"
        case {"type": list(names)}:
            return " or ".join(names).replace("object", "map")
    return str(schema["type"])


def values_of(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """
    Return the range, the values or the form that the type alone does not say; empty if there is none.

    Args:
        schema: Of the field.
        definitions: What its references name.
    """
    return "; ".join(_rules(schema, definitions))


def _defined_name(target: str) -> str:
    return target.removeprefix("#/$defs/")


def _rules(schema: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    match schema:
        case {"$ref": str(target)}:
            yield from _names(definitions[_defined_name(target)].get("enum", []))
        case {"anyOf": alternatives}:
            yield " or ".join(_of_each(alternatives, definitions))
        case {"prefixItems": elements}:
            yield f"[{', '.join(_of_each(elements, definitions))}]"
        case {"items": items}:
            yield from _size(schema, "Items", "elements")
            yield from (f"each {rule}" for rule in _rules(items, definitions))
        case {"type": "object"}:
            keys, values = _entries(schema)
            yield from _size(schema, "Properties", "entries")
            yield from (f"keys {code(pattern)}" for pattern in keys)
            yield from (f"values {rule}" for rule in _rules(values, definitions))
        case _:
            yield from _plain(schema)


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"array [{', '.join(map(type_of, schema['prefixItems']))}]"
    return f"array of {type_of(schema['items'])}"


def _entries(schema: Schema) -> tuple[list[str], Schema]:
    """Return the patterns of a map's keys and the schema of its values, empty where they are left open."""
    if "patternProperties" in schema:
        [(pattern, values)] = schema["patternProperties"].items()
        return [pattern], values
    values = schema.get("additionalProperties", {})
    return list(schema.get("propertyNames", {}).values()), values if isinstance(values, dict) else {}


def _plain(schema: Schema) -> Iterator[str]:
    match schema:
        case {"const": value}:
            yield code(str(value))
        case {"enum": values}:
            yield from _names(values)
        case {"minimum": int(low), "maximum": int(high)}:
            yield f"{_number(low)} to {_number(high)}"
        case {"pattern": str(pattern)}:
            yield code(pattern)
        case {"format": "date"}:
            yield "YYYY-MM-DD"
        case _:
            yield from _size(schema, "Length", "characters")


def _names(values: list[Any]) -> Iterator[str]:
    if len(values) > VALUES_MAX:
        yield f"one of {len(values)}"
    elif values:
        yield ", ".join(code(str(value)) for value in values)


def _of_each(schemas: Iterable[Schema], definitions: Mapping[str, Schema]) -> Iterator[str]:
    return filter(None, (values_of(schema, definitions) for schema in schemas))


def _size(schema: Schema, what: str, unit: str) -> Iterator[str]:
    low, high = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    if high is not None:
        yield f"{low} to {high} {unit}"


def _number(value: int) -> str:
    return _POWERS.get(value, str(value))
