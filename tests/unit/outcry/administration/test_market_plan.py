"""From the market as it is to that of a file, and no step further."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from outcry.administration.market_file import read_market
from outcry.administration.market_plan import (
    PROPOSAL_BYTES_MAX,
    Settings,
    content_name,
    in_proposals,
    not_waiting,
    steps_to,
)
from services.gateway.office_actions import read_proposed
from services.matching.accounts.proposals import PROPOSAL_ID, Proposal
from services.matching.accounts.setting_rows import proposal_row
from shared.logs.commands import Confirm, Propose, ReadMarket
from shared.logs.events import MarketShown
from tests.unit.services.matching.flow import Desk

FILE = """
[market]
accounting = "full"
four_eyes = false
[instruments.ACME]
reference = 100
collar_bp = 1_000
[instruments.BETA]
currency = "EUR"
price_max = 500
option = { underlying = "ACME", right = "call", strike = 5, expiry = "2027-03-19" }
kind = "option"
[limits.everybody]
order_value_max = 80_000
messages_per_second = 20
[limits.staff]
instruments.ACME = { order_quantity_max = 5 }
[limits."user:ann"]
may_short = 3
[groups]
staff = ["ann", "bob"]
finance = ["ann"]
"""


def as_read(desk: Desk) -> Settings:
    """What a client is shown, with the wire between."""
    shown = desk.does(ReadMarket, "olga", 0)[0]
    assert isinstance(shown, MarketShown)
    assert len(shown.rows) == shown.total
    listing = [market.instrument for market in desk.engine.instruments.values()]
    return Settings(json.loads(json.dumps(shown.rows)), listing)


def applied(desk: Desk, text: str) -> list[str]:
    """Apply a file as one who needs nobody; returns what it says."""
    steps = steps_to(read_market(text, "market.toml"), as_read(desk))
    for part in in_proposals([step.action for step in steps]):
        outcome = desk.does(Propose, "adam", content_name("market-1", part), read_proposed(part))[-1]
        assert outcome[2] == "", outcome
    desk.engine.check_invariants()
    return [step.words for step in steps]


def test_a_file_applied_twice_does_nothing() -> None:
    desk = Desk()
    assert applied(desk, FILE) == [
        "+ accounts, four_eyes = false",
        "~ terms ACME: reference 0 -> 100, collar_bp 0 -> 1,000",
        "+ instrument BETA",
        "+ limits.everybody: order_value_max none -> 80,000,000,000, messages_per_second none -> 20",
        "+ limits.staff.instruments.ACME: order_quantity_max none -> 5",
        "+ limits.user:ann: may_short none -> 3",
        "+ groups of ann: none -> finance, staff",
        "+ groups of bob: none -> staff",
    ]
    assert applied(desk, FILE) == []


def test_what_the_file_has_no_more_ends() -> None:
    desk = Desk()
    applied(desk, FILE)
    assert applied(desk, "[limits.staff]\nopen_orders_max = 2\n[groups]\nstaff = ['bob']\n") == [
        "- limits.everybody: order_value_max 80,000,000,000 -> none, messages_per_second 20 -> none",
        "- limits.staff.instruments.ACME: order_quantity_max 5 -> none",
        "- limits.user:ann: may_short 3 -> none",
        "+ limits.staff: open_orders_max none -> 2",
        "- groups of ann: finance, staff -> none",
    ]
    assert applied(desk, "[instruments.ACME]\ncollar_bp = 500\n") == ["~ terms ACME: collar_bp 1,000 -> 500"]
    assert applied(desk, "") == []


TABLE = """
[instruments.ACME]
tick_table = [[1, 1], [100, 5]]
"""


def test_terms_that_a_file_does_not_name_stay() -> None:
    """They are set all at once: what a file leaves out is set as it is."""
    desk = Desk()
    applied(desk, FILE)
    assert applied(desk, TABLE) == ["~ terms ACME: tick_table none -> [[1, 1], [100, 5]]"]
    assert applied(desk, TABLE) == []
    assert applied(desk, "[instruments.ACME]\ncollar_bp = 500\n") == ["~ terms ACME: collar_bp 1,000 -> 500"]
    market = desk.engine.instruments["ACME"]
    assert (market.reference, market.collar_bp, market.tick_table) == (100, 500, ((1, 1), (100, 5)))
    assert applied(desk, "[instruments.ACME]\ntick_table = []\n") == [
        "~ terms ACME: tick_table [[1, 1], [100, 5]] -> none"
    ]


def test_what_waits_is_not_proposed_again() -> None:
    desk = Desk()
    text = FILE.replace("four_eyes = false", "four_eyes = true")
    steps = steps_to(read_market(text, "market.toml"), as_read(desk))
    for part in in_proposals([step.action for step in steps]):
        desk.does(Propose, "adam", content_name("market-0", part), read_proposed(part))
    settings = as_read(desk)
    new, held = not_waiting(steps_to(read_market(text, "market.toml"), settings), settings)
    assert (new, len(held)) == ([], 1)
    for proposal_id in held:
        assert desk.does(Confirm, "eve", proposal_id)[-1][2] == ""
    assert steps_to(read_market(text, "market.toml"), as_read(desk)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[instruments.ACME]\ncurrency = "EUR"', "instruments.ACME.currency: is listed with 'USD'"),
        ("[instruments.ACME]\nprice_max = 5", "instruments.ACME.price_max: is listed with 1000"),
        ("[market]\nfour_eyes = false", "market.four_eyes: is decided where accounts begin"),
    ],
)
def test_what_can_never_be_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        steps_to(read_market(text, "market.toml"), as_read(Desk()))
    assert str(caught.value).startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[market]\naccounting = "none"', "market.accounting: this market keeps accounts, and cannot stop"),
        ('[market]\naccounting = "full"', "market.four_eyes: was decided when the accounts began, and stays"),
    ],
)
def test_what_has_begun_stays(text: str, fault: str) -> None:
    desk = Desk()
    applied(desk, FILE)
    with pytest.raises(ConfigurationError) as caught:
        steps_to(read_market(text, "market.toml"), as_read(desk))
    assert str(caught.value) == fault


def test_proposals_fit_into_requests() -> None:
    begin: dict[str, Any] = {"action": "begin_accounts", "four_eyes": True}
    alone: dict[str, Any] = {"action": "begin_accounts", "four_eyes": False}
    groups = [{"action": "set_groups", "user": f"u{n}", "groups": ["staff" * 6] * (n % 30)} for n in range(200)]
    parts = in_proposals([begin, *groups])
    assert [action for part in parts for action in part] == [begin, *groups]
    assert parts[0] == [begin]
    assert in_proposals([begin, *groups[:9]]) == [[begin, *groups[:9]]]
    assert in_proposals([alone, *groups[:9]]) == [[alone], groups[:9]]
    assert all(len(part) <= 50 and len(json.dumps(part)) <= PROPOSAL_BYTES_MAX + 2 for part in parts)
    assert len({content_name("market-12345678901", part) for part in parts}) == len(parts)
    assert all(PROPOSAL_ID.fullmatch(content_name("a" * 19, part)) for part in parts)


def test_a_proposals_row_names_what_a_file_would_propose() -> None:
    action = {"action": "list_instrument", "symbol": "BETA", "option": None}
    proposed = read_proposed([action])
    settings = Settings(json.loads(json.dumps([proposal_row(Proposal("p1", "adam", 5, proposed))])), [Instrument("X")])
    assert list(settings.waiting.values()) == ["p1"]


def test_a_user_in_too_many_groups_is_named() -> None:
    """It ended the program, since no request can hold it."""
    wanted = read_market("[groups]\n" + "".join(f'g{n} = ["ann"]\n' for n in range(33)), "market.toml")
    with pytest.raises(ConfigurationError, match=r"^groups\.g32: ann is in 33, and may be in 32$"):
        steps_to(wanted, Settings((), ()))
