"""`[rules.X]` of the market's file: every fault has its line and key, and applying it twice changes nothing."""

from __future__ import annotations

import json

import pytest

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.types import Code
from outcry.administration.market_file import read_market
from outcry.administration.market_plan import Settings, not_waiting, steps_to
from services.gateway.office_actions import read_proposed
from shared.logs.commands import Propose, ReadMarket
from shared.logs.events import MarketShown
from shared.logs.rule_commands import SetRule
from tests.unit.services.matching.flow import code
from tests.unit.services.matching.rules.ruled_floor import RuledFloor

FILE = """
[rules.Q4]
kind = "blackout"
groups = ["finance", "board"]
instruments = ["ACME"]
from = 2026-12-01T00:00:00Z
until = 2026-12-18
exercise = true
[rules.swing]
kind = "short_swing"
groups = ["board"]
days = 184
[rules.merger]
kind = "restricted"
groups = ["deal-9"]
instruments = ["ACME"]
discreet = true
[rules.share]
kind = "sell_share"
share_bp = 1_000
from = 2026-12-01T09:00:00+01:00
"""

Q4 = "groups board finance, instruments ACME, from 2026-12-01T00:00:00Z, until 2026-12-18T00:00:00Z, exercise true"


def as_read(floor: RuledFloor) -> Settings:
    shown = floor.does(ReadMarket, "olga", 0)[0]
    assert isinstance(shown, MarketShown)
    listing = [market.instrument for market in floor.engine.instruments.values()]
    return Settings(json.loads(json.dumps(shown.rows)), listing)


def test_a_file_leads_to_its_rules_and_twice_to_nothing() -> None:
    floor = RuledFloor()
    floor.rule("Q3", "blackout", ("finance",))
    floor.rule("swing", "short_swing", ("board", "finance"), days=90)
    steps = steps_to(read_market(FILE, "market.toml"), as_read(floor))
    assert [step.words for step in steps] == [
        f"+ rule Q4: blackout, {Q4}",
        "~ rule swing: groups board finance -> board, days 90 -> 184",
        "+ rule merger: restricted, groups deal-9, instruments ACME, discreet true",
        "+ rule share: sell_share, from 2026-12-01T08:00:00Z, share_bp 1000",
        "- rule Q3",
    ]
    proposed = read_proposed([step.action for step in steps])
    assert code(floor.does(Propose, "adam", "p", proposed)) is Code.OK
    new, held = not_waiting(steps_to(read_market(FILE, "market.toml"), as_read(floor)), as_read(floor))
    assert (new, list(held)) == ([], ["p"])
    for action in proposed:
        assert isinstance(action.command, SetRule)
        assert code(floor.does(SetRule, *action.command[2:])) is Code.OK
    assert steps_to(read_market(FILE, "market.toml"), as_read(floor)) == []
    assert steps_to(read_market("[market]\naccounting = 'full'", "market.toml"), as_read(floor)) == []
    removed = [step.words for step in steps_to(read_market("[rules]", "market.toml"), as_read(floor))]
    assert removed == ["- rule swing", "- rule Q4", "- rule merger", "- rule share"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("from = 2026-12-01T00:00:00", "from: must be a date, or a time with its zone such as 2026-12-01T00:00:00Z"),
        ('from = "tomorrow"', "from: must be a date, or a time with its zone such as 2026-12-01T00:00:00Z"),
        ("until = 1999-01-01\nfrom = 2026-12-01", "until: must be after from"),
        ("days = 5", "days: is of holding_period, short_swing, and a blackout has none"),
        ("share_bp = 10_001", "share_bp: must be at most 10000, not 10001"),
        ('groups = ["a b"]', "groups[0]: must match"),
        ("dscreet = true", "dscreet: is no key here"),
    ],
)
def test_a_fault_is_told_with_line_and_key(line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_market(f'[rules.Q4]\nkind = "blackout"\n{line}\n', "market.toml")
    assert str(caught.value).startswith(f"market.toml:3: rules.Q4.{fault}")


def test_a_kind_that_needs_a_number_says_so() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_market('[rules.swing]\nkind = "short_swing"\n', "market.toml")
    assert str(caught.value) == "market.toml:1: rules.swing.days: is required for a short_swing"
