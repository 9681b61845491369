"""The members of an answer's rows: one table says how each is written as JSON, as CSV and as Parquet.

Prices and quantities are whole numbers of ticks and lots, with the decimal text beside them. Amounts are text alone:
they pass what a program's numbers hold exactly.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from openoutcry.wire.account import amount_text
from services.ledger.queries.iso_time import time_text
from services.ledger.queries.listing import Listing


class Kind(enum.Enum):
    """What a member is."""

    INTEGER = enum.auto()
    TEXT = enum.auto()
    """A name, a word of ours, an id."""
    FLAG = enum.auto()
    TIME = enum.auto()
    """µs in the tables; 0 is none."""
    PRICE = enum.auto()
    """Ticks."""
    QUANTITY = enum.auto()
    """Lots."""
    MONEY = enum.auto()
    """Millionths."""
    AMOUNT = enum.auto()
    """Lots or millionths, as its asset says."""
    OBJECT = enum.auto()
    """JSON in the tables."""


class RowMember(NamedTuple):
    """One of them."""

    name: str
    kind: Kind
    meaning: str
    instrument: str = "instrument"
    """The row's column that names the instrument, or the asset."""
    for_readers_of_all: bool = False
    """Whether auditors and compliance alone see it."""


Shape = tuple[RowMember, ...]
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_INTEGER: Final[dict[str, Any]] = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
_DECIMAL: Final[dict[str, Any]] = {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_SCHEMAS: Final[dict[Kind, dict[str, Any]]] = {
    Kind.INTEGER: {**_INTEGER, "type": ["integer", "null"]},
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.FLAG: {"type": "boolean"},
    Kind.TIME: {"type": ["string", "null"], "description": "UTC, six decimals; null: none"},
    Kind.PRICE: {**_INTEGER, "type": ["integer", "null"]},
    Kind.QUANTITY: {**_INTEGER, "type": ["integer", "null"]},
    Kind.MONEY: _DECIMAL,
    Kind.AMOUNT: _DECIMAL,
    Kind.OBJECT: {},
}
BESIDE: Final = "_text"
"""What the name of a decimal text ends with that stands beside a whole number."""


WITH_TEXT: Final = frozenset((Kind.PRICE, Kind.QUANTITY))
"""Kinds that have a decimal text beside them."""
_WRITTEN: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.TIME: lambda value: time_text(value) if value else None,
    Kind.MONEY: amount_text,
    Kind.FLAG: bool,
    Kind.OBJECT: json.loads,
}


def shape_for(shape: Shape, *, sees_all: bool) -> Shape:
    """Return the members that somebody may see."""
    return tuple(member for member in shape if sees_all or not member.for_readers_of_all)


def row_schema(shape: Shape) -> dict[str, Any]:
    """Describe a row as JSON Schema does; members that not all see are not required."""
    properties: dict[str, Any] = {}
    required = []
    for member in shape:
        names = [member.name]
        properties[member.name] = {"description": member.meaning, **_SCHEMAS[member.kind]}
        if member.kind in WITH_TEXT:
            names.append(member.name + BESIDE)
            unit = "currency" if member.kind is Kind.PRICE else "units"
            properties[member.name + BESIDE] = {**_DECIMAL, "description": f"The same in {unit}, as decimal text."}
        required += [] if member.for_readers_of_all else names
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def columns(shape: Shape, rows: Sequence[Mapping[str, Any]], listing: Listing) -> dict[str, list[Any]]:
    """Return rows as JSON has them, by the name of each column; a column at a time, since that is quicker."""
    found = {}
    for member in shape:
        values = [row[member.name] for row in rows]
        found[member.name] = _written(member, values, rows, listing)
        if member.kind in WITH_TEXT:
            found[member.name + BESIDE] = _beside(member, values, rows, listing)
    return found


def render(shape: Shape, row: Mapping[str, Any], listing: Listing) -> dict[str, Any]:
    """Return a row as JSON has it."""
    return render_all(shape, [row], listing)[0]


def render_all(shape: Shape, rows: Sequence[Mapping[str, Any]], listing: Listing) -> list[dict[str, Any]]:
    """Return rows as JSON has them."""
    found = columns(shape, rows, listing)
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


def cell_names(shape: Shape) -> list[str]:
    """Return the names of what `render` gives, in order."""
    return [
        name
        for member in shape
        for name in ((member.name, member.name + BESIDE) if member.kind in WITH_TEXT else (member.name,))
    ]


def amount_of(asset: str, amount: int, listing: Listing) -> str:
    """Write lots as a whole number, money with six places."""
    return str(amount) if asset in listing else amount_text(amount)


def _written(member: RowMember, values: list[Any], rows: Sequence[Mapping[str, Any]], listing: Listing) -> list[Any]:
    if member.kind is Kind.AMOUNT:
        return [amount_of(row[member.instrument], row[member.name], listing) for row in rows]
    written = _WRITTEN.get(member.kind)
    return values if written is None else [None if value is None else written(value) for value in values]


def _beside(
    member: RowMember, values: list[Any], rows: Sequence[Mapping[str, Any]], listing: Listing
) -> list[str | None]:
    found: list[str | None] = []
    for value, row in zip(values, rows, strict=True):
        listed = listing.get(row[member.instrument])
        if listed is None or value is None:
            found.append(None)
        else:
            found.append(listed.price_text(value) if member.kind is Kind.PRICE else str(listed.units(value)))
    return found
