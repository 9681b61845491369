"""Balances at each close of a day, and realised results: made again from the replay, and held against the record.

Money, lots and cost are the engine's own. The realised result of a holding the engine does not keep; it follows from
fills, by the rule that everybody has. A segment knows what was realised since its mark. What was realised before is for
whoever has the other segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from openoutcry.wire.account import tick_value
from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.row_comparison import A_ROW, NO_ROW
from services.ledger.balances import Balances, HoldingRow, TradedTerms
from services.ledger.trading_days import TradingDays
from services.matching.accounts.funded_account import FundedAccount
from services.matching.engine import Engine

TABLE: Final = "balance_eod"
_DAY: Final = 2
"""Where in a row the trading day is; user and asset are next, then the three amounts."""
_NOTHING: Final = (0, 0)


class RealisedAt(NamedTuple):
    """Realised results at a close, as the record has them, and as far as a segment knows them."""

    position: int
    day: str
    recorded: Mapping[tuple[str, str], int]
    """By user and instrument."""
    since_mark: Mapping[tuple[str, str], int]


class Realised(NamedTuple):
    """What one segment knows of realised results."""

    history: int
    closes: Sequence[RealisedAt]
    at_end: Mapping[tuple[str, str], int]
    """Since the mark; who is missing has realised nothing."""


class BalanceTally:
    """
    The balances of one segment.

    Args:
        engine: At the mark; at each call it stands where the rows end.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._balances = Balances({}, keeps_accounts=engine.accounting is not None)
        users = engine.accounts.keys()
        held = [HoldingRow(*key, *told, 0, 0) for key, told in holdings_of(engine).items()]
        self._balances.read(users, held, [])
        self._results: dict[tuple[str, str], int] = {}
        self._closes: list[RealisedAt] = []

    def add(self, executions: Sequence[tuple[Any, ...]], transfers: Sequence[tuple[Any, ...]]) -> None:
        """Take rows in order; O(rows)."""
        engine, balances = self._engine, self._balances
        balances.keeps_accounts = balances.keeps_accounts or engine.accounting is not None
        if len(balances.terms) != len(engine.instruments):
            listed = [market.instrument for market in engine.instruments.values()]
            balances.terms = {each.symbol: TradedTerms(tick_value(each), each.currency) for each in listed}
        changed, _ = balances.take(executions, transfers)
        self._results |= {(row.user, row.instrument): row.result for row in changed}

    def close(
        self, history: int, until: int, days: Sequence[str], recorded: Sequence[tuple[Any, ...]]
    ) -> Iterator[Difference]:
        """
        Compare what was kept since the last call.

        Args:
            history: The ledger's number.
            until: Position of the last packet.
            days: The trading days that were closed by it.
            recorded: Rows of `balance_eod` since the last call.
        """
        held = {(row[1], *row[_DAY : _DAY + 3]): row[_DAY + 3 :] for row in recorded}
        wanted: dict[tuple[Any, ...], tuple[int, int]] = {}
        if days:
            now = {key: (amount, 0) for key, amount in purses_of(self._engine).items()} | holdings_of(self._engine)
            wanted = {(until, day, *key): told for day in days for key, told in now.items()}
        for key in held.keys() | wanted.keys():
            yield from _of_row(
                history, key, held.get(key), wanted.get(key), is_close=key[0] == until and key[1] in days
            )
        for day in days:
            told = {key[2:]: row[2] for key, row in held.items() if key[:2] == (until, day)}
            self._closes.append(RealisedAt(until, day, told, dict(self._results)))

    def realised(self, history: int) -> Realised:
        """Return what is known of results."""
        return Realised(history, self._closes, self._results)


def _of_row(
    history: int,
    key: tuple[Any, ...],
    recorded: Sequence[Any] | None,
    wanted: tuple[int, int] | None,
    *,
    is_close: bool,
) -> Iterator[Difference]:
    position, day, user, asset = key
    name = f"{day}, {user} {asset}"
    if recorded is None:
        if wanted != _NOTHING:
            yield Difference(history, position, TABLE, name, "", NO_ROW, A_ROW)
        return
    if not is_close:
        yield Difference(history, position, TABLE, name, "", A_ROW, NO_ROW)
        return
    for field, left, right in zip(("amount", "cost"), recorded, wanted or _NOTHING, strict=False):
        if left != right:
            yield Difference(history, position, TABLE, name, field, shown(left), shown(right))


def purses_of(engine: Engine) -> dict[tuple[str, str], int]:
    """Return each user's money by currency; O(accounts)."""
    return {
        (user, name): purse.amount
        for user, account in engine.accounts.items()
        if isinstance(account, FundedAccount)
        for name, purse in account.purses.items()
    }


def holdings_of(engine: Engine) -> dict[tuple[str, str], tuple[int, int]]:
    """Return each user's lots and their cost by instrument; O(accounts)."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for user, account in engine.accounts.items():
        if isinstance(account, FundedAccount):
            found |= {(user, name): (held.lots, held.cost) for name, held in account.holdings.items()}
        else:
            found |= {(user, name): (lots, 0) for name, lots in account.positions.items()}
    return found


def days_of(engine: Engine) -> TradingDays:
    """Return the trading days as they are planned."""
    days = TradingDays()
    for name, plan in engine.phases.plans.items():
        days.plan(name, plan.steps)
    for symbol, market in engine.instruments.items():
        days.follow(symbol, market.calendar)
    return days


def result_findings(
    parts: Sequence[Realised], begin: Sequence[bool], now: Sequence[tuple[Any, ...]], place: int
) -> Iterator[Difference]:
    """
    Yield what is wrong in realised results, over all segments.

    Args:
        parts: Of the segments in order, none of which was cut short.
        begin: Of each whether results begin with it: those of the market, and behind a gap.
        now: Rows of `holding`, if the last segment ends at the place.
        place: The position there.
    """
    before: dict[tuple[str, str], int] = {}
    known = False
    for part, begins in zip(parts, begin, strict=True):
        if begins:
            before, known = {}, True
        for position, day, recorded, since in part.closes:
            for key, result in recorded.items():
                wanted = before.setdefault(key, 0 if known else result - since.get(key, 0)) + since.get(key, 0)
                if result != wanted:
                    name = f"{day}, {key[0]} {key[1]}"
                    yield Difference(part.history, position, TABLE, name, "result", shown(result), shown(wanted))
        for key, result in part.at_end.items():
            if known or key in before:
                before[key] = before.get(key, 0) + result
    for user, instrument, _, _, result, position in now:
        key = user, instrument
        if position <= place and (known or key in before) and result != before.get(key, 0):
            name, wanted = f"{user} {instrument}", before.get(key, 0)
            yield Difference(parts[-1].history, place, "holding", name, "result", shown(result), shown(wanted))
