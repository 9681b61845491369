"""What administrators have set, in rows for those who ask.

Owns their form and order, and how many are shown at once. A row is [what, ...]:

* [market, accounts?, four_eyes?];
* [instrument, symbol, state, reason, reference, collar_bp, {further term: value}], in order of listing;
* [limits, user, group, instrument or None, {limit: value}], in order of first setting;
* [groups, user, [groups]], in order of first appearance, of those who are in some;
* [rule, rule_id, kind, [groups], [instruments], from, until, {parameter: value}, discreet?, in force?], in order of
  first setting;
* [kill, scope, name, since, reason], the oldest first;
* [clearance, clearance_id, user, instrument, side, lots, from, until, lots used], the oldest first;
* [proposal, proposal_id, proposer, time in µs, [[action, fields]]], the oldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from openoutcry.wire.messages import Terms
from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.proposals import Proposal, Proposals
from services.matching.traded_instrument import TradedInstrument
from shared.logs.commands import shown_fields
from shared.logs.market_commands import Limits

ROWS_MAX: Final = 100
"""Rows shown at once; each action of a proposal counts as one more. One row at least."""

SettingSection: TypeAlias = tuple[Collection[Any], Callable[[Any], tuple[Any, ...]]]
"""What is set of one kind, and how a row is made of each."""
_LimitRow: TypeAlias = tuple[tuple[str, str, str | None], Limits]
_FURTHER: Final = tuple(Terms._field_defaults)


class SettingRows:
    """
    All rows of a market; none is made before it is shown.

    Args:
        instruments: By symbol.
        accounts: By user.
        accounting: None if the market keeps no accounts.
        proposals: Those that wait are shown.
        rules: Rules, kills and clearances, and how each is shown.
    """

    def __init__(
        self,
        instruments: Mapping[str, TradedInstrument],
        accounts: Mapping[str, UserAccount],
        accounting: Accounting | None,
        proposals: Proposals,
        rules: Iterable[SettingSection],
    ) -> None:
        market = ("market", accounting is not None, proposals.four_eyes)
        limits: Collection[_LimitRow] = accounting.limits.held() if accounting is not None else ()
        grouped = [each for each in accounts.values() if isinstance(each, FundedAccount) and each.groups]
        self._sections: tuple[SettingSection, ...] = (
            ([market], tuple),
            (instruments.values(), _instrument_row),
            (limits, _limits_row),
            (grouped, _groups_row),
            *rules,
            (proposals.waiting(), proposal_row),
        )

    def __len__(self) -> int:
        return sum(len(held) for held, _ in self._sections)

    def page(self, start: int) -> list[tuple[Any, ...]]:
        """Return the rows from `start` on that are shown at once; O(start), at a fraction of a row's cost each."""
        page: list[tuple[Any, ...]] = []
        left = ROWS_MAX
        for held, make in self._sections:
            for each in islice(held, start, None):
                row = make(each)
                left -= 1 + (len(row[-1]) if row[0] == "proposal" else 0)
                if left < 0 and page:
                    return page
                page.append(row)
            start = max(0, start - len(held))
        return page


def proposal_row(proposal: Proposal) -> tuple[Any, ...]:
    """Return the row of a proposal that waits."""
    actions = [(name, shown_fields(command)) for name, command in proposal.actions]
    return "proposal", proposal.proposal_id, proposal.proposer, proposal.time_us, actions


def _instrument_row(market: TradedInstrument) -> tuple[Any, ...]:
    further = {name: value for name, value in zip(_FURTHER, market.terms()[-len(_FURTHER) :], strict=True) if value}
    return "instrument", market.symbol, market.state, market.reason, market.reference, market.collar_bp, further


def _limits_row(row: _LimitRow) -> tuple[Any, ...]:
    owned, limits = row
    return "limits", *owned, {name: value for name, value in limits._asdict().items() if value is not None}


def _groups_row(account: FundedAccount) -> tuple[Any, ...]:
    return "groups", account.user, account.groups
