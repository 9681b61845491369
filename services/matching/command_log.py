"""Entries of the command log, as they come from the store.

Owns the check that an entry is one of a writer's, down to the type of every field. After it the engine may trust what
it reads, and bad values are business rejects. Leaves to the reader what to do with a bad entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import PAIRS_MAX
from openoutcry.wire.types import MarketState, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.commands import (
    ACTIONS_MAX,
    COMMANDS_IN_ENTRY_MAX,
    PRESENT_USERS_MAX,
    CancelAll,
    CancelOrder,
    Command,
    Confirm,
    ListInstrument,
    PassTime,
    PlaceOrder,
    PlaceSpecial,
    Present,
    Propose,
    ReadMarket,
    ReplaceOrder,
    SetCancelOnDisconnect,
    SetMarketState,
    Tick,
    decode_commands,
)
from shared.logs.engine_version import ENGINE_VERSION, BeginVersion
from shared.logs.market_commands import (
    GROUPS_OF_USER_MAX,
    BeginAccounts,
    EndOrders,
    Limits,
    MakeTransfer,
    SetGroups,
    SetLimits,
    SetTerms,
)
from shared.logs.mass_quote import MassQuote
from shared.logs.option_commands import Exercise, SetSettlementPrice
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from shared.logs.session_commands import STEPS_MAX, EndCall, SetSchedule
from shared.logs.stream_keys import COMMANDS_FIELD
from shared.store_errors import CorruptEntry, LaterRelease

LOG_START: Final = "0-0"
"""Before the first entry."""

_NAME = (str, int, str)
_ORDER_NAME = (*_NAME, int, str)
_ORDER = (*_NAME, str, str, Side, OrderKind, int, int, TimeInForce, bool, SelfTradePrevention)
_STEP = (str, int, str)
_SHAPES: Final[dict[type[Any], tuple[tuple[type, ...], ...]]] = {
    PlaceOrder: (_ORDER,),
    PlaceSpecial: ((*_ORDER, int, int, int, str, int, str),),
    CancelOrder: (_ORDER_NAME,),
    ReplaceOrder: tuple(
        (*_ORDER_NAME, price, quantity) for price in (int, type(None)) for quantity in (int, type(None))
    ),
    CancelAll: ((*_NAME, str), (*_NAME, type(None))),
    Tick: ((str, int, int),),
    PassTime: ((str, int, int),),
    BeginVersion: ((str, int, int),),
    ListInstrument: ((str, int, Instrument),),
    SetMarketState: ((*_NAME, MarketState, str),),
    SetCancelOnDisconnect: ((*_NAME, bool),),
    Present: ((str, int, tuple),),
    BeginAccounts: ((*_NAME, bool),),
    MakeTransfer: ((*_NAME, str, TransferKind, str, str, str, int, int, str, bool),),
    SetLimits: tuple((*_NAME, str, str, symbol, Limits) for symbol in (str, type(None))),
    SetGroups: ((*_NAME, str, tuple),),
    SetTerms: ((*_NAME, str, int, int, tuple, *[int] * 8, str),),
    EndOrders: ((*_NAME, str, str), (*_NAME, str, type(None))),
    SetSchedule: ((*_NAME, str, str, tuple),),
    EndCall: ((*_NAME, str, int, bool),),
    Propose: ((*_NAME, str, tuple),),
    Confirm: ((*_NAME, str, bool, bool),),
    ReadMarket: ((*_NAME, int),),
    SetRule: ((*_NAME, str, RuleKind, tuple, tuple, int, int, RuleParameters, bool),),
    SetKill: ((*_NAME, str, str, bool, str),),
    SetClearance: ((*_NAME, str, str, str, Side, int, int, int),),
    MassQuote: ((*_NAME, str, tuple),),
    Exercise: ((*_NAME, str, str, int),),
    SetSettlementPrice: ((*_NAME, str, str, int),),
}
"""The types that the fields of each command may have."""
_PLAIN: Final = frozenset({PlaceOrder, PlaceSpecial, CancelOrder, ReplaceOrder, CancelAll, Tick, PassTime})
"""Nearly all commands are of these. Their shapes say everything of them: nothing more is asked of one that has its."""
_DEFINITION: Final = (str, str, str, str, str, int, int, int)
"""The first fields of an instrument; its terms and session are maps or None."""
_PAIR: Final = (str, int, int, int, int)
TIME_MAX_US: Final = 2**53 - 1
"""In the year 2255: the last time that every language's numbers hold exactly. Redis takes ids far beyond it, and goes
on behind them."""


class LogEntry(NamedTuple):
    """One entry of the command log."""

    entry_id: str
    time_us: int
    """The id's milliseconds, in µs since 1970, at most TIME_MAX_US."""
    commands: list[Command]
    """None in an entry that was skipped, since no writer writes such."""


def decode_entry(key: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> LogEntry:
    """
    Read one stream entry.

    Args:
        key: The stream's key, for the error.
        entry_id: As Redis gives it.
        fields: As Redis gives them.

    Raises:
        CorruptEntry: Names the entry.
        LaterRelease: Engines of a later release write the log.
    """
    text = entry_id.decode()
    data = fields.get(COMMANDS_FIELD)
    if data is None:
        raise CorruptEntry(key, text, f"it has no field {COMMANDS_FIELD.decode()!r}")
    try:
        commands = decode_commands(data)
    except MalformedMessage as error:
        raise CorruptEntry(key, text, str(error)) from error
    if not 1 <= len(commands) <= COMMANDS_IN_ENTRY_MAX:
        raise CorruptEntry(key, text, f"it holds {len(commands)} commands, the limit is {COMMANDS_IN_ENTRY_MAX}")
    for command in commands:
        kind = type(command)
        if kind in _PLAIN and tuple(map(type, command)) in _SHAPES[kind]:
            continue
        if isinstance(command, Present) and not 1 <= len(command.users) <= PRESENT_USERS_MAX:
            raise CorruptEntry(key, text, f"{len(command.users)} users are present, the limit is {PRESENT_USERS_MAX}")
        if not _well_typed(command):
            raise CorruptEntry(key, text, f"a field has the wrong type: {command}")
        if isinstance(command, BeginVersion) and command.version > ENGINE_VERSION:
            raise LaterRelease(
                f"{key} entry {text}: from here on engine version {command.version} holds, "
                f"this release knows {ENGINE_VERSION}; start an engine of the later release"
            )
    return LogEntry(text, entry_time_us(text), commands)


def entry_place(entry_id: str) -> tuple[int, int]:
    """Return an entry's id as numbers, which compare as the log is ordered."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def entry_time_us(entry_id: str) -> int:
    """Return the time of an entry, µs since 1970: its id's milliseconds, at most TIME_MAX_US."""
    return min(int(entry_id.partition("-")[0]) * 1000, TIME_MAX_US)


def _well_typed(command: Command) -> bool:  # noqa: PLR0911 - one a kind
    if tuple(map(type, command)) not in _SHAPES[type(command)]:
        return False
    if isinstance(command, ListInstrument):
        return tuple(map(type, command.instrument[: len(_DEFINITION)])) == _DEFINITION and all(
            isinstance(terms, dict | None) for terms in command.instrument[len(_DEFINITION) :]
        )
    if isinstance(command, Present):
        return all(type(user) is str for user in command.users)
    if isinstance(command, SetLimits):
        return all(limit is None or type(limit) is int for limit in command.limits)
    if isinstance(command, SetTerms):
        return all(type(number) is int for row in command.tick_table for number in row)
    if isinstance(command, MassQuote):
        return 1 <= len(command.pairs) <= PAIRS_MAX and all(tuple(map(type, pair)) == _PAIR for pair in command.pairs)
    if isinstance(command, SetSchedule):
        return len(command.steps) <= STEPS_MAX and all(tuple(map(type, step)) == _STEP for step in command.steps)
    if isinstance(command, SetGroups):
        return all(type(group) is str for group in command.groups) and len(command.groups) <= GROUPS_OF_USER_MAX
    if isinstance(command, SetRule):
        names = (*command.groups, *command.instruments)
        return all(type(name) is str for name in names) and tuple(map(type, command.parameters)) == (int, int, bool)
    if isinstance(command, Propose):
        return 1 <= len(command.actions) <= ACTIONS_MAX and all(_well_typed(each.command) for each in command.actions)
    return True
