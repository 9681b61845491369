"""What a checkpoint holds of a market's accounts beside the users' own rows, and of its administration, and back.

What open orders reserve is not stored: placing them again reserves it.
"""

from __future__ import annotations

from typing import Any

from openoutcry.wire.types import ProposalState
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.funded_account import FundedAccount, Holding, Purse
from services.matching.accounts.proposals import Closed, Proposal, Proposals
from services.matching.accounts.transfers import TransferIds
from services.matching.engine import Engine
from shared.logs.commands import read_actions
from shared.logs.market_commands import Limits

_WORD = 1 << 63


def accounting_rows(engine: Engine) -> tuple[Any, ...] | None:
    """Return transfers, limits and (by user) groups, rate, purses and holdings; None of a market without accounts."""
    accounting = engine.accounting
    if accounting is None:
        return None
    rows = [_row(account) for account in engine.accounts.values() if isinstance(account, FundedAccount)]
    return accounting.transfers.rows(), accounting.limits.rows(), accounting.limits.has_allowed_short, rows


def restore_accounting(engine: Engine, rows: Any) -> None:
    """Make all accounts of an engine that has instruments and no accounts yet, in their order."""
    if rows is None:
        return
    transfers, limits, has_allowed_short, accounts = rows
    accounting = Accounting()
    accounting.transfers = TransferIds((transfer_id, checksum) for transfer_id, checksum in transfers)
    for user, group, symbol, row in limits:
        accounting.limits.set(user, group, symbol, Limits._make(row))
    accounting.limits.has_allowed_short = has_allowed_short
    engine.keep_accounts(accounting)
    for user, groups, rate_left, rate_time, purses, symbols, lots, costs, restricted in accounts:
        account = engine.account(user)
        assert isinstance(account, FundedAccount)
        account.groups, account.rate_left, account.rate_time = tuple(groups), rate_left, rate_time
        for currency, amount, result in purses:
            account.purses[currency] = Purse(amount, int(result))
        for symbol, held, cost in zip(symbols, lots, costs, strict=True):
            purse = account.purse(engine.instruments[symbol].currency)
            parts = [(until, why, part) for until, why, part in restricted.get(symbol, ())]
            account.holdings[symbol] = Holding(purse, held, int(cost), parts)
        accounting.holdings.held += len(symbols)


def restore_proposals(engine: Engine, rows: Any) -> None:
    """Take proposals as `Proposals.rows` gave them; None: there are none."""
    if rows is None:
        return
    four_eyes, revision, waiting, closed = rows
    engine.decisions.proposals = Proposals(
        four_eyes,
        revision,
        [Proposal(name, proposer, time_us, read_actions(actions)) for name, proposer, time_us, actions in waiting],
        [Closed(name, proposer, ProposalState(state), digest) for name, proposer, state, digest in closed],
    )


def _row(account: FundedAccount) -> tuple[Any, ...]:
    holdings = account.holdings.values()
    return (
        account.user,
        account.groups,
        account.rate_left,
        account.rate_time,
        [(currency, purse.amount, _number(purse.result)) for currency, purse in account.purses.items()],
        # Lists side by side: half a million holdings take half the time that a row for each would.
        list(account.holdings),
        [held.lots for held in holdings],
        [cost if -_WORD <= cost < _WORD else str(cost) for cost in [held.cost for held in holdings]],
        {symbol: held.restricted for symbol, held in account.holdings.items() if held.restricted},
    )


def _number(value: int) -> int | str:
    """Return what msgpack can hold: results and costs outgrow its 64 bits."""
    return value if -_WORD <= value < _WORD else str(value)
