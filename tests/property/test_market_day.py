"""A small company's day; `make market-day` has 1,000 users."""

from __future__ import annotations

import pytest

from shared.logs.commands import Command
from shared.logs.rule_commands import RuleKind
from tests.property.market_day import MarketDay

WANTED = {
    "filled", "collar", "quantity_out_of_range", "not_open", "blackout", "restricted", "window", "clearance_invalid",
    "clearance_required", "killed", "insufficient_holdings",
}  # fmt: skip


def test_every_answer_of_a_day_is_as_the_oracles_expect_it() -> None:
    """Of each kind of refusal there must be some: an oracle that sees none proves nothing."""
    day = MarketDay(users=60, orders=4_000, seed=2)
    day.run()
    assert not {each for each in WANTED if not day.seen[each]}, day.seen


def test_a_rule_that_an_oracle_does_not_know_is_found() -> None:
    """So is an engine that refuses what nobody forbade."""

    class Forgetful(MarketDay):
        def _does(self, kind: type[Command], *fields: object) -> None:
            super()._does(kind, *fields)
            self.rules.rules = {
                name: rule for name, rule in self.rules.rules.items() if rule.kind is not RuleKind.BLACKOUT
            }

    with pytest.raises(AssertionError, match="blackout"):
        Forgetful(users=60, orders=4_000, seed=2).run()
