"""Commands: what the command log holds, and their bytes.

A log entry holds one or more commands, applied in order; its stream id's milliseconds are their time. Every command
names its writer (`source`) and that writer's running `number`, from 1, ascending in the log. A writer that is not
sure whether an append arrived appends the same commands again before any later one. The engine skips every number it
has already passed. So commands are idempotent, and the log may be read again from any earlier point.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import msgpack

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import MarketState, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.engine_version import BeginVersion
from shared.logs.market_commands import BeginAccounts, EndOrders, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.mass_quote import MassQuote
from shared.logs.option_commands import Exercise, SetSettlementPrice
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule

COMMANDS_IN_ENTRY_MAX: Final = 512
"""A writer starts another entry beyond this many commands, so that one entry never holds the engine for long."""
PRESENT_USERS_MAX: Final = 512
"""Users that one `Present` names; a writer names the rest in another."""
ACTIONS_MAX: Final = 50
"""Actions of one proposal, which are carried out as one command."""


class PlaceOrder(NamedTuple):
    """Enter an order. Gateways have checked its form; the engine checks what depends on the market."""

    source: str
    number: int
    user: str
    instrument: str
    client_order_id: str
    side: Side
    kind: OrderKind
    price: int
    """Ticks; 0 for a market order."""
    quantity: int
    time_in_force: TimeInForce
    post_only: bool
    """Reject instead of trading on arrival."""
    self_trade_prevention: SelfTradePrevention


class PlaceSpecial(NamedTuple):
    """
    Enter an order that asks more than `PlaceOrder` can say: its twelve fields, and six more.

    Also any order that is good for the day, till a date, or for an auction.
    """

    source: str
    number: int
    user: str
    instrument: str
    client_order_id: str
    side: Side
    kind: OrderKind
    price: int
    quantity: int
    time_in_force: TimeInForce
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    trigger: int
    """Price in ticks that a stop waits for; 0: the order is no stop."""
    protection_bp: int
    """How far beyond its trigger a stop without a limit may trade, in basis points; 0: the default."""
    expires_at: int
    """When an order good till date ends, µs since 1970; 0: with a trading day."""
    expires_on: str
    """The last trading day of one, as YYYY-MM-DD; "": it ends at a moment."""
    minimum: int
    """Lots of which the order trades so many on arrival or nothing; 0: as many as there are."""
    clearance: str
    """Names the permission that it uses; "": none."""


class CancelOrder(NamedTuple):
    """Cancel one resting order, named by exactly one of its two ids (the other is 0 or "")."""

    source: str
    number: int
    user: str
    order_id: int
    client_order_id: str


class ReplaceOrder(NamedTuple):
    """
    Change price or quantity of a resting order, keeping its ids.

    The order keeps its place in the queue only if the price stays and the quantity does not grow; otherwise it
    leaves the book and arrives anew, last at its price, trading if it now crosses.
    """

    source: str
    number: int
    user: str
    order_id: int
    client_order_id: str
    price: int | None
    """New price in ticks; None leaves it."""
    quantity: int | None
    """New total quantity, what has been filled included, so that a fill under way cannot overfill; None leaves it."""


class CancelAll(NamedTuple):
    """Cancel all of a user's resting orders, of one instrument or (None) of all."""

    source: str
    number: int
    user: str
    instrument: str | None


class SetCancelOnDisconnect(NamedTuple):
    """Switch on or off that a user's orders are cancelled when the user stays away. Asking for it is a sign of life."""

    source: str
    number: int
    user: str
    on: bool


class Present(NamedTuple):
    """
    Say who is there: users with cancel-on-disconnect on who are connected to the writer.

    A gateway says so about every second. One that died, froze or was cut off says nothing, which is all that the
    engine needs to know.
    """

    source: str
    number: int
    users: tuple[str, ...]
    """1 to PRESENT_USERS_MAX; those without cancel-on-disconnect do no harm."""


class Tick(NamedTuple):
    """Let time pass. The leader appends one every second; it makes a packet even when nothing happens."""

    source: str
    number: int
    clock_us: int = 0
    """The leader's own clock, µs since 1970: the log's may be wrong. 0: of a leader that does not tell."""


class PassTime(NamedTuple):
    """Have what is due happen now. The leader appends one where something waits; nobody's absence is counted by it."""

    source: str
    number: int
    clock_us: int
    """As of a `Tick`."""


class ListInstrument(NamedTuple):
    """Add an instrument to the market. Listing the same definition again changes nothing."""

    source: str
    number: int
    instrument: Instrument


class SetMarketState(NamedTuple):
    """Open or halt an instrument. While it is not open, orders are refused and cancels are not."""

    source: str
    number: int
    instrument: str
    state: MarketState
    reason: str


ActionCommand: TypeAlias = (
    BeginAccounts
    | MakeTransfer
    | SetLimits
    | SetGroups
    | SetTerms
    | ListInstrument
    | SetMarketState
    | EndOrders
    | SetRule
    | SetKill
    | SetClearance
    | SetSchedule
    | SetSettlementPrice
    | EndCall
)
ACTIONS: Final[dict[str, type[Any]]] = {
    "begin_accounts": BeginAccounts,
    "make_transfer": MakeTransfer,
    "set_limits": SetLimits,
    "set_groups": SetGroups,
    "set_terms": SetTerms,
    "list_instrument": ListInstrument,
    "set_market_state": SetMarketState,
    "end_orders": EndOrders,
    "set_rule": SetRule,
    "set_kill": SetKill,
    "set_clearance": SetClearance,
    "set_schedule": SetSchedule,
    "set_settlement_price": SetSettlementPrice,
    "end_call": EndCall,
}
"""What may be proposed, by name. Another one is a line here and in `ActionCommand`, its check ahead in
`services.matching.accounts.outlook`, whether it needs two in `proposals`, and its form in the gateway's requests."""


class ProposedAction(NamedTuple):
    """What is proposed."""

    name: str
    """One of ACTIONS."""
    command: ActionCommand
    """Its source, number and actor are of no meaning."""


class Propose(NamedTuple):
    """Ask for actions, all of them or none. Those that need two persons wait until another one confirms them."""

    source: str
    number: int
    actor: str
    proposal_id: str
    """In the form of a client_order_id. The same again changes nothing."""
    actions: tuple[ProposedAction, ...]
    """1 to ACTIONS_MAX."""


class Confirm(NamedTuple):
    """Have a proposal of somebody else carried out. The same again changes nothing."""

    source: str
    number: int
    actor: str
    proposal_id: str
    of_compliance: bool = False
    """Whether the actor may confirm actions of compliance alone."""
    withdraws: bool = False
    """Take back the actor's own proposal instead: it waits no longer."""


class ReadMarket(NamedTuple):
    """Ask what is set and what waits. It changes nothing; in the log it has its place, and shows who has looked."""

    source: str
    number: int
    actor: str
    start: int
    """Rows before the first one wanted."""


Command: TypeAlias = (
    PlaceOrder
    | PlaceSpecial
    | CancelOrder
    | ReplaceOrder
    | CancelAll
    | Tick
    | PassTime
    | BeginVersion
    | ListInstrument
    | SetMarketState
    | SetCancelOnDisconnect
    | Present
    | BeginAccounts
    | MakeTransfer
    | SetLimits
    | SetGroups
    | SetTerms
    | EndOrders
    | SetSchedule
    | EndCall
    | Propose
    | Confirm
    | ReadMarket
    | SetRule
    | SetKill
    | SetClearance
    | MassQuote
    | Exercise
    | SetSettlementPrice
)

_CODES: Final[dict[type[Any], int]] = {
    PlaceOrder: 1,
    CancelOrder: 2,
    ReplaceOrder: 3,
    CancelAll: 4,
    Tick: 5,
    ListInstrument: 6,
    SetMarketState: 7,
    SetCancelOnDisconnect: 8,
    Present: 9,
    PlaceSpecial: 10,
    BeginAccounts: 11,
    MakeTransfer: 12,
    SetLimits: 13,
    SetGroups: 14,
    SetTerms: 15,
    EndOrders: 16,
    Propose: 17,
    Confirm: 18,
    ReadMarket: 19,
    SetRule: 22,
    SetKill: 23,
    SetClearance: 24,
    MassQuote: 25,
    Exercise: 26,
    SetSettlementPrice: 27,
    SetSchedule: 20,
    EndCall: 21,
    PassTime: 28,
    BeginVersion: 29,
}
_OF_THE_LOG: Final = ("source", "number", "actor")
_SIDES: Final = {side.value: side for side in Side}
_KINDS: Final = {kind.value: kind for kind in OrderKind}
_TIMES: Final = {time_in_force.value: time_in_force for time_in_force in TimeInForce}
_PREVENTIONS: Final = {prevention.value: prevention for prevention in SelfTradePrevention}


def encode_commands(commands: list[Command]) -> bytes:
    """Pack the commands of one log entry."""
    packed: bytes = msgpack.packb([(_CODES[type(command)], *command) for command in commands])
    return packed


def decode_commands(data: bytes) -> list[Command]:
    """
    Unpack one log entry.

    Raises:
        MalformedMessage: If the bytes are not what `encode_commands` writes.
    """
    try:
        return [_command(row) for row in _array(msgpack.unpackb(data))]
    except (ValueError, TypeError, LookupError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no array of commands: {error!r}") from error


def _array(value: Any) -> list[Any]:
    """Refuse an empty map or string, which would pass for an entry without commands."""
    if not isinstance(value, list):
        raise TypeError(f"an array is needed, not {type(value).__name__}")
    return value


def read_actions(rows: Any) -> tuple[ProposedAction, ...]:
    """
    Make actions of rows as msgpack gives them.

    Raises:
        TypeError: If they are no rows of actions; or ValueError, or LookupError.
    """
    return tuple(map(_action, _array(rows)))


def shown_fields(command: ActionCommand) -> dict[str, Any]:
    """
    Return an action's own fields as it is shown to whoever confirms it, those of limits and definitions named.

    What the log needs is left out, and what is empty if nothing is said.
    """
    defaults = command._field_defaults
    return {
        field: _named(value)
        for field, value in command._asdict().items()
        if field not in _OF_THE_LOG and (value or field not in defaults or defaults[field] != value)
    }


def _named(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {field: each for field, each in value._asdict().items() if each is not None}
    return value


def _action(row: Any) -> ProposedAction:
    name, fields = _array(row)
    command: Any = _command([_CODES[ACTIONS[name]], *_array(fields)])
    return ProposedAction(name, command)


def _command(row: list[Any]) -> Command:  # noqa: PLR0911 - one line a kind
    code, *fields = row
    match code:
        case 1:
            fields[5] = _SIDES[fields[5]]
            fields[6] = _KINDS[fields[6]]
            fields[9] = _TIMES[fields[9]]
            fields[11] = _PREVENTIONS[fields[11]]
            return PlaceOrder._make(fields)
        case 2:
            return CancelOrder._make(fields)
        case 3:
            return ReplaceOrder._make(fields)
        case 4:
            return CancelAll._make(fields)
        case 5:
            return Tick(*fields)
        case 6:
            source, number, instrument = fields
            return ListInstrument(source, number, Instrument(*instrument))
        case 7:
            source, number, symbol, state, reason = fields
            return SetMarketState(source, number, symbol, MarketState(state), reason)
        case 8:
            return SetCancelOnDisconnect._make(fields)
        case 9:
            source, number, users = fields
            return Present(source, number, tuple(_array(users)))
    return _market_command(code, fields)


def _set_terms(fields: list[Any]) -> SetTerms:
    command = SetTerms(*fields)
    return command._replace(tick_table=tuple([(at, step) for at, step in command.tick_table]))


def _market_command(code: object, fields: list[Any]) -> Command:  # noqa: C901, PLR0911, PLR0912 - one line a kind
    match code:
        case 10:
            fields[5] = _SIDES[fields[5]]
            fields[6] = _KINDS[fields[6]]
            fields[9] = _TIMES[fields[9]]
            fields[11] = _PREVENTIONS[fields[11]]
            return PlaceSpecial._make(fields)
        case 11:
            return BeginAccounts(*fields)
        case 12:
            fields[4] = TransferKind(fields[4])
            return MakeTransfer._make(fields)
        case 13:
            fields[6] = Limits._make(_array(fields[6]))
            return SetLimits._make(fields)
        case 14:
            fields[4] = tuple(_array(fields[4]))
            return SetGroups._make(fields)
        case 15:
            return _set_terms(fields)
        case 16:
            return EndOrders._make(fields)
        case 17:
            fields[4] = read_actions(fields[4])
            return Propose._make(fields)
        case 18:
            return Confirm(*fields)
        case 19:
            return ReadMarket._make(fields)
        case 20:
            fields[5] = tuple([ScheduledStep._make(_array(row)) for row in _array(fields[5])])
            return SetSchedule._make(fields)
        case 21:
            return EndCall._make(fields)
        case 28:
            return PassTime._make(fields)
        case 29:
            return BeginVersion._make(fields)
    return _rule_command(code, fields)


def _rule_command(code: object, fields: list[Any]) -> Command:
    match code:
        case 22:
            fields[4] = RuleKind(fields[4])
            fields[5], fields[6] = tuple(_array(fields[5])), tuple(_array(fields[6]))
            fields[9] = RuleParameters._make(_array(fields[9]))
            return SetRule._make(fields)
        case 23:
            return SetKill._make(fields)
        case 24:
            fields[6] = _SIDES[fields[6]]
            return SetClearance._make(fields)
        case 25:
            fields[4] = tuple(QuotedPair._make(_array(pair)) for pair in _array(fields[4]))
            return MassQuote._make(fields)
        case 26:
            return Exercise._make(fields)
        case 27:
            return SetSettlementPrice._make(fields)
    raise ValueError(f"unknown command {code!r}")
