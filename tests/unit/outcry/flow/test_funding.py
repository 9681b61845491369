"""The crowd's day in a market with accounts: a call, trading, and a blackout that somebody asks for."""

from __future__ import annotations

from collections import Counter

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code
from outcry.flow.funding import BLACKOUT_S, CALL_S, INSIDERS
from outcry.flow.order_flow import OrderFlow
from services.matching.accounts.funded_account import FundedAccount
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.engine import Engine
from shared.logs.commands import Command, ListInstrument
from shared.logs.events import Outcome, PrivateExecution
from shared.logs.session_commands import SetSchedule

DAY_US = 20_000 * 86_400_000_000


def test_insiders_are_closed_out_for_ten_seconds() -> None:
    instruments = [Instrument("ACME"), Instrument("BETA")]
    engine, flow = Engine(), OrderFlow(instruments, "bots-1", seed=1)
    insiders: set[str] = set()
    seen: Counter[tuple[int, str, str]] = Counter()

    def apply(commands: list[Command], second: int) -> None:
        for command in commands:
            for event in engine.apply(command, DAY_US + second * 1_000_000):
                if isinstance(event, PrivateExecution) and event.execution.reason == "blackout":
                    seen[second, str(event.execution.event), event.execution.instrument] += 1
                    insiders.add(event.user)
                elif isinstance(event, Outcome) and event.code:
                    seen[second, str(event.code), ""] += 1

    apply([ListInstrument("leader", n, each) for n, each in enumerate(instruments, 1)], 0)
    apply(flow.funding(DAY_US), 0)
    apply(flow.opening(), 0)
    begins = 15
    for second in range(1, 30):
        if second == begins:
            apply(flow.blackout(DAY_US + begins * 1_000_000), begins)
        apply(flow.commands(200), second)
    assert [key for key in seen if key[1] == "cancelled"] == [(begins, "cancelled", "ACME")]
    assert {key[0] for key in seen if key[1] == "rejected"} == set(range(begins, begins + BLACKOUT_S))
    assert {key[2] for key in seen if key[1] == "rejected"} == {"ACME"}
    groups = [account.groups for account in engine.accounts.values() if isinstance(account, FundedAccount)]
    assert sum(INSIDERS in each for each in groups) * 4 <= len(groups)
    assert all(
        INSIDERS in account.groups for user in insiders if isinstance(account := engine.account(user), FundedAccount)
    )
    engine.check_invariants()


def test_what_follows_another_price_opens_there_and_trades() -> None:
    """With the reference of the others every order of an option was refused: ten times too far from it."""
    instruments = list(DEFAULT_LISTING)
    engine, flow = Engine(), OrderFlow(instruments, "bots-1", seed=1)
    commands: list[Command] = [ListInstrument("leader", n, each) for n, each in enumerate(instruments, 1)]
    for command in (*commands, *flow.funding(DAY_US, 1.0)):
        engine.apply(command, DAY_US)
    refused: Counter[str] = Counter()
    for command in (*flow.opening(), *flow.commands(3_000)):
        for event in engine.apply(command, DAY_US + 10_000_000):
            if isinstance(event, Outcome) and event.code:
                refused[event.code] += 1
            elif isinstance(event, PrivateExecution) and not event.execution.remaining:
                flow.ended(event.execution.instrument, event.execution.client_order_id)
    assert not refused[Code.COLLAR]
    assert all(market.book.trade_id for market in engine.instruments.values())


def test_the_call_lasts_as_long_as_it_is_told() -> None:
    """A thousand users take longer to connect than fifty, and are to see the auction."""
    for call_s in (CALL_S, 9.5):
        flow = OrderFlow([Instrument("ACME")], "bots-1", seed=1)
        (schedule,) = [each for each in flow.funding(DAY_US, call_s) if isinstance(each, SetSchedule)]
        uncrossed = [step.time_us for step in schedule.steps if step.step == "uncross"]
        assert uncrossed == [DAY_US + int(call_s * 1_000_000)]
