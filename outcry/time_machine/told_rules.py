"""The answer to: which limits, rules, kills, clearances and proposals held then?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from outcry.time_machine.past_market import PastMarket
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.told_book import standing
from shared.logs.commands import ReadMarket
from shared.logs.events import MarketShown

_SOURCE: Final = "time-machine-reader"


class ToldRules(NamedTuple):
    """What was set, in the rows that administrators see."""

    market: PastMarket
    rows: Sequence[Sequence[Any]]
    """As `services.matching.accounts.setting_rows` has them."""

    def fields(self) -> dict[str, Any]:
        """Return it for programs."""
        market = self.market
        return {
            "history": market.history,
            "epoch": market.epoch,
            "position": market.position,
            "log_id": market.log_id,
            "time": moment_text(market.time),
            "rows": [list(row) for row in self.rows],
        }

    def lines(self) -> list[str]:
        """Return it for people, a row a line, as `outcry admin show` does."""
        return standing(self.market) + [f"{kind:11}" + "  ".join(map(_words, fields)) for kind, *fields in self.rows]


def told_rules(market: PastMarket) -> ToldRules:
    """Return all that was set; asked of the engine as an administrator would ask. O(rows)."""
    rows: list[Sequence[Any]] = []
    number, total = 0, 1
    while len(rows) < total:
        number += 1
        for event in market.engine.apply(ReadMarket(_SOURCE, number, "", len(rows)), market.time):
            if isinstance(event, MarketShown):
                total = event.total
                rows += event.rows
    return ToldRules(market, rows)


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {held}" for name, held in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value)) or "none"
    return "any" if value is None else str(value)
