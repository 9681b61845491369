"""JSON Schemas that messages and requests have in common: enumerations, levels, close codes."""

from __future__ import annotations

import enum
import re
from typing import Final

from openoutcry.wire.close_codes import CloseCode, may_reconnect
from openoutcry.wire.types import (
    PRICE_MAX,
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    OrderKind,
    Phase,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)
from tools.reference.protocol.field_docs import class_doc, field_docs
from tools.reference.protocol.meanings import Schema, between

ENUMERATIONS: Final[tuple[type[enum.StrEnum], ...]] = (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    OrderKind,
    Phase,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)


def definition_name(class_name: str) -> str:
    """Return the name under which a class stands in `$defs`: `TimeInForce` is `time_in_force`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


def reference(kind: type) -> Schema:
    """Return a reference to a class's definition."""
    return {"$ref": f"#/$defs/{definition_name(kind.__name__)}"}


def enumerations() -> dict[str, Schema]:
    """Return the definition of every closed set of names."""
    return {definition_name(kind.__name__): _enumeration(kind) for kind in ENUMERATIONS}


def common_definitions() -> dict[str, Schema]:
    """Return what messages need beside themselves."""
    return {
        "snapshot_level": _level(
            "A price level: [price, quantity, orders].",
            [
                ("price", "ticks", 1, "Of the level; no other level of the side has it."),
                ("quantity", "lots", 1, "Of all orders that wait here, together."),
                ("orders", "", 1, "How many orders wait here."),
            ],
        ),
        "delta_level": _level(
            "A changed price level: [price, new quantity]; quantity 0 removes it.",
            [
                ("price", "ticks", 1, "Of the level; no other level of the side has it."),
                ("quantity", "lots", 0, "Of all orders that wait here, together, from now on."),
            ],
        ),
        "close_code": _close_code(),
        **enumerations(),
    }


def _enumeration(kind: type[enum.StrEnum]) -> Schema:
    members = {kind[name].value: text for name, text in field_docs(kind).items() if name in kind.__members__}
    schema: Schema = {"description": class_doc(kind), "type": "string", "enum": [member.value for member in kind]}
    if members:
        schema["x-enum-descriptions"] = members
    return schema


def _level(description: str, columns: list[tuple[str, str, int, str]]) -> Schema:
    fields = []
    for title, unit, low, text in columns:
        field: Schema = {"title": title, "type": "integer", **between(low), "description": text}
        if title == "price":
            field["maximum"] = PRICE_MAX
        if unit:
            field["x-unit"] = unit
        fields.append(field)
    return {
        "description": description,
        "type": "array",
        "prefixItems": fields,
        "minItems": len(fields),
        "maxItems": len(fields),
    }


def _close_code() -> Schema:
    docs = field_docs(CloseCode)
    advice = {
        str(code.value): f"{code.name.lower()}: {docs[code.name]} "
        + ("May reconnect." if may_reconnect(code) else "Must not reconnect before something has changed.")
        for code in CloseCode
    }
    return {
        "description": class_doc(CloseCode),
        "type": "integer",
        "enum": [code.value for code in CloseCode],
        "x-enum-descriptions": advice,
    }
