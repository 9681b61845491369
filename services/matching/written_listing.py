"""A listing as people write it: a JSON text with a list of instruments.

Owns the form of such a text, down to the type of every field. A listing that passes here can be listed: it goes into
the command log, where an entry that no writer writes is skipped with everything that it lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from services.matching.traded_instrument import INSTRUMENTS_MAX

NAME_MAX: Final = 256
CURRENCY_MAX: Final = 16
"""Letters of an instrument's name, and of its currency."""

_TEXTS: Final = ("symbol", "kind", "name", "currency", "tick_size")
_NUMBERS: Final = ("lot_size", "price_max", "quantity_max")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def read_listing(text: str) -> tuple[Instrument, ...]:
    """
    Read a listing, in its order.

    Raises:
        ConfigurationError: Names instrument, field and rule.
    """
    try:
        rows = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"is no JSON: {error}") from error
    if not isinstance(rows, list):
        raise ConfigurationError(f"must be a list of instruments, in [ ], not {_kind(rows)}")
    if len(rows) > INSTRUMENTS_MAX:
        raise ConfigurationError(f"lists {len(rows)} instruments, the limit is {INSTRUMENTS_MAX}")
    listing: dict[str, Instrument] = {}
    for number, row in enumerate(rows, 1):
        instrument = _instrument(row, number)
        if instrument.symbol in listing:
            raise ConfigurationError(f"instrument {number}: symbol {instrument.symbol!r} is listed twice")
        listing[instrument.symbol] = instrument
    return tuple(listing.values())


def _instrument(row: object, number: int) -> Instrument:
    if not isinstance(row, dict):
        raise ConfigurationError(f"instrument {number}: must be a map of fields, in {{ }}, not {_kind(row)}")
    where = f"instrument {number} ({str(row.get('symbol', 'without a symbol'))[:40]})"
    for field, value in row.items():
        if field not in Instrument._fields:
            raise ConfigurationError(
                f"{where}: there is no field {field!r}; fields are {', '.join(Instrument._fields)}"
            )
        rule = _broken_rule(field, value)
        if rule:
            raise ConfigurationError(f"{where}: {field} must be {rule}, not {json.dumps(value)[:60]}")
    if "symbol" not in row:
        raise ConfigurationError(f"{where}: symbol must be given")
    return Instrument(**row).checked()


def _broken_rule(field: str, value: object) -> str:
    """Return what a field must be and is not; empty if it is."""
    if field in _TEXTS:
        lengths = {"name": (0, NAME_MAX), "currency": (1, CURRENCY_MAX)}
        least, most = lengths.get(field, (0, NAME_MAX))
        return "" if isinstance(value, str) and least <= len(value) <= most else f"a text of {least} to {most} letters"
    if field in _NUMBERS:
        return "" if type(value) is int else "a whole number"
    if field == "option":
        return "" if value is None or _is_terms(value) else "null, or a map of texts and whole numbers"
    return "" if value is None or _is_session(value) else 'null, or {"opens": "HH:MM", "closes": "HH:MM"}, UTC'


def _is_terms(value: object) -> bool:
    return isinstance(value, Mapping) and all(type(each) in (str, int) for each in value.values())


def _is_session(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() == {"opens", "closes"}
        and all(isinstance(each, str) and _TIME.fullmatch(each) for each in value.values())
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one map")
    return found


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _kind(value: object) -> str:
    return {dict: "a map", str: "a text", type(None): "null"}.get(type(value), "a number")
