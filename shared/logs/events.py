"""Events: the engine's answers to commands, which packets carry.

Public events are protocol messages already (`Trade`, `Status`, `Instrument`); here are those that only services see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Execution, Level, Status, Terms, Trade, Transfer
from openoutcry.wire.types import Code, ProposalState
from shared.logs.commands import ProposedAction


class PrivateExecution(NamedTuple):
    """An execution and the user who may see it."""

    user: str
    execution: Execution


class Outcome(NamedTuple):
    """How one command ended; every command that is not skipped as a repetition has exactly one."""

    source: str
    number: int
    code: Code
    """OK, or why it was refused."""
    text: str
    """One sentence naming field, rule and limit; empty when OK."""
    order_id: int
    """The order it concerns, or 0."""
    cancelled: int
    """How many orders a cancel-all ended, or a tick whose users were away."""


class CancelOnDisconnectSet(NamedTuple):
    """A user's cancel-on-disconnect was switched on or off."""

    user: str
    on: bool


class PrivateTransfer(NamedTuple):
    """A transfer's one half, and the account that it concerns: a user who may see it, or `~bank` or `~issuer`."""

    user: str
    transfer: Transfer


class AccountsBegun(NamedTuple):
    """From now on orders need the money or the lots that they promise."""

    time: int
    """Of the command, µs."""


class AdministrativeAct(NamedTuple):
    """One step of the market's administration, carried out or refused: who did what, and what has come of it."""

    source: str
    """Of the command, like the next: its `Outcome` has the sentence."""
    number: int
    time: int
    """Of the command, µs."""
    act: str
    """`propose` or `confirm`."""
    actor: str
    proposal_id: str
    proposer: str
    """Who proposed it first; "" if there is no such proposal."""
    state: ProposalState
    """Of the proposal, now."""
    code: Code
    """OK, or why it was refused."""
    actions: Sequence[ProposedAction]
    """What is proposed; in a packet's rows [name, fields]. Empty if there is no such proposal any more."""


class MarketShown(NamedTuple):
    """A part of what is set and of what waits, for whoever asked."""

    source: str
    """Of the command, like the next."""
    number: int
    revision: int
    """Proposals carried out so far: parts of the same revision fit together."""
    total: int
    """Rows in all."""
    rows: Sequence[Sequence[Any]]
    """Each begins with what it is: `market`, `instrument`, `limits`, `groups` or `proposal`."""


class PairsRefused(NamedTuple):
    """Pairs of a quote that were refused; the others were taken."""

    source: str
    """Of the command, like the next."""
    number: int
    refused: Sequence[tuple[int, str]]
    """The number of each among the quote's pairs, from 0, and one sentence; in order."""


class RuleRefusal(NamedTuple):
    """
    Which of the company's rules refused an order, also a discreet one. For the record, never for users.

    The command's outcome has the sentence, and the command who asked and for what.
    """

    position: int
    """Of the command."""
    user: str
    instrument: str
    rule_id: str


class BookChange(NamedTuple):
    """All changes of one book since the packet before, merged; the engine's form of a `Delta`."""

    instrument: str
    prev_seq: int
    seq: int
    bids: Sequence[Level]
    """[price, quantity, orders]; quantity 0 removes."""
    asks: Sequence[Level]
    digest: int


Event: TypeAlias = (
    PrivateExecution
    | Outcome
    | Trade
    | Status
    | Instrument
    | CancelOnDisconnectSet
    | PrivateTransfer
    | Terms
    | AccountsBegun
    | AdministrativeAct
    | MarketShown
    | PairsRefused
    | Auction
    | RuleRefusal
)
