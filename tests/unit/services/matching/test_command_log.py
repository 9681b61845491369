"""Entries of the command log, good and bad."""

from __future__ import annotations

import contextlib
from typing import Any, get_args

import msgpack
import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import MarketState
from services.matching import command_log
from services.matching.command_log import TIME_MAX_US, decode_entry
from shared.logs.commands import (
    PRESENT_USERS_MAX,
    CancelAll,
    Command,
    ListInstrument,
    Present,
    ReplaceOrder,
    SetCancelOnDisconnect,
    SetMarketState,
    Tick,
    encode_commands,
)
from shared.logs.market_commands import Limits
from shared.logs.rule_commands import RuleParameters
from shared.store_errors import CorruptEntry

GOOD: list[Command] = [
    Tick("a", 1),
    CancelAll("a", 2, "ann", None),
    CancelAll("a", 3, "ann", "ACME"),
    ReplaceOrder("a", 4, "ann", 1, "", None, 5),
    ListInstrument("a", 5, Instrument("X", option={"right": "call"}, kind="option")),
    SetMarketState("a", 6, "ACME", MarketState.OPEN, ""),
    SetCancelOnDisconnect("a", 7, "ann", True),
    Present("a", 8, ("ann",) * PRESENT_USERS_MAX),
]


def test_reads_what_writers_write() -> None:
    """The id's milliseconds are the time."""
    entry = decode_entry("log", b"1700-5", {b"c": encode_commands(GOOD)})
    assert (entry.entry_id, entry.time_us, entry.commands) == ("1700-5", 1_700_000, GOOD)


def test_every_command_can_be_read() -> None:
    """The log's entry of a command without types here would end every engine that reads it."""
    assert set(command_log._SHAPES) == set(get_args(Command))


@pytest.mark.parametrize("milliseconds", [TIME_MAX_US // 1000 + 1, 2**64 - 1])
def test_a_time_that_no_clock_shows_is_the_last_that_all_can_read(milliseconds: int) -> None:
    """Redis takes any id of 64 bits: the next entry's time was no number of msgpack's, and ended every engine."""
    entry = decode_entry("log", f"{milliseconds}-0".encode(), {b"c": encode_commands(GOOD)})
    assert entry.time_us == TIME_MAX_US == 2**53 - 1
    assert decode_entry("log", b"9007199254740-0", {b"c": encode_commands(GOOD)}).time_us == 9_007_199_254_740_000


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"other": b""},
        {b"c": b""},
        {b"c": b"\xc1"},
        {b"c": msgpack.packb([])},
        {b"c": msgpack.packb([(99, "a", 1)])},
        {b"c": msgpack.packb([(5, "a")])},
        {b"c": msgpack.packb([(5, "a", "1")])},
        {b"c": msgpack.packb([(5, 1, 1)])},
        {b"c": msgpack.packb([(1, "a", 1, "ann", "X", "c", "bid", "limit", "5", 1, "gtc", False, "cancel_newest")])},
        {b"c": msgpack.packb([(1, "a", 1, "ann", "X", "c", "bid", "limit", 5, 1, "gtc", 0, "cancel_newest")])},
        {b"c": msgpack.packb([(1, "a", 1, "ann", "X", "c", "up", "limit", 5, 1, "gtc", False, "cancel_newest")])},
        {b"c": msgpack.packb([(6, "a", 1, ("X", 5))])},
        {b"c": msgpack.packb([(6, "a", 1, (*Instrument("X")[:8], "call", None))])},
        {b"c": encode_commands([Tick("a", number) for number in range(1, 514)])},
        {b"c": msgpack.packb([(8, "a", 1, "ann", 1)])},
        {b"c": msgpack.packb([(9, "a", 1, ["ann", 7])])},
        {b"c": encode_commands([Present("a", 1, ())])},
        {b"c": encode_commands([Present("a", 1, ("ann",) * (PRESENT_USERS_MAX + 1))])},
    ],
)
def test_whatever_no_writer_writes_is_corrupt(fields: dict[bytes, bytes]) -> None:
    """Down to the type of a field: behind this check the engine trusts what it reads. The error names the entry."""
    with pytest.raises(CorruptEntry, match="log entry 1700-5 is corrupt") as caught:
        decode_entry("log", b"1700-5", fields)
    assert caught.value.entry_id == "1700-5"


def one_of_each_kind() -> list[Command]:
    """A command of every kind, made of the first types that its fields may have."""
    samples: dict[Any, Any] = {
        int: 1,
        str: "x",
        bool: False,
        tuple: (),
        type(None): None,
        Instrument: Instrument("X"),
        Limits: Limits(),
        RuleParameters: RuleParameters(),
    }
    return [
        kind(*(samples[field] if field in samples else next(iter(field)) for field in shapes[0]))
        for kind, shapes in command_log._SHAPES.items()
    ]


@pytest.mark.parametrize("command", one_of_each_kind(), ids=lambda command: type(command).__name__)
def test_no_field_of_a_command_is_judged_before_its_type_is_known(command: Command) -> None:
    """A list for a number is corrupt like the rest: to compare it first ended every engine that read it."""
    [row] = msgpack.unpackb(encode_commands([command]))
    for place in range(len(row)):
        for value in ([], {}, None, "x", 1.5, True, [[]]):
            data = msgpack.packb([[*row[:place], value, *row[place + 1 :]]])
            with contextlib.suppress(CorruptEntry):
                decode_entry("log", b"1-0", {b"c": data})
