"""Commands survive the log, and what is no command is told apart."""

from __future__ import annotations

import msgpack
import pytest

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import MarketState, OrderKind, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import (
    CancelAll,
    CancelOrder,
    Command,
    ListInstrument,
    PlaceOrder,
    Present,
    ReplaceOrder,
    SetCancelOnDisconnect,
    SetMarketState,
    Tick,
    decode_commands,
    encode_commands,
)

COMMANDS: list[Command] = [
    PlaceOrder(
        "g1",
        1,
        "ada",
        "ACME",
        "mine",
        Side.ASK,
        OrderKind.LIMIT,
        100,
        5,
        TimeInForce.IOC,
        False,
        SelfTradePrevention.CANCEL_BOTH,
    ),
    CancelOrder("g1", 2, "ada", 71, ""),
    ReplaceOrder("g1", 3, "ada", 0, "mine", None, 7),
    CancelAll("g1", 4, "ada", None),
    Tick("leader", 1),
    ListInstrument("leader", 2, Instrument("ACME", option=None)),
    SetMarketState("leader", 3, "ACME", MarketState.HALTED, "news"),
    SetCancelOnDisconnect("g1", 5, "ada", True),
    Present("g1", 6, ("ada", "bob")),
]


def test_commands_of_every_kind_survive_the_log() -> None:
    decoded = decode_commands(encode_commands(COMMANDS))
    assert decoded == COMMANDS
    assert [type(command) for command in decoded] == [type(command) for command in COMMANDS]


def test_enumerations_are_members_again() -> None:
    """The engine compares them by identity."""
    [order] = decode_commands(encode_commands(COMMANDS[:1]))
    assert isinstance(order, PlaceOrder)
    assert order.side is Side.ASK
    assert order.time_in_force is TimeInForce.IOC


@pytest.mark.parametrize(
    "content",
    [
        {},
        "",
        [[1]],
        [[1, "g1"]],
        [[8, "g1", 1]],
        [[9, "g1", 1]],
        [[9, "g1", 1, "ada"]],
        [[9, "g1", 1, {"ada": 1}]],
        [[10, "g1", 1]],
        [[5, "g1"]],
        [[5, "g1", 1, 2, 3]],
        [[7, "g1", 1, "ACME", "ajar", ""]],
        [3],
    ],
)
def test_what_is_no_command_is_malformed(content: object) -> None:
    """An empty map or string once passed for an entry without commands, and would have been skipped in silence."""
    with pytest.raises(MalformedMessage):
        decode_commands(msgpack.packb(content))
