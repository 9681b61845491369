"""What callers give, checked before anything is sent: integers of any kind, texts, True or False.

A price is a whole number of ticks. What is no integer is never rounded here: an order at 99.9 that became one at 99
would be somebody's loss. Ranges are the exchange's business, which knows the instrument.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final

from openoutcry.wire.errors import InvalidArgument

_UNITS: Final = {
    "price": " of ticks",
    "quantity": " of lots",
    "depth": " of levels",
    "interval_ms": " of milliseconds",
    "order_id": "",
}
_ADVICE: Final = {"price": "; Instrument.ticks turns an amount of money into ticks"}
_SWITCHES: Final = ("post_only", "on")


def checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a request's fields as they are sent, without those that are None.

    Raises:
        InvalidArgument: Names the field, its rule and the value.
    """
    return {name: _checked(name, value) for name, value in fields.items() if value is not None}


def whole_number(name: str, value: object) -> int:
    """
    Return an `int` of anything that is an integer, such as numpy's; not of a bool, a float, a Decimal or a text.

    Raises:
        InvalidArgument: Names the field, its unit, and the way out.
    """
    if isinstance(value, bool):
        raise _refused(name, f"is a whole number{_UNITS[name]}", value)
    try:
        return operator.index(value)  # type: ignore[arg-type]  # which is asked here
    except TypeError:
        raise _refused(name, f"is a whole number{_UNITS[name]}", value) from None


def _checked(name: str, value: object) -> object:
    if name in _UNITS:
        return value if type(value) is int else whole_number(name, value)
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise _refused(name, "is True or False", value)
    elif not isinstance(value, str):
        raise _refused(name, "is a text", value)
    return value


def _refused(name: str, rule: str, value: object) -> InvalidArgument:
    shown = repr(value)[:60]
    return InvalidArgument(f"{name}: {rule}, not {shown} ({type(value).__name__}){_ADVICE.get(name, '')}")
