"""Client requests: what they may hold, checked at the boundary with pydantic.

Owns the form of every request and the sentence that names a broken rule. What depends on the market (whether an
instrument exists, its highest price) is checked where that is known. What single fields may hold is in `request_rules`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import InvalidRequest, MalformedMessage
from openoutcry.wire.request_limits import (
    EVERY_INSTRUMENT,
    INSTRUMENTS_IN_REQUEST_MAX,
    REQUEST_BYTES_MAX,
    TOKEN_LETTERS_MAX,
)
from openoutcry.wire.types import (
    DEPTHS,
    EPOCH_MAX,
    INTERVALS_MS,
    Code,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from openoutcry.wire.value_text import value_text
from services.gateway.exercise_request import ExerciseRequest
from services.gateway.quote_request import QuoteRequest, quote_fault
from services.gateway.request_map import KEY_LETTERS_MAX, FaultyMap, decode_map
from services.gateway.request_rules import (
    Channel,
    ClientOrderId,
    Counter,
    LotsField,
    OrderIdField,
    RequestForm,
    RequestId,
    Symbol,
    SymbolOrEvery,
    TicksField,
    Uint32,
    broken_code,
    has_float,
    sentence,
    whole,
)
from shared.logs.commands import ACTIONS_MAX
from shared.order_form import PROTECTION_BP_MAX, form_fault

AT_ONCE_BYTES_MAX: Final = 1024
"""A longer request is looked at before it is validated: to say all that can be wrong with it takes milliseconds."""
SomeOrEvery: TypeAlias = Annotated[list[SymbolOrEvery], Field(min_length=1, max_length=INSTRUMENTS_IN_REQUEST_MAX)]


class Login(RequestForm):
    """Name the user, where the handshake carried no token; later, extend the session by a newer one."""

    op: Literal["login"]
    token: Annotated[StrictStr, Field(min_length=1, max_length=TOKEN_LETTERS_MAX)]


class Subscribe(RequestForm):
    """Join channels. Each sends its present state first, then its changes."""

    op: Literal["subscribe"]
    channel: Channel
    instruments: SomeOrEvery = [EVERY_INSTRUMENT]  # noqa: RUF012 - pydantic copies it
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


class Unsubscribe(RequestForm):
    """Leave channels."""

    op: Literal["unsubscribe"]
    channel: Channel
    instruments: SomeOrEvery = [EVERY_INSTRUMENT]  # noqa: RUF012 - pydantic copies it


class Resync(RequestForm):
    """Ask for a fresh snapshot of a subscribed book."""

    op: Literal["resync"]
    instrument: Symbol


class Instruments(RequestForm):
    """Ask for all definitions."""

    op: Literal["instruments"]


class Ping(RequestForm):
    """Ask for nothing but a reply; its data holds `server_time`."""

    op: Literal["ping"]


class ConfirmPresence(RequestForm):
    """Say that the program's own code runs; from the first one on its connection counts as open by its requests."""

    op: Literal["present"]


class NewOrder(RequestForm):
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
        if self.time_in_force is not TimeInForce.GTC and (fault := _time_fault(self)) is not None:
            raise ValueError(fault)
        return self


class SpecialOrder(NewOrder):
    """Enter an order."""

    trigger: TicksField | None = None
    """The order waits, in no book, until something trades at this price or beyond: at it or above for a bid, at it or
    below for an ask."""
    protection_bp: Annotated[StrictInt, Field(ge=1, le=PROTECTION_BP_MAX)] | None = None
    """How far beyond its trigger a stop without a limit may trade; null is 500."""
    expires_at: Annotated[StrictInt, Field(ge=1, le=EPOCH_MAX)] | None = None
    """When an order that is `gtd` ends."""
    expires_on: Annotated[StrictStr, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    """The last trading day of an order that is `gtd`, as YYYY-MM-DD; instead of `expires_at`."""
    minimum: LotsField | None = None
    """Trade so many on arrival, or nothing."""
    clearance: ClientOrderId | None = None
    """Names the permission that the order uses."""

    @model_validator(mode="after")
    def _kind_fits(self) -> SpecialOrder:
        fault = form_fault(self)
        if fault is not None:
            raise ValueError(fault)
        return self


def _time_fault(order: NewOrder) -> str | None:
    """Return why an order with nothing special to it cannot be other than good till cancelled, or None."""
    times = order.time_in_force
    if times is TimeInForce.QUOTE:
        return "time_in_force: quote is that of quotes alone"
    if times is TimeInForce.GTD:
        return "expires_at: an order good till date names either expires_at or expires_on"
    if times is TimeInForce.DAY and order.kind is OrderKind.MARKET:
        return f"time_in_force: a market order does not wait, and cannot be {times}"
    if order.post_only and times is not TimeInForce.DAY:
        return f"post_only: a {times} order cannot rest"
    return None


class _NamesOrder(RequestForm):
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


class CancelEvery(RequestForm):
    """Cancel all open orders, of one instrument or of all."""

    op: Literal["cancel_all"]
    instrument: Symbol | None = None


class Administer(RequestForm):
    """Propose actions of the market's administration, all or none of them; for `admin` and `compliance`."""

    op: Literal["admin"]
    proposal_id: ClientOrderId
    """The administrator's own name for it: the same again changes nothing."""
    actions: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=ACTIONS_MAX)]
    """Each names its `action`, and has that action's fields."""


class ConfirmProposal(RequestForm):
    """Have another administrator's proposal carried out; for `admin` and `compliance`."""

    op: Literal["confirm"]
    proposal_id: ClientOrderId


class WithdrawProposal(RequestForm):
    """Take back a proposal of one's own that waits; for `admin` and `compliance`."""

    op: Literal["withdraw"]
    proposal_id: ClientOrderId


class ShowMarket(RequestForm):
    """Ask what is set and what waits, a part at a time; for the roles `admin`, `compliance` and `auditor`."""

    op: Literal["market"]
    start: Counter = 0


class CancelOnDisconnect(RequestForm):
    """Have all open orders cancelled when the user stays away, or no longer; it holds until it is asked for again."""

    op: Literal["cancel_on_disconnect"]
    on: StrictBool


OfficeRequest: TypeAlias = Administer | ConfirmProposal | WithdrawProposal | ShowMarket
"""What only some roles may ask."""
OrderRequest: TypeAlias = (
    NewOrder | Cancel | Replace | CancelEvery | CancelOnDisconnect | QuoteRequest | ExerciseRequest | OfficeRequest
)
"""What the engine has to answer: counted against the rate of orders, and refused while the feed is not open."""
ORDER_REQUESTS: Final = (
    NewOrder,
    Cancel,
    Replace,
    CancelEvery,
    CancelOnDisconnect,
    QuoteRequest,
    ExerciseRequest,
    Administer,
    ConfirmProposal,
    WithdrawProposal,
    ShowMarket,
)
"""The same for `isinstance`, which takes a tuple faster than a union, and most orders are its first member."""

Request: TypeAlias = Login | Subscribe | Unsubscribe | Resync | Instruments | Ping | ConfirmPresence | OrderRequest
REQUEST_TYPES: Final[dict[str, type[RequestForm]]] = {
    "login": Login,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "resync": Resync,
    "instruments": Instruments,
    "ping": Ping,
    "present": ConfirmPresence,
    "order": SpecialOrder,
    "cancel": Cancel,
    "replace": Replace,
    "cancel_all": CancelEvery,
    "cancel_on_disconnect": CancelOnDisconnect,
    "quote": QuoteRequest,
    "exercise": ExerciseRequest,
    "admin": Administer,
    "confirm": ConfirmProposal,
    "withdraw": WithdrawProposal,
    "market": ShowMarket,
}
SPECIAL_FIELDS: Final = frozenset(SpecialOrder.model_fields) - frozenset(NewOrder.model_fields)
"""An order that has none of them is a `NewOrder`, which takes less to check, and most orders are."""
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
        raise InvalidRequest(broken_code(first), sentence(first), _readable_id(fields)) from error


def _fault_at_first_sight(kind: type[RequestForm], fields: dict[str, Any]) -> str:
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
    return quote_fault(fields.get("pairs"))


def _validated(kind: type[RequestForm], fields: dict[str, Any]) -> Request:
    if kind is SpecialOrder and SPECIAL_FIELDS.isdisjoint(fields):
        kind = NewOrder
    try:
        return kind.model_validate(fields)  # type: ignore[return-value]  # REQUEST_TYPES holds the members of Request
    except ValidationError:  # looked for only now: hardly anybody sends whole floats
        if not has_float(fields):
            raise
        return kind.model_validate(whole(fields))  # type: ignore[return-value]


def _readable_id(fields: dict[str, Any]) -> int | str | None:
    try:
        return _ID.validate_python(whole(fields.get("id"), 0))
    except ValidationError:
        return None


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))
