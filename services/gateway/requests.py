"""Client requests: what they may hold, checked at the boundary with pydantic.

Owns the form of every request and the sentence that names a broken rule. What depends on the market (whether an
instrument exists, its highest price) is checked where that is known. Unknown fields are refused: a misspelt
`post_only` must not become an order without it. A whole float is the integer that it equals, wherever one is asked for:
some msgpack libraries write integers above 2**32 so.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import InvalidRequest, MalformedMessage
from openoutcry.wire.request_limits import (
    EVERY_INSTRUMENT,
    ID_LETTERS_MAX,
    INSTRUMENTS_IN_REQUEST_MAX,
    REQUEST_BYTES_MAX,
    TOKEN_LETTERS_MAX,
)
from openoutcry.wire.types import (
    DEPTHS,
    EPOCH_MAX,
    INTERVALS_MS,
    PRICE_MAX,
    QUANTITY_MAX,
    Code,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from openoutcry.wire.value_text import value_text
from services.gateway.request_map import KEY_LETTERS_MAX, FaultyMap, decode_map

AT_ONCE_BYTES_MAX: Final = 1024
"""A longer request is looked at before it is validated: to say all that can be wrong with it takes milliseconds."""

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


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: RequestId
    """Echoed in the reply."""


class Login(_Request):
    """Name the user, where the handshake carried no token; later, extend the session by a newer one."""

    op: Literal["login"]
    token: Annotated[StrictStr, Field(min_length=1, max_length=TOKEN_LETTERS_MAX)]


class Subscribe(_Request):
    """Join channels. Each sends its present state first, then its changes."""

    op: Literal["subscribe"]
    channel: Channel
    instruments: Annotated[list[SymbolOrEvery], Field(min_length=1, max_length=INSTRUMENTS_IN_REQUEST_MAX)] = [
        EVERY_INSTRUMENT
    ]
    depth: StrictInt = 0
    interval_ms: StrictInt = 0
    resume: Annotated[dict[Symbol, tuple[Counter, Counter, Uint32]], Field(max_length=INSTRUMENTS_IN_REQUEST_MAX)] = (
        Field(default_factory=dict)
    )
    """Instrument to (epoch, seq, digest) of the book held; channel `book` only."""

    @model_validator(mode="after")
    def _listed_choices(self) -> Subscribe:
        if self.depth not in DEPTHS:
            raise ValueError(f"depth: must be one of {_listed(DEPTHS)}, not {self.depth}")
        if self.interval_ms not in INTERVALS_MS:
            raise ValueError(f"interval_ms: must be one of {_listed(INTERVALS_MS)}, not {self.interval_ms}")
        if self.depth and self.channel not in ("book", "top"):
            raise ValueError(f"depth: channel {self.channel} has none")
        if self.resume and self.channel != "book":
            raise ValueError(f"resume: channel {self.channel} has none")
        return self


class Unsubscribe(_Request):
    """Leave channels."""

    op: Literal["unsubscribe"]
    channel: Channel
    instruments: Annotated[list[SymbolOrEvery], Field(min_length=1, max_length=INSTRUMENTS_IN_REQUEST_MAX)] = [
        EVERY_INSTRUMENT
    ]


class Resync(_Request):
    """Ask for a fresh snapshot of a subscribed book."""

    op: Literal["resync"]
    instrument: Symbol


class Instruments(_Request):
    """Ask for all definitions."""

    op: Literal["instruments"]


class Ping(_Request):
    """Ask for nothing but a reply; its data holds `server_time`."""

    op: Literal["ping"]


class ConfirmPresence(_Request):
    """Say that the program's own code runs; from the first one on its connection counts as open by its requests."""

    op: Literal["present"]


class NewOrder(_Request):
    """Enter an order."""

    op: Literal["order"]
    client_order_id: ClientOrderId
    """The user's own name for it; unique among the user's recent orders, so that a repetition cannot trade twice."""
    instrument: Symbol
    side: Side
    kind: OrderKind = OrderKind.LIMIT
    price: TicksField | None = None
    """Ticks; required for limit orders, forbidden for market orders."""
    quantity: LotsField
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: StrictBool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST

    @model_validator(mode="after")
    def _kind_fits(self) -> NewOrder:
        if self.kind is OrderKind.LIMIT and self.price is None:
            raise ValueError("price: a limit order needs one")
        if self.kind is OrderKind.MARKET and self.price is not None:
            raise ValueError("price: a market order has none")
        if self.kind is OrderKind.MARKET and self.post_only:
            raise ValueError("post_only: a market order cannot rest")
        if self.time_in_force is not TimeInForce.GTC and self.post_only:
            raise ValueError(f"post_only: a {self.time_in_force} order cannot rest")
        return self


class _NamesOrder(_Request):
    client_order_id: ClientOrderId | None = None
    order_id: OrderIdField | None = None

    @model_validator(mode="after")
    def _one_name(self) -> _NamesOrder:
        if (self.client_order_id is None) == (self.order_id is None):
            raise ValueError("client_order_id: name the order by exactly one of client_order_id and order_id")
        return self


class Cancel(_NamesOrder):
    """Cancel one open order."""

    op: Literal["cancel"]


class Replace(_NamesOrder):
    """Change price or total quantity of one open order; it keeps its place if the price stays and nothing is added."""

    op: Literal["replace"]
    price: TicksField | None = None
    quantity: LotsField | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Replace:
        if self.price is None and self.quantity is None:
            raise ValueError("price: a replace names a new price, a new quantity or both")
        return self


class CancelEvery(_Request):
    """Cancel all open orders, of one instrument or of all."""

    op: Literal["cancel_all"]
    instrument: Symbol | None = None


class CancelOnDisconnect(_Request):
    """Have all open orders cancelled when the user stays away, or no longer; it holds until it is asked for again."""

    op: Literal["cancel_on_disconnect"]
    on: StrictBool


OrderRequest: TypeAlias = NewOrder | Cancel | Replace | CancelEvery | CancelOnDisconnect
"""What the engine has to answer: counted against the rate of orders, and refused while the feed is not open."""
ORDER_REQUESTS: Final = (NewOrder, Cancel, Replace, CancelEvery, CancelOnDisconnect)
"""The same for `isinstance`, which takes a tuple faster than a union, and most orders are its first member."""

Request: TypeAlias = Login | Subscribe | Unsubscribe | Resync | Instruments | Ping | ConfirmPresence | OrderRequest
REQUEST_TYPES: Final[dict[str, type[_Request]]] = {
    "login": Login,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "resync": Resync,
    "instruments": Instruments,
    "ping": Ping,
    "present": ConfirmPresence,
    "order": NewOrder,
    "cancel": Cancel,
    "replace": Replace,
    "cancel_all": CancelEvery,
    "cancel_on_disconnect": CancelOnDisconnect,
}
_CODE_BY_FIELD: Final = {"price": Code.PRICE_OUT_OF_RANGE, "quantity": Code.QUANTITY_OUT_OF_RANGE}
_RANGE_ERRORS: Final = ("greater_than_equal", "less_than_equal")
_ID_RULE: Final = f"must be a whole number from 0 to {EPOCH_MAX} or a text of at most {ID_LETTERS_MAX} letters"
"""The one field with a choice of types, so the one whose rule is not that of the branch that failed first."""
FIELD_LEVELS: Final = 3
"""Depth of the deepest numbers in a request: `resume` is a map of arrays."""
_ID: Final[TypeAdapter[int | str]] = TypeAdapter(RequestId)


def decode_request(payload: bytes, encoding: Encoding) -> Request:
    """
    Decode and check one client frame's payload.

    Raises:
        InvalidRequest: With a code, a sentence that names field, rule and limit, and the request's id where one
            could be read.
    """
    if len(payload) > REQUEST_BYTES_MAX:
        raise InvalidRequest(Code.TOO_LARGE, f"a request may have {REQUEST_BYTES_MAX} bytes, this has {len(payload)}")
    try:
        fields = decode_map(payload, encoding)
    except FaultyMap as fault:
        raise InvalidRequest(Code.BAD_REQUEST, str(fault), _readable_id(fault.fields)) from fault
    except MalformedMessage as error:
        raise InvalidRequest(Code.BAD_REQUEST, str(error)) from error
    kind = REQUEST_TYPES.get(op) if isinstance(op := fields.get("op"), str) else None
    if kind is None:
        known = ", ".join(REQUEST_TYPES)
        raise InvalidRequest(Code.UNKNOWN_OP, f"op: must be one of {known}, not {value_text(op)}", _readable_id(fields))
    if len(payload) > AT_ONCE_BYTES_MAX and (wrong := _fault_at_first_sight(kind, fields)):
        raise InvalidRequest(Code.BAD_REQUEST, wrong, _readable_id(fields))
    try:
        return _validated(kind, fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=True)[0]
        raise InvalidRequest(_code(first), _sentence(first), _readable_id(fields)) from error


def _fault_at_first_sight(kind: type[_Request], fields: dict[str, Any]) -> str:
    """
    Return what is wrong at first sight, "" if nothing.

    The validation makes an error of everything that is wrong, and would take ten milliseconds for a thousand of them.
    """
    if not fields.keys() <= kind.model_fields.keys():
        unknown = next(name for name in fields if name not in kind.model_fields)
        return f"{unknown[:KEY_LETTERS_MAX]}: is no field of this request"
    for name in ("instruments", "resume"):
        held = fields.get(name)
        if isinstance(held, list | dict) and len(held) > INSTRUMENTS_IN_REQUEST_MAX:
            return f"{name}: may have {INSTRUMENTS_IN_REQUEST_MAX} entries, this has {len(held)}"
    return ""


def _validated(kind: type[_Request], fields: dict[str, Any]) -> Request:
    try:
        return kind.model_validate(fields)  # type: ignore[return-value]  # REQUEST_TYPES holds the members of Request
    except ValidationError:  # looked for only now: hardly anybody sends whole floats
        if not _has_float(fields):
            raise
        return kind.model_validate(_whole(fields))  # type: ignore[return-value]


def _has_float(value: Any, levels: int = FIELD_LEVELS) -> bool:
    """Tell whether there is a float among these, in arrays and maps too."""
    if levels and isinstance(value, list | dict):
        return any(_has_float(held, levels - 1) for held in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def _whole(value: Any, levels: int = FIELD_LEVELS) -> Any:
    """Return the same with whole floats below 2**53, in arrays and maps too, as the integers that they equal."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= EPOCH_MAX else value
    if levels and isinstance(value, list):
        return [_whole(held, levels - 1) for held in value]
    if levels and isinstance(value, dict):
        return {key: _whole(held, levels - 1) for key, held in value.items()}
    return value


def _readable_id(fields: dict[str, Any]) -> int | str | None:
    try:
        return _ID.validate_python(_whole(fields.get("id"), 0))
    except ValidationError:
        return None


def _code(error: ErrorDetails) -> Code:
    field = error["loc"][0] if error["loc"] else ""
    if field == "price" and isinstance(error["input"], float):
        return Code.PRICE_OUT_OF_RANGE if error["input"].is_integer() else Code.OFF_TICK
    if error["type"] in _RANGE_ERRORS:
        return _CODE_BY_FIELD.get(str(field), Code.BAD_REQUEST)
    return Code.BAD_REQUEST


def _sentence(error: ErrorDetails) -> str:
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


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))
