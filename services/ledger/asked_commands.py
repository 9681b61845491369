"""What was asked: commands of the log, found by who numbered them.

A packet says how each command ended, but not what it was. So the record of a refusal, and of an act of the
administration, joins the packet's outcome with the command in the log. Only what is needed is made a command; the rest
stays as msgpack gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgpack

from services.ledger.command_block import StoredEntry
from shared.logs.commands import (
    ACTIONS,
    CancelAll,
    CancelOrder,
    Command,
    PlaceOrder,
    PlaceSpecial,
    ReplaceOrder,
    SetCancelOnDisconnect,
    decode_commands,
    encode_commands,
)
from shared.logs.option_commands import Exercise
from shared.logs.stream_keys import COMMANDS_FIELD

_SAMPLE_FIELDS: Final = 2
"""Of a command's row before its own fields: its code and its source; its number is next."""


class AskedCommand(NamedTuple):
    """A command as it stands in the log."""

    time: int
    """Of its entry, µs since 1970."""
    row: list[Any]
    """Code, source, number, and its other fields."""


class AskedCommands:
    """
    The commands of a stretch of the log.

    Args:
        entries: In the log's order. Of an entry that no writer wrote, nothing was asked.

    Cost: O(commands), 0.5 µs each.
    """

    __slots__ = ("_commands", "_entries", "trusted")

    def __init__(self, entries: Iterable[StoredEntry]) -> None:
        self._entries = [(_time_us(entry_id), rows) for entry_id, rows in _unpacked(entries)]
        self.trusted = [
            AskedCommand(time, row) for time, rows in self._entries for row in rows if row[0] in _TRUSTED_CODES
        ]
        """Commands of the administration that stand in the log without a proposal, in order."""
        self._commands: dict[tuple[str, int], AskedCommand] | None = None

    @property
    def count(self) -> int:
        """How many commands there are, repetitions included."""
        return sum([len(rows) for _, rows in self._entries])

    def find(self, source: str, number: int) -> AskedCommand | None:
        """Return the command that was applied under this number: the first one, since all others repeat it."""
        if self._commands is None:
            found: dict[tuple[str, int], AskedCommand] = {}
            for time, rows in self._entries:
                for row in rows:
                    found.setdefault((row[1], row[2]), AskedCommand(time, row))
            self._commands = found
        return self._commands.get((source, number))


def commands_of(asked: Iterable[AskedCommand]) -> list[Command]:
    """
    Make commands of them.

    Raises:
        MalformedMessage: If one is none, which the engine would not have applied.
    """
    return decode_commands(msgpack.packb([each.row for each in asked]))


def _unpacked(entries: Iterable[StoredEntry]) -> Iterator[tuple[bytes, list[list[Any]]]]:
    for entry_id, fields in entries:
        try:
            rows = msgpack.unpackb(fields.get(COMMANDS_FIELD, b"\x90"))
        except (ValueError, msgpack.UnpackException):
            continue
        if isinstance(rows, list) and all(isinstance(row, list) and len(row) > _SAMPLE_FIELDS for row in rows):
            yield entry_id, rows


def _time_us(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0]) * 1_000


def _code_of(kind: type[Any]) -> int:
    """Return the number by which a kind of command stands in the log."""
    sample = tuple.__new__(kind, ("", 0, *[None] * (len(kind._fields) - _SAMPLE_FIELDS)))
    code: int = msgpack.unpackb(encode_commands([sample]))[0][0]
    return code


class PlainKind(NamedTuple):
    """A kind of command whose fields are numbers, texts, flags and None alone: its row says all."""

    name: str
    """As the record names it, such as place_order."""
    user: int
    """Where in the row the user is."""
    instrument: int
    """Where the symbol is; 0: there is none."""
    fields: tuple[str, ...]
    """The names of those behind the user."""


def kind_name(kind: type[Any]) -> str:
    """Return the name of a command's kind, such as place_order."""
    return _HUMP.sub("_", kind.__name__).lower()


def _plain_kind(kind: type[Any]) -> PlainKind:
    fields: tuple[str, ...] = kind._fields
    instrument = fields.index("instrument") + 1 if "instrument" in fields else 0
    return PlainKind(kind_name(kind), fields.index("user") + 1, instrument, fields[fields.index("user") + 1 :])


_HUMP: Final = re.compile(r"(?<!^)(?=[A-Z])")
PLAIN_KINDS: Final = {
    _code_of(kind): _plain_kind(kind)
    for kind in (
        PlaceOrder, PlaceSpecial, CancelOrder, ReplaceOrder, CancelAll, SetCancelOnDisconnect, Exercise,
    )
}  # fmt: skip
"""The users' commands, by their codes in the log."""
_TRUSTED_CODES: Final = frozenset(map(_code_of, ACTIONS.values()))
