"""The market's file: what administrators want to be set, as TOML.

Owns its form. Every fault is told with line and key, all of them at once, and nothing of a file with one is used.
Whether the market can do it is the exchange's to say.
"""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.tick_table import TICK_ROWS_MAX, tick_table_fault
from openoutcry.wire.types import AMOUNT_MAX, PRICE_MAX
from outcry.administration.rule_section import RuleSection
from outcry.administration.toml_lines import TomlLines
from outcry.administration.trading_calendar import CalendarSection
from services.gateway.office_actions import (
    BasisPoints,
    FreeText,
    Group,
    GroupOrNone,
    Number31,
    OptionTermsForm,
    Seconds,
    SessionForm,
    User,
)
from services.gateway.request_rules import Symbol, sentence

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
FAULTS_MAX: Final = 20
"""Faults that are told at once."""
EVERYBODY: Final = "everybody"
_MILLION: Final = 1_000_000
_DECIMAL: Final = re.compile(r"([0-9](?:_?[0-9]){0,18})(?:\.([0-9]{1,6}))?")
_AT_LINE: Final = re.compile(r"^(.*) \(at line (\d+), column \d+\)$")


def money(value: int | str) -> int:
    """
    Return an amount of money in millionths.

    Raises:
        ValueError: If it is no amount above 0, or finer than that.
    """
    # The form comes first: an exponent would take minutes, and many places would be rounded.
    found = _DECIMAL.fullmatch(str(value)) if not isinstance(value, int) or 0 < value <= AMOUNT_MAX else None
    if found is None:
        raise ValueError('must be above 0 and of at most six places, such as 1000 or "1000.50"')
    millionths = int(found[1]) * _MILLION + int((found[2] or "").ljust(6, "0"))
    if not 1 <= millionths <= AMOUNT_MAX:
        raise ValueError(f"must be above 0, and at most {AMOUNT_MAX // _MILLION:,}")
    return millionths


Money: TypeAlias = Annotated[StrictInt | StrictStr, AfterValidator(money)]
Count: TypeAlias = Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX)]


class FileSection(BaseModel):
    """What all parts of the file have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MarketSection(FileSection):
    """`[market]`."""

    accounting: Literal["full", "none"] = "none"
    four_eyes: StrictBool = True


class TickTableRow(FileSection):
    """A row of a tick table: from which price on, and in which steps; `[from, step]` does too."""

    start: Annotated[StrictInt, Field(alias="from", ge=1, le=PRICE_MAX)]
    step: Annotated[StrictInt, Field(ge=1, le=PRICE_MAX)]


def _as_row(value: object) -> object:
    is_pair = isinstance(value, list) and len(value) == 2
    return {"from": value[0], "step": value[1]} if is_pair else value  # type: ignore[index]


def _as_table(rows: list[TickTableRow]) -> list[list[int]]:
    table = [[row.start, row.step] for row in rows]
    fault = tick_table_fault(table)
    if fault is not None:
        place, field, rule = fault
        broken = PydanticCustomError("value_error", "{error}", {"error": rule})
        where = (place, field) if field else ()
        raise ValidationError.from_exception_data("tick_table", [{"type": broken, "loc": where, "input": table}])
    return table


TickTableRows: TypeAlias = Annotated[
    list[Annotated[TickTableRow, BeforeValidator(_as_row)]],
    Field(max_length=TICK_ROWS_MAX),
    AfterValidator(_as_table),
]


class InstrumentSection(FileSection):
    """`[instruments.SYMBOL]`: its definition, which never changes, and its terms."""

    kind: Literal["share", "option", "internal"] = "share"
    name: FreeText = ""
    currency: Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f]{1,16}$")] = "USD"
    tick_size: Annotated[StrictStr, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")] = "0.01"
    lot_size: Number31 = 1
    price_max: Number31 = 10_000_000
    quantity_max: Number31 = 1_000_000
    option: OptionTermsForm | None = None
    session: SessionForm | None = None
    reference: Annotated[StrictInt, Field(ge=0, le=PRICE_MAX)] = 0
    collar_bp: Annotated[StrictInt, Field(ge=0, le=9_999)] = 0
    tick_table: TickTableRows = Field(default_factory=list)
    """Becomes [from, step] rows."""
    band_bp: Annotated[StrictInt, Field(ge=0, le=4_999)] = 0
    static_bp: Annotated[StrictInt, Field(ge=0, le=4_999)] = 0
    band_ticks_min: Annotated[StrictInt, Field(ge=0, le=1_000)] = 0
    volatility_s: Seconds = 0
    extension_s: Seconds = 0
    random_end_s: Seconds = 0
    reopening_s: Seconds = 0
    batch_ms: Annotated[StrictInt, Field(ge=0, le=5_000)] = 0
    calendar: GroupOrNone = ""
    """A name of `[calendars]`."""


class LimitRow(FileSection):
    """Limits in one instrument."""

    order_quantity_max: Annotated[StrictInt, Field(ge=1, le=AMOUNT_MAX)] | None = None
    order_value_max: Money | None = None
    collar_bp: BasisPoints | None = None
    open_orders_max: Count | None = None
    position_max: Count | None = None
    may_short: Count | None = None


class LimitSection(LimitRow):
    """`[limits.GROUP]`, `[limits.everybody]` or `[limits."user:NAME"]`: limits in all instruments, and in some."""

    messages_per_second: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    instruments: dict[Symbol, LimitRow] = Field(default_factory=dict)


LimitOwner: TypeAlias = Annotated[StrictStr, Field(pattern=r"^(user:[A-Za-z0-9._@+-]{1,64}|[A-Za-z0-9._-]{1,32})$")]


class MarketFile(FileSection):
    """The whole file. A part that is left out is left as it is."""

    market: MarketSection | None = None
    instruments: dict[Symbol, InstrumentSection] = Field(default_factory=dict)
    limits: dict[LimitOwner, LimitSection] | None = None
    groups: dict[Group, list[User]] | None = None
    rules: dict[Group, RuleSection] | None = None
    calendars: dict[Group, CalendarSection] = Field(default_factory=dict)
    """`outcry market schedule` makes moments of them."""


def read_market(text: str, name: str) -> MarketFile:
    """
    Read a market's file.

    Args:
        text: Its content.
        name: How it is called in sentences about its faults.

    Raises:
        ConfigurationError: A line for each fault, `name:line: key: rule`.
    """
    if len(text) > FILE_BYTES_MAX:
        raise ConfigurationError(f"{name}: has more than {FILE_BYTES_MAX} letters")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.match(str(error))
        where, what = (found[2], found[1]) if found is not None else ("1", str(error))
        raise ConfigurationError(f"{name}:{where}: {what}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or brackets a thousand deep
        raise ConfigurationError(f"{name}:1: is no market's file: {error}") from error
    try:
        return MarketFile.model_validate(content)
    except ValidationError as error:
        lines = TomlLines(text)
        faults = sorted(_fault(fault, lines) for fault in error.errors(include_url=False, include_context=True))
        told = [f"{name}:{line}: {text}" for line, text in faults[:FAULTS_MAX]]
        if len(faults) > FAULTS_MAX:
            told.append(f"{name}: and {len(faults) - FAULTS_MAX} faults more")
        raise ConfigurationError("\n".join(told)) from error


def _fault(fault: ErrorDetails, lines: TomlLines) -> tuple[int, str]:
    path = [part for part in fault["loc"] if part not in _OF_PYDANTIC]
    line = lines.line_of(path)
    key = key_text(path)
    if fault["type"] == "extra_forbidden":
        return line, f"{key}: is no key {'of a tick table row' if 'tick_table' in path else 'here'}"
    if fault["type"] == "value_error":
        return line, f"{key}: {fault['ctx']['error']}"
    single: Any = {**fault, "loc": ("x",)}
    return line, f"{key}: {sentence(single).removeprefix('x: ')}"


_OF_PYDANTIC: Final = ("[key]", "int", "str")
"""What it puts into places beside the keys."""


def key_text(path: list[str | int]) -> str:
    """Return a path as people write it: `instruments.ACME.tick_table[1].step`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
