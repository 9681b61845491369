"""The feed's unit: everything that one batch of commands caused, as one msgpack array.

A packet's stream id is `<term>-<position>` and it names the position before it, so a reader proves continuity without
trusting Redis. Its bytes are a function of the commands and of where the batch was cut; the publishing time travels
beside it, in a field of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeVar

import msgpack

from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    PLAIN_END,
    PLAIN_EXECUTION,
    Auction,
    Execution,
    Status,
    Terms,
    Trade,
    Transfer,
)
from openoutcry.wire.types import MarketState, Phase
from shared.logs.events import (
    AccountsBegun,
    AdministrativeAct,
    BookChange,
    CancelOnDisconnectSet,
    MarketShown,
    Outcome,
    PairsRefused,
    PrivateExecution,
    PrivateTransfer,
    RuleRefusal,
)

PACKET_VERSION: Final = 4
PLAIN_VERSION: Final = 2
"""The first version that is still written. A packet is of the least version that has a place for what it holds, so that
older gateways read on as long as nothing happens that they do not know."""

_T = TypeVar("_T", bound=NamedTuple)


GROWN_VERSION: Final = 4
"""Since then events have the fields at their end that GROWN names."""
GROWN: Final[dict[type[Any], int]] = {Status: Status._fields.index("phase"), Terms: Terms._fields.index("tick_table")}
"""How many fields of an event older packets have. An event whose others say nothing does without them."""


class OtherVersion(MalformedMessage):
    """A packet that another release wrote. It is not damaged, and this program must not judge it."""


class Packet(NamedTuple):
    """One feed entry's content."""

    version: int
    epoch: int
    prev: int
    """Position of the packet before; equal to `position` in a new leader's marker."""
    position: int
    """Commands applied, this packet's included."""
    log_id: str
    """Id of the command log's last entry that is applied completely."""
    time: int
    """Time of the last command, µs."""
    changes: Sequence[BookChange]
    trades: Sequence[Trade]
    executions: Sequence[PrivateExecution]
    outcomes: Sequence[Outcome]
    statuses: Sequence[Status]
    listings: Sequence[Instrument]
    switches: Sequence[CancelOnDisconnectSet] = ()
    transfers: Sequence[PrivateTransfer] = ()
    terms: Sequence[Terms] = ()
    beginnings: Sequence[AccountsBegun] = ()
    acts: Sequence[AdministrativeAct] = ()
    shown: Sequence[MarketShown] = ()
    pair_refusals: Sequence[PairsRefused] = ()
    auctions: Sequence[Auction] = ()
    rule_refusals: Sequence[RuleRefusal] = ()


class FeedId(NamedTuple):
    """A feed entry's id; ordered as Redis orders it."""

    term: int
    position: int

    def __str__(self) -> str:
        return f"{self.term}-{self.position}"

    @classmethod
    def parse(cls, text: str | bytes) -> FeedId:
        """
        Read `<term>-<position>`.

        Raises:
            MalformedMessage: If it is not two whole numbers.
        """
        try:
            term, position = (text.decode() if isinstance(text, bytes) else text).split("-")
            return cls(int(term), int(position))
        except ValueError as error:
            raise MalformedMessage(f"no feed id: {text!r}") from error


FEED_START: Final = FeedId(0, 0)
"""Before the first packet."""


def encode_packet(packet: Packet) -> bytes:
    """Pack; the same packet always gives the same bytes. One of an older version leaves out what it does not hold."""
    if packet.version < GROWN_VERSION and (packet.statuses or packet.terms):
        statuses: list[Any] = [status[: GROWN[Status]] for status in packet.statuses]
        terms: list[Any] = [terms[: GROWN[Terms]] for terms in packet.terms]
        packet = packet._replace(statuses=statuses, terms=terms)
    packed: bytes = msgpack.packb(packet[: FIELDS_OF[packet.version]])
    return packed


def decode_packet(data: bytes) -> Packet:
    """
    Unpack. Enumerations stay plain strings, levels come as tuples: they are read more often than asked about.

    Not every field's type is checked, which would take as long again. A wrong one is found when the packet is applied.

    Raises:
        OtherVersion: If they begin as a packet of another version.
        MalformedMessage: If the bytes are not a packet.
    """
    try:
        # Tuples: a third less than lists. No bytes and no extensions: we write none, and JSON could not.
        fields: list[Any] = list(msgpack.unpackb(data, use_list=False, max_bin_len=0, max_ext_len=0))
        if type(fields[0]) is not int:
            raise TypeError(f"a packet begins with its version, not {fields[0]!r}")
        size = FIELDS_OF.get(fields[0])
        if size is None:
            raise OtherVersion(f"packet version {fields[0]}, this program reads {PLAIN_VERSION} to {PACKET_VERSION}")
        if len(fields) != size:
            raise ValueError(f"a packet of version {fields[0]} has {size} fields, not {len(fields)}")
        fields += [()] * (len(Packet._fields) - size)
        for place, read in _READERS:
            rows = fields[place]
            fields[place] = read(rows) if rows != () else []
        return Packet._make(fields)
    except (ValueError, TypeError, AttributeError, LookupError, ConfigurationError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no packet: {error!r}") from error


def has_grown(event: Status | Terms) -> bool:
    """Tell whether an event needs a packet of GROWN_VERSION."""
    size = GROWN[type(event)]
    return event[size:] != tuple(event._field_defaults.values())


def _made(kind: type[_T], rows: Sequence[Any]) -> list[_T]:
    """Make named tuples of rows; in half the time of `_make`, a call of Python for each."""
    size = len(kind._fields)
    if set(map(len, rows)) - {size}:
        raise ValueError(f"{kind.__name__} has {size} fields")
    return list(map(tuple.__new__, repeat(kind), rows))


def _private(rows: Sequence[Any]) -> list[PrivateExecution]:
    told = [row + PLAIN_END if len(row) == PLAIN_EXECUTION else row for _, row in rows]
    executions = _made(Execution, told)
    return list(map(tuple.__new__, repeat(PrivateExecution), zip([user for user, _ in rows], executions, strict=True)))


def _transfers(rows: Sequence[Any]) -> list[PrivateTransfer]:
    return [PrivateTransfer(user, *_made(Transfer, [row])) for user, row in rows]


def _statuses(rows: Sequence[Any]) -> list[Status]:
    return [_checked_status(Status(*row)) for row in rows]


def _checked_status(status: Status) -> Status:
    if not isinstance(status.instrument, str):
        raise TypeError("a status of the feed is an instrument's")
    return status._replace(state=MarketState(status.state), phase=Phase(status.phase))


def _listings(rows: Sequence[Any]) -> list[Instrument]:
    return [Instrument(*row).checked() for row in rows]


def _terms(rows: Sequence[Any]) -> list[Terms]:
    return [Terms(*row) for row in rows]


def _auctions(rows: Sequence[Any]) -> list[Auction]:
    return [Auction(*row)._replace(kind=Phase(row[4])) for row in rows]


class Section(NamedTuple):
    """One of the lists that a packet is made of."""

    kind: type[Any]
    """What it holds: an event of the engine, or a book's change."""
    name: str
    """Of the packet's field, and of the gateway's `Changes`."""
    read: Callable[[Sequence[Any]], list[Any]]
    """Makes them of the rows that msgpack gives, and raises whatever a wrong row leads to."""
    since: int = PLAIN_VERSION
    """The first version of a packet that has it."""


SECTIONS: Final = (
    Section(BookChange, "changes", partial(_made, BookChange)),
    Section(Trade, "trades", partial(_made, Trade)),
    Section(PrivateExecution, "executions", _private),
    Section(Outcome, "outcomes", partial(_made, Outcome)),
    Section(Status, "statuses", _statuses),
    Section(Instrument, "listings", _listings),
    Section(CancelOnDisconnectSet, "switches", partial(_made, CancelOnDisconnectSet)),
    Section(PrivateTransfer, "transfers", _transfers, since=3),
    Section(Terms, "terms", _terms, since=3),
    Section(AccountsBegun, "beginnings", partial(_made, AccountsBegun), since=3),
    Section(AdministrativeAct, "acts", partial(_made, AdministrativeAct), since=3),
    Section(MarketShown, "shown", partial(_made, MarketShown), since=3),
    Section(PairsRefused, "pair_refusals", partial(_made, PairsRefused), since=4),
    Section(Auction, "auctions", _auctions, since=4),
    Section(RuleRefusal, "rule_refusals", partial(_made, RuleRefusal), since=4),
)
"""All sections in the order of the packet's fields. The builder, `decode_packet` and the gateway's replica go by this
table. Another section is a line here, a field at the end of `Packet`, and its effect in every reader."""
FIELDS_OF: Final = {
    version: len(Packet._fields) - len([section for section in SECTIONS if section.since > version])
    for version in range(PLAIN_VERSION, PACKET_VERSION + 1)
}
"""By version, how many fields a packet has."""
_READERS: Final = [(Packet._fields.index(section.name), section.read) for section in SECTIONS]
