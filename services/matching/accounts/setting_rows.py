"""What administrators have set, in rows for those who ask.

Owns their form and order, and how many are shown at once. A row is [what, ...]:

* [market, accounts?, four_eyes?];
* [instrument, symbol, state, reason, reference, collar_bp], in order of listing;
* [limits, user, group, instrument or None, {limit: value}], in order of first setting;
* [groups, user, [groups]], in order of first appearance, of those who are in some;
* [proposal, proposal_id, proposer, time in µs, [[action, fields]]], the oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.proposals import Proposal
from services.matching.traded_instrument import TradedInstrument

ROWS_MAX: Final = 100
"""Rows shown at once; each action of a proposal counts as one more. One row at least."""

_OF_THE_LOG: Final = ("source", "number", "actor")


def setting_rows(
    instruments: Mapping[str, TradedInstrument],
    accounts: Mapping[str, UserAccount],
    accounting: Accounting | None,
    *,
    four_eyes: bool,
) -> list[tuple[Any, ...]]:
    """Return all rows but those of proposals; O(instruments, limits and accounts)."""
    rows: list[tuple[Any, ...]] = [("market", accounting is not None, four_eyes)]
    for symbol, market in instruments.items():
        rows.append(("instrument", symbol, market.state, market.reason, market.reference, market.collar_bp))
    if accounting is None:
        return rows
    for user, group, instrument, limits in accounting.limits.rows():
        given = {name: value for name, value in limits._asdict().items() if value is not None}
        rows.append(("limits", user, group, instrument, given))
    rows += [
        ("groups", account.user, account.groups)
        for account in accounts.values()
        if isinstance(account, FundedAccount) and account.groups
    ]
    return rows


def proposal_row(proposal: Proposal) -> tuple[Any, ...]:
    """Return the row of a proposal that waits."""
    actions = [
        (name, {field: value for field, value in command._asdict().items() if field not in _OF_THE_LOG})
        for name, command in proposal.actions
    ]
    return "proposal", proposal.proposal_id, proposal.proposer, proposal.time_us, actions


def page_of(rows: Sequence[tuple[Any, ...]], start: int) -> list[tuple[Any, ...]]:
    """Return the rows from `start` on that are shown at once."""
    page: list[tuple[Any, ...]] = []
    left = ROWS_MAX
    for row in rows[start : start + ROWS_MAX]:
        left -= 1 + (len(row[-1]) if row[0] == "proposal" else 0)
        if left < 0 and page:
            break
        page.append(row)
    return page
