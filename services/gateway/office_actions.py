"""The actions that administrators propose: what their fields may hold, and the commands that they become.

Owns the form of every action and its sentence for a broken rule, as `requests` does for requests. What depends on the
market is the engine's to check. Actions have the commands' names; see `shared.logs.commands.ACTIONS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError, model_validator

from openoutcry.wire.instrument import KINDS, Instrument
from openoutcry.wire.tick_table import TICK_ROWS_MAX
from openoutcry.wire.types import AMOUNT_MAX, EPOCH_MAX, PRICE_MAX, QUANTITY_MAX, MarketState, Side, TransferKind
from services.gateway.request_rules import ClientOrderId, Counter, Symbol, TicksField, has_float, sentence, whole
from shared.logs.commands import ActionCommand, ListInstrument, ProposedAction, SetMarketState
from shared.logs.market_commands import (
    GROUPS_OF_USER_MAX,
    NOTE_MAX,
    BeginAccounts,
    EndOrders,
    Limits,
    MakeTransfer,
    SetGroups,
    SetLimits,
    SetTerms,
)
from shared.logs.option_commands import SetSettlementPrice
from shared.logs.rule_commands import (
    RULE_GROUPS_MAX,
    RULE_INSTRUMENTS_MAX,
    RuleKind,
    RuleParameters,
    SetClearance,
    SetKill,
    SetRule,
)
from shared.logs.session_commands import STEPS_MAX, EndCall, ScheduledStep, SetSchedule

FIELDS_MAX: Final = 24
"""Of an action; one with more is not looked at any further."""
INSTRUMENT_NUMBER_MAX: Final = 2**31 - 1

User: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._@+-]{1,64}$")]
UserOrNone: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._@+-]{0,64}$")]
AccountName: TypeAlias = Annotated[StrictStr, Field(pattern=r"^(~bank|~issuer|[A-Za-z0-9._@+-]{1,64})$")]
Group: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
GroupOrNone: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._-]{0,32}$")]
Asset: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f]{1,24}$")]
FreeText: TypeAlias = Annotated[StrictStr, Field(pattern=rf"^[^\x00-\x1f\x7f]{{0,{NOTE_MAX}}}$")]
"""Halves of characters are refused too: they are no text."""
BasisPoints: TypeAlias = Annotated[StrictInt, Field(ge=1, le=9_999)]
Amount: TypeAlias = Annotated[StrictInt, Field(ge=1, le=AMOUNT_MAX)]
Number31: TypeAlias = Annotated[StrictInt, Field(ge=1, le=INSTRUMENT_NUMBER_MAX)]
Day: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
TickRow: TypeAlias = tuple[TicksField, TicksField]
"""From which price on, and the step."""
Seconds: TypeAlias = Annotated[StrictInt, Field(ge=0, le=86_400)]
StepRow: TypeAlias = tuple[
    Annotated[StrictStr, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")],
    Counter,
    Literal["open_call", "single_call", "uncross", "continuous", "batch", "close_call", "close"],
]
"""Trading day, time in µs, step."""
Clock: TypeAlias = Annotated[StrictStr, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class ActionForm(BaseModel, ABC):
    """What all actions have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @abstractmethod
    def command(self) -> ActionCommand:
        """Return what it becomes, of no source, number and actor of its own."""


class BeginAccountsForm(ActionForm):
    """Keep accounts from now on."""

    action: Literal["begin_accounts"]
    four_eyes: StrictBool = True

    def command(self) -> ActionCommand:
        """As `ActionForm`, like all that follow."""
        return BeginAccounts("", 0, "", self.four_eyes)


class MakeTransferForm(ActionForm):
    """Move lots or money from one account to another."""

    action: Literal["make_transfer"]
    transfer_id: ClientOrderId
    kind: TransferKind
    asset: Asset
    debit: AccountName
    credit: AccountName
    amount: Amount
    available_from: Counter = 0
    note: FreeText = ""
    cancel_orders: StrictBool = False

    def command(self) -> ActionCommand:
        """-."""
        return MakeTransfer(
            "",
            0,
            "",
            self.transfer_id,
            self.kind,
            self.asset,
            self.debit,
            self.credit,
            self.amount,
            self.available_from,
            self.note,
            self.cancel_orders,
        )


class SetLimitsForm(ActionForm):
    """Set all limits of a user, a group or everybody, in one instrument or in all; one that is left out ends."""

    action: Literal["set_limits"]
    user: UserOrNone = ""
    group: GroupOrNone = ""
    instrument: Symbol | None = None
    order_quantity_max: Amount | None = None
    order_value_max: Amount | None = None
    collar_bp: BasisPoints | None = None
    open_orders_max: Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX)] | None = None
    position_max: Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX)] | None = None
    messages_per_second: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    may_short: Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX)] | None = None

    @model_validator(mode="after")
    def _one_owner(self) -> SetLimitsForm:
        if self.user and self.group:
            raise ValueError("group: limits are of a user or of a group, not of both")
        return self

    def command(self) -> ActionCommand:
        """-."""
        limits = Limits(*(getattr(self, name) for name in Limits._fields))
        return SetLimits("", 0, "", self.user, self.group, self.instrument, limits)


class SetGroupsForm(ActionForm):
    """Say which groups a user is in, all of them."""

    action: Literal["set_groups"]
    user: User
    groups: Annotated[list[Group], Field(max_length=GROUPS_OF_USER_MAX)]

    def command(self) -> ActionCommand:
        """-."""
        return SetGroups("", 0, "", self.user, tuple(self.groups))


class SetTermsForm(ActionForm):
    """Set all terms of an instrument; one that is left out is none."""

    action: Literal["set_terms"]
    instrument: Symbol
    reference: Annotated[StrictInt, Field(ge=0, le=PRICE_MAX)] = 0
    collar_bp: Annotated[StrictInt, Field(ge=0, le=9_999)] = 0
    tick_table: Annotated[list[TickRow], Field(max_length=TICK_ROWS_MAX)] = Field(default_factory=list)
    """[from, step], ascending; what makes a table of them right, the engine says."""
    band_bp: Annotated[StrictInt, Field(ge=0, le=4_999)] = 0
    static_bp: Annotated[StrictInt, Field(ge=0, le=4_999)] = 0
    band_ticks_min: Annotated[StrictInt, Field(ge=0, le=1_000)] = 0
    volatility_s: Seconds = 0
    extension_s: Seconds = 0
    random_end_s: Seconds = 0
    reopening_s: Seconds = 0
    batch_ms: Annotated[StrictInt, Field(ge=0, le=5_000)] = 0
    calendar: GroupOrNone = ""

    def command(self) -> ActionCommand:
        """-."""
        later = [getattr(self, name) for name in SetTerms._fields[SetTerms._fields.index("band_bp") :]]
        table = tuple(self.tick_table)
        return SetTerms("", 0, "", self.instrument, self.reference, self.collar_bp, table, *later)


class SetScheduleForm(ActionForm):
    """Set a calendar's steps between the first and the last one here."""

    action: Literal["set_schedule"]
    calendar: Group
    tzdata: Annotated[StrictStr, Field(pattern=r"^[ -~]{0,32}$")] = ""
    steps: Annotated[list[StepRow], Field(min_length=1, max_length=STEPS_MAX)]
    """[trading day, time in µs, step], in order of time; the last one closes."""

    def command(self) -> ActionCommand:
        """-."""
        steps = tuple(ScheduledStep(*row) for row in self.steps)
        return SetSchedule("", 0, "", self.calendar, self.tzdata, steps)


class EndCallForm(ActionForm):
    """End a call, whatever its price; not beyond the collar."""

    action: Literal["end_call"]
    instrument: Symbol
    auction_id: Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX)] = 0
    """0: whichever it is in."""

    def command(self) -> ActionCommand:
        """-."""
        return EndCall("", 0, "", self.instrument, self.auction_id, force=True)


class OptionTermsForm(BaseModel):
    """An option's terms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    underlying: Symbol
    right: Literal["call", "put"]
    strike: TicksField
    expiry: Day
    expires_at: Annotated[StrictInt, Field(ge=1, le=EPOCH_MAX)] | None = None
    """µs: the exchange ends it then, and acts on the terms that follow. None: they are for users to know."""
    multiplier: Number31 | None = None
    style: Literal["any", "expiry"] | None = None
    at_expiry: Literal["cash", "exercise", "lapse"] | None = None
    threshold_ticks: TicksField | None = None


class SessionForm(BaseModel):
    """Trading hours, UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    opens: Clock
    closes: Clock


class ListInstrumentForm(ActionForm):
    """List an instrument."""

    action: Literal["list_instrument"]
    symbol: Symbol
    kind: Literal["share", "option", "internal"] = "share"
    name: FreeText = ""
    currency: Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f]{1,16}$")] = "USD"
    tick_size: Annotated[StrictStr, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")] = "0.01"
    lot_size: Number31 = 1
    price_max: Number31 = Instrument._field_defaults["price_max"]
    quantity_max: Number31 = Instrument._field_defaults["quantity_max"]
    option: OptionTermsForm | None = None
    session: SessionForm | None = None

    def command(self) -> ActionCommand:
        """-."""
        fields = self.model_dump(exclude={"action"})
        if self.option is not None:
            fields["option"] = self.option.model_dump(exclude_none=True)
        return ListInstrument("", 0, Instrument(**fields))


class SetSettlementPriceForm(ActionForm):
    """Set the price by which options on an instrument settle that expire on a day."""

    action: Literal["set_settlement_price"]
    instrument: Symbol
    day: Day
    price: TicksField

    def command(self) -> ActionCommand:
        """-."""
        return SetSettlementPrice("", 0, "", self.instrument, self.day, self.price)


class SetMarketStateForm(ActionForm):
    """Open, halt or close an instrument."""

    action: Literal["set_market_state"]
    instrument: Symbol
    state: Literal["open", "halted", "closed"]
    reason: FreeText = ""

    def command(self) -> ActionCommand:
        """-."""
        return SetMarketState("", 0, self.instrument, MarketState(self.state), self.reason)


class EndOrdersForm(ActionForm):
    """End a user's orders, of one instrument or of all."""

    action: Literal["end_orders"]
    user: User
    instrument: Symbol | None = None

    def command(self) -> ActionCommand:
        """-."""
        return EndOrders("", 0, "", self.user, self.instrument)


class SetRuleForm(ActionForm):
    """Set a rule of the company, all of it, or (no kind) remove it."""

    action: Literal["set_rule"]
    rule_id: Group
    kind: Literal[
        "", "blackout", "restricted", "window", "clearance", "holding_period", "short_swing", "sell_share"
    ] = ""
    groups: Annotated[list[Group], Field(max_length=RULE_GROUPS_MAX)] = []
    instruments: Annotated[list[Symbol], Field(max_length=RULE_INSTRUMENTS_MAX)] = []
    from_us: Counter = 0
    until_us: Counter = 0
    days: Annotated[StrictInt, Field(ge=0, le=366)] = 0
    share_bp: Annotated[StrictInt, Field(ge=0, le=10_000)] = 0
    exercise: StrictBool = False
    discreet: StrictBool = False

    def command(self) -> ActionCommand:
        """-."""
        names = (tuple(self.groups), tuple(self.instruments))
        made = RuleParameters(self.days, self.share_bp, self.exercise)
        kind = RuleKind(self.kind)
        return SetRule("", 0, "", self.rule_id, kind, *names, self.from_us, self.until_us, made, self.discreet)


class SetKillForm(ActionForm):
    """Stop a user, a group, an instrument or the market from trading, or allow it again."""

    action: Literal["set_kill"]
    scope: Literal["user", "group", "instrument", "market"]
    name: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._@+-]{0,64}$")] = ""
    on: StrictBool
    reason: FreeText = ""

    def command(self) -> ActionCommand:
        """-."""
        return SetKill("", 0, "", self.scope, self.name, self.on, self.reason)


class SetClearanceForm(ActionForm):
    """Allow a user to trade so many lots of an instrument until a moment, or (lots 0) no longer."""

    action: Literal["set_clearance"]
    clearance_id: ClientOrderId
    user: UserOrNone = ""
    instrument: Symbol | None = None
    side: Side = Side.BID
    lots: Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)]
    from_us: Counter = 0
    until_us: Counter = 0

    def command(self) -> ActionCommand:
        """-."""
        named = (self.clearance_id, self.user, self.instrument or "", self.side)
        return SetClearance("", 0, "", *named, self.lots, self.from_us, self.until_us)


ACTION_FORMS: Final[dict[str, type[ActionForm]]] = {
    "begin_accounts": BeginAccountsForm,
    "make_transfer": MakeTransferForm,
    "set_limits": SetLimitsForm,
    "set_groups": SetGroupsForm,
    "set_terms": SetTermsForm,
    "list_instrument": ListInstrumentForm,
    "set_market_state": SetMarketStateForm,
    "end_orders": EndOrdersForm,
    "set_schedule": SetScheduleForm,
    "end_call": EndCallForm,
    "set_settlement_price": SetSettlementPriceForm,
    "set_rule": SetRuleForm,
    "set_kill": SetKillForm,
    "set_clearance": SetClearanceForm,
}
assert set(KINDS) == {"share", "option", "internal"}


def read_proposed(actions: list[dict[str, Any]]) -> tuple[ProposedAction, ...]:
    """
    Check the actions of a request.

    Raises:
        ValueError: With a sentence that names action, field and rule.
    """
    return tuple(_proposed(place, fields) for place, fields in enumerate(actions))


def _proposed(place: int, fields: dict[str, Any]) -> ProposedAction:
    name = fields.get("action")
    form = ACTION_FORMS.get(name) if isinstance(name, str) else None
    if form is None or not isinstance(name, str):
        raise ValueError(f"actions.{place}.action: must be one of {', '.join(ACTION_FORMS)}")
    if len(fields) > FIELDS_MAX:
        raise ValueError(f"actions.{place}: may have {FIELDS_MAX} fields, this has {len(fields)}")
    try:
        checked = form.model_validate(whole(fields) if has_float(fields) else fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=True)[0]
        raise ValueError(f"actions.{place}.{sentence(first)}") from error
    return ProposedAction(name, checked.command())
