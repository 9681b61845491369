"""A market's administration in plain words: a proposal is tried on a copy, which is kept if all went well."""

from __future__ import annotations

import copy
from typing import TypeAlias

from openoutcry.wire.types import Code

DAY_US = 24 * 3_600_000_000
ALONE = ("withdraw", "end")
ONE_IS_ENOUGH = ("halt", "end")

NaiveAction: TypeAlias = tuple[str, int]


class NaiveMarket:
    """Ann's money, a reference price, and whether the instrument trades."""

    def __init__(self) -> None:
        self.money = 0
        self.reference = 0
        self.state = "open"
        self.made: set[tuple[str, int]] = set()

    def does(self, action: NaiveAction) -> Code:
        """Carry one action out, or say why not."""
        name, value = action
        if name == "refer" and value > 1_000:
            return Code.BAD_REQUEST
        if name == "refer":
            self.reference = value
        elif name in {"halt", "resume"}:
            self.state = "halted" if name == "halt" else "open"
        elif name in {"deposit", "withdraw"} and action not in self.made:
            if name == "withdraw" and value > self.money:
                return Code.INSUFFICIENT_CASH
            self.money += value if name == "deposit" else -value
            self.made.add(action)
        return Code.OK


class NaiveAdministration:
    """Proposals of a market, each as (who, when, what, whether it is done)."""

    def __init__(self) -> None:
        self.market = NaiveMarket()
        self.known: dict[str, tuple[str, int, list[NaiveAction], bool]] = {}

    def propose(self, actor: str, proposal_id: str, actions: list[NaiveAction], now: int) -> Code:
        """Return what the exchange should answer."""
        held = self.known.get(proposal_id)
        if held is not None:
            _, then, what, done = held
            if what != actions:
                return Code.DUPLICATE_PROPOSAL
            if done or now - then < DAY_US:
                return Code.OK
        code, after = self._tried(actions)
        if code is not Code.OK:
            return code
        alone = all(name in ONE_IS_ENOUGH for name, _ in actions)
        self.known[proposal_id] = (actor, now, actions, alone)
        if alone:
            self.market = after
        return Code.OK

    def confirm(self, actor: str, proposal_id: str, now: int) -> Code:
        """Return what the exchange should answer."""
        held = self.known.get(proposal_id)
        if held is None:
            return Code.UNKNOWN_PROPOSAL
        proposer, then, actions, done = held
        if not done and now - then >= DAY_US:
            return Code.PROPOSAL_EXPIRED
        if actor == proposer:
            return Code.FOUR_EYES
        if done:
            return Code.OK
        code, after = self._tried(actions)
        if code is Code.OK:
            self.market = after
            self.known[proposal_id] = (proposer, then, actions, True)
        return code

    def _tried(self, actions: list[NaiveAction]) -> tuple[Code, NaiveMarket]:
        after = copy.deepcopy(self.market)
        for place, action in enumerate(actions):
            if len(actions) > 1 and action[0] in ALONE:
                return Code.BAD_REQUEST, after
            if action[0] == "deposit" and action not in self.market.made and action in actions[:place]:
                return Code.DUPLICATE_TRANSFER, after
            code = after.does(action)
            if code is not Code.OK:
                return code, after
        return Code.OK, after
