"""What administrators decide: proposals, their confirmation by another person, and what is told of both.

Owns the rule of four eyes, and that a proposal is carried out once, whole or not at all: it is asked ahead as it is
proposed, and again as it is confirmed. Leaves the table to `Proposals`, the asking to `Outlook`, the doing to the
engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from openoutcry.wire.types import Code, ProposalState
from services.matching.accounts.outlook import Outlook
from services.matching.accounts.proposals import LIFE_HOURS, Closed, Proposal, Proposals, needs_two
from services.matching.accounts.setting_rows import SettingRows
from services.matching.traded_instrument import Refusal
from shared.logs.commands import ActionCommand, Confirm, Propose, ProposedAction, ReadMarket
from shared.logs.compliance import is_of_compliance
from shared.logs.events import AdministrativeAct, Event, MarketShown, Outcome

_OK: Final = Refusal(Code.OK, "")
_AGAIN: Final = (ProposalState.EXPIRED, ProposalState.WITHDRAWN)
"""What may be proposed again."""


class RuleActions(Protocol):
    """What is asked of a company's rules beside their carrying out."""

    def loosens(self, command: object) -> bool:
        """Tell whether an action allows what is forbidden now, apart from what `needs_two` says of all."""

    def settle(self) -> int:
        """End the orders that what was carried out forbids; returns how many."""


class Decisions:
    """
    The administrators' decisions about one shard's market.

    Args:
        outlook: Returns the market as it is, to be asked ahead.
        rows: Returns what is set and what waits.
        carry_out: Carries out one action and returns its outcome; its events are the command's.
        rules: The company's.
    """

    def __init__(
        self,
        outlook: Callable[[], Outlook],
        rows: Callable[[], SettingRows],
        carry_out: Callable[[ActionCommand], Outcome],
        rules: RuleActions,
    ) -> None:
        self.proposals = Proposals()
        self._outlook = outlook
        self._rows = rows
        self._carry_out = carry_out
        self._rules = rules

    def decide(self, command: Propose | Confirm | ReadMarket, time_us: int, events: list[Event]) -> tuple[Refusal, int]:
        """
        Take a proposal or a confirmation, or a question; what happened is appended to `events`, the act itself last.

        Returns:
            Code and sentence, OK if it was taken, and how many orders were ended.

        Cost: O(actions), each as its own command, and O(instruments); a question O(accounts).
        """
        self.proposals.expire(time_us)
        if isinstance(command, ReadMarket):
            if command.start < 0:
                return Refusal(Code.BAD_REQUEST, f"start: is from 0 on, not {command.start}"), 0
            rows, revision = self._rows(), self.proposals.revision
            events.append(MarketShown(command.source, command.number, revision, len(rows), rows.page(command.start)))
            return _OK, 0
        waiting = self.proposals.find(command.proposal_id)
        if isinstance(command, Propose):
            actions: Sequence[ProposedAction] = command.actions
            refusal, ended = self._propose(command, waiting, time_us)
        else:
            actions = waiting.actions if isinstance(waiting, Proposal) else ()
            refusal, ended = self._withdraw(command, waiting) if command.withdraws else self._confirm(command, waiting)
        known = self.proposals.find(command.proposal_id)
        act = AdministrativeAct(
            command.source,
            command.number,
            time_us,
            "propose" if isinstance(command, Propose) else "withdraw" if command.withdraws else "confirm",
            command.actor,
            command.proposal_id,
            known.proposer if known is not None else "",
            known.state if known is not None else ProposalState.NONE,
            refusal.code,
            actions,
        )
        events.append(act)
        return refusal, ended

    def _propose(self, command: Propose, known: Proposal | Closed | None, time_us: int) -> tuple[Refusal, int]:
        proposals, actions = self.proposals, command.actions
        refusal = proposals.refusal(command.proposal_id, actions)
        if refusal is not None:
            return refusal, 0
        if known is not None and known.state not in _AGAIN:
            return _OK, 0
        refusal = self._outlook().refusal(actions)
        if refusal is not None:
            return refusal, 0
        proposal = Proposal(command.proposal_id, command.actor, time_us, actions)
        if proposals.four_eyes and any(
            needs_two(each.command) or self._rules.loosens(each.command) for each in actions
        ):
            refusal = proposals.no_room(actions)
            if refusal is None:
                proposals.add(proposal)
            return refusal or _OK, 0
        return self._do(proposal)

    def _confirm(  # noqa: PLR0911 - one a rule
        self, command: Confirm, known: Proposal | Closed | None
    ) -> tuple[Refusal, int]:
        if known is None:
            rule = f"proposal_id: no proposal {command.proposal_id} waits"
            return Refusal(Code.UNKNOWN_PROPOSAL, rule), 0
        if known.state is ProposalState.EXPIRED:
            rule = f"proposal_id: {command.proposal_id} waited for {LIFE_HOURS} hours; propose it again"
            return Refusal(Code.PROPOSAL_EXPIRED, rule), 0
        if known.state is ProposalState.WITHDRAWN:
            rule = f"proposal_id: {command.proposal_id} was withdrawn"
            return Refusal(Code.UNKNOWN_PROPOSAL, rule), 0
        if known.proposer == command.actor:
            rule = f"actor: {command.actor} proposed it, another administrator confirms"
            return Refusal(Code.FOUR_EYES, rule), 0
        if not isinstance(known, Proposal):
            return _OK, 0
        if command.of_compliance and not all(is_of_compliance(action.command) for action in known.actions):
            rule = f"role: compliance may not confirm {command.proposal_id}, which is not of rules alone"
            return Refusal(Code.NOT_PERMITTED, rule), 0
        refusal = self._outlook().refusal(known.actions)
        return (refusal, 0) if refusal is not None else self._do(known)

    def _withdraw(self, command: Confirm, known: Proposal | Closed | None) -> tuple[Refusal, int]:
        if known is None:
            return Refusal(Code.UNKNOWN_PROPOSAL, f"proposal_id: no proposal {command.proposal_id} waits"), 0
        if known.proposer != command.actor:
            rule = f"actor: {known.proposer} proposed it, and nobody else withdraws it"
            return Refusal(Code.NOT_PERMITTED, rule), 0
        if isinstance(known, Proposal):
            self.proposals.withdraw(known)
        elif known.state is not ProposalState.WITHDRAWN:
            rule = f"proposal_id: {command.proposal_id} waits no longer, it is {known.state}"
            return Refusal(Code.UNKNOWN_PROPOSAL, rule), 0
        return _OK, 0

    def _do(self, proposal: Proposal) -> tuple[Refusal, int]:
        """Carry out all actions, which have been asked ahead."""
        ended = 0
        for place, action in enumerate(proposal.actions):
            outcome = self._carry_out(action.command)
            # Never refused: `Outlook` is at least as strict. If it were not, a market that goes on is better than one
            # that ends at the same command for ever; the refusal is told, and nothing more of it is done.
            if outcome.code is not Code.OK:
                text = f"actions.{place}.{action.name}: {outcome.text}"
                return Refusal(outcome.code, text), ended + self._rules.settle()
            ended += outcome.cancelled
        self.proposals.done(proposal)
        return _OK, ended + self._rules.settle()
