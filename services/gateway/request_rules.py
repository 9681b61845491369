"""The form of what clients ask: the types of single fields, and the sentence that names a broken rule.

Owns what requests and the actions of administrators have in common. Unknown fields are refused: a misspelt `post_only`
must not become an order without it. A whole float is the integer that it equals, wherever one is asked for: some
msgpack libraries write integers above 2**32 so.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from pydantic_core import ErrorDetails

from openoutcry.wire.request_limits import ID_LETTERS_MAX
from openoutcry.wire.types import EPOCH_MAX, PRICE_MAX, QUANTITY_MAX, Code
from openoutcry.wire.value_text import value_text

Symbol: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,23}$")]
SymbolOrEvery: TypeAlias = Annotated[StrictStr, Field(pattern=r"^(\*|[A-Z0-9][A-Z0-9._-]{0,23})$")]
ClientOrderId: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._:-]{1,36}$")]
IdNumber: TypeAlias = Annotated[StrictInt, Field(ge=0, le=EPOCH_MAX)]
IdText: TypeAlias = Annotated[StrictStr, Field(max_length=ID_LETTERS_MAX)]
RequestId: TypeAlias = IdNumber | IdText
TicksField: TypeAlias = Annotated[StrictInt, Field(ge=1, le=PRICE_MAX)]
LotsField: TypeAlias = Annotated[StrictInt, Field(ge=1, le=QUANTITY_MAX)]
OrderIdField: TypeAlias = Annotated[StrictInt, Field(ge=1, le=EPOCH_MAX)]
Uint32: TypeAlias = Annotated[StrictInt, Field(ge=0, le=2**32 - 1)]
Counter: TypeAlias = Annotated[StrictInt, Field(ge=0, le=EPOCH_MAX)]
Channel: TypeAlias = Literal["book", "top", "ticker", "trades", "account", "status"]


class RequestForm(BaseModel):
    """What all requests have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: RequestId
    """Echoed in the reply."""


_CODE_BY_FIELD: Final = {"price": Code.PRICE_OUT_OF_RANGE, "quantity": Code.QUANTITY_OUT_OF_RANGE}
_RANGE_ERRORS: Final = ("greater_than_equal", "less_than_equal")
_ID_RULE: Final = f"must be a whole number from 0 to {EPOCH_MAX} or a text of at most {ID_LETTERS_MAX} letters"
"""The one field with a choice of types, so the one whose rule is not that of the branch that failed first."""
FIELD_LEVELS: Final = 3
"""Depth of the deepest numbers in a request: `resume` is a map of arrays, and so is an option's map in an action."""


def has_float(value: Any, levels: int = FIELD_LEVELS) -> bool:
    """Tell whether there is a float among these, in arrays and maps too."""
    if levels and isinstance(value, list | dict):
        return any(has_float(held, levels - 1) for held in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def whole(value: Any, levels: int = FIELD_LEVELS) -> Any:
    """Return the same with whole floats below 2**53, in arrays and maps too, as the integers that they equal."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= EPOCH_MAX else value
    if levels and isinstance(value, list):
        return [whole(held, levels - 1) for held in value]
    if levels and isinstance(value, dict):
        return {key: whole(held, levels - 1) for key, held in value.items()}
    return value


def broken_code(error: ErrorDetails) -> Code:
    """Return the code of a refusal for the first rule that was broken."""
    field = error["loc"][0] if error["loc"] else ""
    if field == "price" and isinstance(error["input"], float):
        return Code.PRICE_OUT_OF_RANGE if error["input"].is_integer() else Code.OFF_TICK
    if error["type"] in _RANGE_ERRORS:
        return _CODE_BY_FIELD.get(str(field), Code.BAD_REQUEST)
    return Code.BAD_REQUEST


def sentence(error: ErrorDetails) -> str:
    """Name the field that is wrong, its rule, and what it was."""
    if error["type"] == "value_error" and not error["loc"]:
        return str(error["ctx"]["error"])
    field = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("constrained-", "function-")))
    match error["type"]:
        case "missing":
            return f"{field}: is required"
        case "extra_forbidden":
            return f"{field}: is no field of this request"
    rule = _ID_RULE if field == "id" else _rule(field, error)
    return f"{field}: {rule}, not {value_text(error['input'])}"


def _rule(field: str, error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "int_type" | "int_from_float":
            return _number_rule(field, error["input"])
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}"
        case "enum" | "literal_error":
            return f"must be one of {str(context['expected']).replace(' or ', ', ')}"
        case _:
            return error["msg"][0].lower() + error["msg"][1:]


def _number_rule(field: str, given: object) -> str:
    if field != "price":
        return "must be a whole number"
    is_beyond = isinstance(given, float) and given.is_integer()
    return f"must be from 1 to {PRICE_MAX}" if is_beyond else "must be a whole number of ticks"
