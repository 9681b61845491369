"""Acts of the administration: the rows of who did what, and what follows from what was carried out.

Pure. An act is a proposal or its confirmation, which the packet tells, or a command of the administration that stood in
the log without a proposal: whoever may write to the log is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgpack

from openoutcry.wire.types import ProposalState
from services.ledger.asked_commands import AskedCommands, commands_of
from services.ledger.record_json import fields_json, to_json
from shared.logs.commands import ACTIONS, ProposedAction, read_actions
from shared.logs.market_commands import MakeTransfer, SetGroups
from shared.logs.packet import Packet
from shared.logs.rule_commands import SetClearance, SetKill, SetRule
from shared.logs.session_commands import ScheduledStep, SetSchedule

PROPOSALS_KEPT_MAX: Final = 32_768
"""Carried out ones that are remembered, as the engine does: a proposal that is repeated changes nothing again."""
_NAMES: Final = {kind: name for name, kind in ACTIONS.items()}
_NOT_SHOWN: Final = frozenset({"source", "number", "actor"})


class Act(NamedTuple):
    """One act, and what came of it."""

    place: int
    """Of its command among the packet's outcomes."""
    time: int
    act: str
    """propose, confirm; "": a command without a proposal."""
    actor: str
    proposal_id: str
    proposer: str
    state: str
    code: str
    actions: Sequence[ProposedAction]
    is_done: bool
    """Whether its actions were carried out by it."""

    @property
    def authors(self) -> tuple[str, str]:
        """Who asked for its actions, and who confirmed them."""
        return (self.proposer, self.actor) if self.act == "confirm" else (self.actor, "")


class DoneProposals:
    """
    The proposals that were carried out last.

    Args:
        names: The oldest first.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = dict.fromkeys(names)

    def is_new(self, proposal_id: str) -> bool:
        """Take a proposal that is done, and tell whether it was not before."""
        if proposal_id in self._names:
            return False
        self._names[proposal_id] = None
        if len(self._names) > PROPOSALS_KEPT_MAX:
            del self._names[next(iter(self._names))]
        return True


def acts_of(packet: Packet, asked: AskedCommands, done: DoneProposals) -> list[Act]:
    """Return a packet's acts in the order of their commands; empty for nearly all packets."""
    if not packet.acts and not asked.trusted:
        return []
    places = {(outcome.source, outcome.number): place for place, outcome in enumerate(packet.outcomes)}
    acts = [*_told(packet, places, done), *_trusted(packet, places, asked)]
    return sorted(acts, key=lambda act: act.place)


def _told(packet: Packet, places: dict[tuple[str, int], int], done: DoneProposals) -> Iterator[Act]:
    for source, number, time, act, actor, proposal_id, proposer, state, code, rows in packet.acts:
        # The packet's rows are tuples; what reads actions asks for msgpack's lists.
        actions = read_actions(msgpack.unpackb(msgpack.packb(rows)))
        is_done = not code and state == ProposalState.DONE and bool(actions) and done.is_new(proposal_id)
        place = places.get((source, number), 0)
        yield Act(place, time, act, actor, proposal_id, proposer, state, code, actions, is_done)


def _trusted(packet: Packet, places: dict[tuple[str, int], int], asked: AskedCommands) -> Iterator[Act]:
    told = set[int]()
    for each in asked.trusted:
        place = places.get((each.row[1], each.row[2]))
        if place is None or place in told:  # a repetition, or of another packet
            continue
        told.add(place)
        (command,) = commands_of([each])
        actor = getattr(command, "actor", "")
        name = _NAMES[type(command)]
        if name == "end_call" and not actor:  # the leader's, who drew the moment
            continue
        code = packet.outcomes[place].code
        state = "" if code else ProposalState.DONE.value
        action = ProposedAction(name, command)  # type: ignore[arg-type]  # its code is an action's
        yield Act(place, each.time, "", actor, "", "", state, code, (action,), is_done=not code)


def action_rows(acts: Sequence[Act]) -> list[tuple[Any, ...]]:
    """Return the rows of `admin_action`, one an action, without history, position and ordinal."""
    rows: list[tuple[Any, ...]] = []
    for _, time, act, actor, proposal_id, proposer, state, code, actions, _ in acts:
        head = (time, act, actor, proposal_id, proposer, str(state), str(code))
        if not actions:
            rows.append((*head, 0, "", "", "{}"))
        for number, (name, command) in enumerate(actions):
            rows.append((*head, number, name, _subject(command), fields_json(command, _NOT_SHOWN)))
    return rows


class Carried(NamedTuple):
    """What follows from the acts that were carried out, as rows without history, position and ordinal."""

    rules: list[tuple[Any, ...]]
    clearances: list[tuple[Any, ...]]
    groups: list[tuple[Any, ...]]
    transfers: dict[str, tuple[str, str, str]]
    """By transfer_id: who asked for it, who confirmed it, and why."""
    schedules: list[tuple[str, Sequence[ScheduledStep]]]
    """Calendars and what was planned of them."""


def carried_out(acts: Sequence[Act]) -> Carried:
    """Return what the acts that are done changed."""
    carried = Carried([], [], [], {}, [])
    for act in acts:
        if not act.is_done:
            continue
        actor, confirmed_by = act.authors
        for _, command in act.actions:
            match command:
                case SetRule():
                    fields = fields_json(command, _NOT_SHOWN | {"rule_id", "kind", "discreet"})
                    carried.rules.append((command.rule_id, str(command.kind), command.discreet, fields, actor))
                case SetClearance():
                    carried.clearances.append(
                        (*command[3:5], command.instrument, str(command.side), *command[7:], actor)
                    )
                case SetGroups():
                    carried.groups.append((command.user, to_json(command.groups), actor))
                case SetSchedule():
                    carried.schedules.append((command.calendar, command.steps))
                case MakeTransfer():
                    carried.transfers[command.transfer_id] = (actor, confirmed_by, command.note)
    return carried


def _subject(command: Any) -> str:
    """Return what an action is about: `rule:Q4`, `user:u-417`, `instrument:ACME`; "" if it is the market."""
    match command:
        case SetRule():
            return f"rule:{command.rule_id}"
        case SetKill():
            return f"{command.scope}:{command.name}" if command.name else command.scope
        case MakeTransfer():
            return f"transfer:{command.transfer_id}"
    for field in ("user", "group", "calendar", "instrument"):
        value = getattr(command, field, None)
        if value:
            return f"{field}:{getattr(value, 'symbol', value)}"
    return ""
