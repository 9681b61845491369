"""From JSON Schema 2020-12 to what AsyncAPI 3.0 reads by default, a superset of draft-07.

Only the keywords that this package writes are known.
"""

from __future__ import annotations

from typing import Any

from tools.reference.protocol.meanings import Schema


def as_draft_07(schema: Schema, definitions_at: str) -> Schema:
    """
    Rewrite a schema without its `$defs`.

    Args:
        schema: A schema of 2020-12.
        definitions_at: Where its definitions will stand, such as `#/components/schemas/`.
    """
    rewritten: Schema = _rewritten({key: value for key, value in schema.items() if key != "$defs"}, definitions_at)
    return rewritten


def _rewritten(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return [_rewritten(one, at) for one in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _rewritten(one, at) for key, one in value.items()}
    if "prefixItems" in schema:
        schema["items"] = schema.pop("prefixItems")
    if isinstance(schema.get("$ref"), str):
        return _lone_reference(schema, at)
    return schema


def _lone_reference(schema: Schema, at: str) -> Schema:
    """What stands beside a `$ref` is ignored in draft-07, so the reference moves into an `allOf`."""
    target = {"$ref": schema.pop("$ref").replace("#/$defs/", at)}
    return {"allOf": [target], **schema} if schema else target
