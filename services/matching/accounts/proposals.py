"""Proposals of administrators: which wait for a second person, and what has become of the others.

Owns the table, its bounds and the time that a proposal waits. Whether its actions are possible is asked of `Outlook`.
Invariant: a proposal either waits or is remembered as done or expired, never both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgpack

from openoutcry.wire.types import Code, MarketState, ProposalState
from services.matching.traded_instrument import Refusal
from shared.logs.commands import ActionCommand, ListInstrument, ProposedAction, SetMarketState
from shared.logs.market_commands import MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.option_commands import SetSettlementPrice
from shared.logs.session_commands import EndCall, SetSchedule

LIFE_HOURS: Final = 24
"""How long a proposal waits for its confirmation, by the market's time."""
OPEN_PROPOSALS_MAX: Final = 1_024
"""Proposals that wait; the next is refused."""
OPEN_ACTIONS_MAX: Final = 10_000
"""Their actions together; a proposal that would make more is refused."""
CLOSED_PROPOSALS_MAX: Final = 32_768
"""Proposals remembered that wait no longer; the oldest is forgotten first."""
DIGEST_BYTES: Final = 20
PROPOSAL_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,36}")

_LIFE_US: Final = LIFE_HOURS * 3600 * 1_000_000
_NEED_TWO: Final = (
    MakeTransfer,
    SetLimits,
    SetGroups,
    SetTerms,
    ListInstrument,
    SetSchedule,
    EndCall,
    SetSettlementPrice,
)
"""Whatever is not here, one administrator may do: end orders, and begin accounts, since nobody is known before."""


def needs_two(command: ActionCommand) -> bool:
    """Tell whether an action needs a second person: all that gives or loosens something does."""
    if isinstance(command, SetMarketState):
        return command.state is not MarketState.HALTED
    return isinstance(command, _NEED_TWO)


class Proposal(NamedTuple):
    """One that waits."""

    proposal_id: str
    proposer: str
    time_us: int
    """Of its command."""
    actions: Sequence[ProposedAction]

    @property
    def state(self) -> ProposalState:
        """As `Closed.state`."""
        return ProposalState.PROPOSED


class Closed(NamedTuple):
    """What is remembered of one that waits no longer."""

    proposal_id: str
    proposer: str
    state: ProposalState
    """DONE, EXPIRED or WITHDRAWN."""
    digest: bytes
    """Of its actions."""


class Proposals:
    """
    All proposals of a market.

    Args:
        four_eyes: Whether any of them needs a second person.
        revision: Proposals carried out so far.
        open_rows: What waits, the oldest first.
        closed_rows: What is remembered, the oldest first.
    """

    __slots__ = ("_closed", "_open", "_open_actions", "four_eyes", "revision")

    def __init__(
        self,
        four_eyes: bool = True,  # noqa: FBT001, FBT002 - a checkpoint's row
        revision: int = 0,
        open_rows: Iterable[Proposal] = (),
        closed_rows: Iterable[Closed] = (),
    ) -> None:
        self.four_eyes = four_eyes
        self.revision = revision
        self._open = {row.proposal_id: row for row in open_rows}
        self._closed = {row.proposal_id: row for row in closed_rows}
        self._open_actions = sum(len(row.actions) for row in self._open.values())

    def rows(self) -> tuple[Any, ...]:
        """Return what the constructor takes."""
        return self.four_eyes, self.revision, self.waiting(), list(self._closed.values())

    def waiting(self) -> list[Proposal]:
        """Return what waits, the oldest first."""
        return list(self._open.values())

    def expire(self, time_us: int) -> None:
        """Close what has waited too long; O(those)."""
        while self._open:
            oldest = next(iter(self._open.values()))
            if time_us - oldest.time_us < _LIFE_US:
                return
            self._close(oldest, ProposalState.EXPIRED)

    def find(self, proposal_id: str) -> Proposal | Closed | None:
        """Return the proposal of this id as far as it is known; O(1)."""
        return self._open.get(proposal_id) or self._closed.get(proposal_id)

    def refusal(self, proposal_id: str, actions: Sequence[ProposedAction]) -> Refusal | None:
        """Return why these may not be proposed under this id, whatever they are, or None; O(actions)."""
        if not PROPOSAL_ID.fullmatch(proposal_id):
            return Refusal(Code.BAD_REQUEST, "proposal_id: is 1 to 36 letters, digits and . _ : -")
        known = self.find(proposal_id)
        if known is not None and digest_of(known) != _digest(actions):
            rule = f"proposal_id: {proposal_id} was used before, for something else"
            return Refusal(Code.DUPLICATE_PROPOSAL, rule)
        return None

    def no_room(self, actions: Sequence[ProposedAction]) -> Refusal | None:
        """Return why one more proposal cannot wait, or None."""
        if len(self._open) >= OPEN_PROPOSALS_MAX:
            rule = f"proposal_id: {OPEN_PROPOSALS_MAX:,} proposals wait, and there is no room for another"
            return Refusal(Code.TOO_MANY_PROPOSALS, rule)
        if self._open_actions + len(actions) > OPEN_ACTIONS_MAX:
            rule = f"actions: those that wait and these {len(actions):,} are more than {OPEN_ACTIONS_MAX:,}"
            return Refusal(Code.TOO_MANY_PROPOSALS, rule)
        return None

    def add(self, proposal: Proposal) -> None:
        """Let a new proposal wait; O(1)."""
        self._closed.pop(proposal.proposal_id, None)
        self._open[proposal.proposal_id] = proposal
        self._open_actions += len(proposal.actions)

    def done(self, proposal: Proposal) -> None:
        """Remember that a proposal was carried out, whether it had to wait or not; O(actions)."""
        self.revision += 1
        self._close(proposal, ProposalState.DONE)

    def withdraw(self, proposal: Proposal) -> None:
        """Remember that a proposal was taken back; O(actions)."""
        self._close(proposal, ProposalState.WITHDRAWN)

    def check_invariants(self) -> None:
        """Assert what must always hold; O(proposals). For tests."""
        assert not self._open.keys() & self._closed.keys()
        assert len(self._open) <= OPEN_PROPOSALS_MAX
        assert len(self._closed) <= CLOSED_PROPOSALS_MAX
        assert self._open_actions == sum(len(row.actions) for row in self._open.values()) <= OPEN_ACTIONS_MAX
        times = [row.time_us for row in self._open.values()]
        assert times == sorted(times)

    def _close(self, proposal: Proposal, state: ProposalState) -> None:
        if self._open.pop(proposal.proposal_id, None) is not None:
            self._open_actions -= len(proposal.actions)
        self._closed.pop(proposal.proposal_id, None)
        row = Closed(proposal.proposal_id, proposal.proposer, state, _digest(proposal.actions))
        self._closed[proposal.proposal_id] = row
        if len(self._closed) > CLOSED_PROPOSALS_MAX:
            del self._closed[next(iter(self._closed))]


def digest_of(proposal: Proposal | Closed) -> bytes:
    """Return the digest of a proposal's actions."""
    return proposal.digest if isinstance(proposal, Closed) else _digest(proposal.actions)


def _digest(actions: Sequence[ProposedAction]) -> bytes:
    """
    Of what is proposed; not of who appended the command.

    Nobody can make two proposals of one digest: else one could be read by a colleague, and the other be confirmed.
    """
    packed = msgpack.packb([(name, command[_FIRST_FIELD.get(name, 3) :]) for name, command in actions])
    return hashlib.blake2b(packed, digest_size=DIGEST_BYTES).digest()


_FIRST_FIELD: Final = {"list_instrument": 2, "set_market_state": 2}
"""Where an action's own fields begin: these two have no actor."""
