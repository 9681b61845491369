"""What a trader notes of each order: the verdict about lost and doubled orders rests on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any, cast

import pytest

from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.market import Market
from openoutcry.errors import Disconnected, OrderRefused, OutcomeUnknown
from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code
from outcry.chaos.aio import trader as trader_module
from outcry.chaos.aio.trader import ChaosTrader


class ScriptedMarket:
    """Answers the tries of one order, one after another."""

    def __init__(self, *answers: Exception | int) -> None:
        self.user = "ann"
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []
        self.on_order: Callable[[], None] = lambda: None

    async def order(self, **order: Any) -> Reply:
        self.sent.append(order)
        self.on_order()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply(1, True, "ok", "", {"order_id": answer})

    def check(self) -> None:
        """Still to be connected again."""


class QuietAccount:
    """Nothing rests, and nothing is in doubt."""

    def __init__(self) -> None:
        self.orders: dict[int, Any] = {}
        self.positions: dict[str, int] = {}
        self.cash: dict[str, int] = {}
        self.stale: str | None = None
        self.user_seq = 0


def refused(code: Code, order_id: int = 0) -> OrderRefused:
    return OrderRefused(code, "for a reason", "order", "ann-1", order_id)


UNKNOWN = OutcomeUnknown("order", "ann-1", "the connection ended")
CUT = Disconnected(1006, "")


async def placed(market: ScriptedMarket) -> ChaosTrader:
    trader = ChaosTrader(cast("Market", market), cast("LiveAccount", QuietAccount()), ["ACME"], Random(1))
    await trader.act()
    assert trader.is_settled
    return trader


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader_module, "REPEAT_MAX_S", 1e-6)


@pytest.mark.parametrize(
    ("answers", "order_id"),
    [
        ((7,), 7),
        ((refused(Code.BUSY), refused(Code.RATE_LIMITED), refused(Code.NOT_OPEN), 7), 7),
        ((CUT, 7), 7),
        ((UNKNOWN, 7), 7),
        ((UNKNOWN, CUT, refused(Code.DUPLICATE_ORDER, 7)), 7),
        ((UNKNOWN, refused(Code.DUPLICATE_ORDER)), 0),
    ],
    ids=["at once", "on trying again", "not sent before", "lost before", "in already", "in, and nobody says as what"],
)
async def test_an_order_is_acknowledged_once_however_often_it_was_sent(
    answers: tuple[Exception | int, ...], order_id: int
) -> None:
    market = ScriptedMarket(*answers)
    record = (await placed(market)).record()
    assert [(each.client_order_id, each.order_id) for each in record.acknowledged] == [("ann-1", order_id)]
    assert (record.refused, record.contradictions, record.unresolved) == ([], [], [])
    assert len(market.sent) == len(answers)
    assert all(order == market.sent[0] for order in market.sent), "a repetition is the same order, by its id"


async def test_a_refusal_at_the_first_try_is_one() -> None:
    record = (await placed(ScriptedMarket(refused(Code.PRICE_OUT_OF_RANGE)))).record()
    assert (record.refused, record.acknowledged, record.contradictions) == (["ann-1"], [], [])


async def test_a_stop_that_was_lost_may_come_too_late_when_it_is_sent_again() -> None:
    """The price has moved beyond its trigger meanwhile. Had it been in, it would have been called a duplicate."""
    record = (await placed(ScriptedMarket(UNKNOWN, refused(Code.WOULD_TRIGGER)))).record()
    assert (record.refused, record.acknowledged, record.contradictions) == (["ann-1"], [], [])


@pytest.mark.parametrize(
    "answers",
    [(refused(Code.DUPLICATE_ORDER, 7),), (CUT, refused(Code.DUPLICATE_ORDER, 7)), (UNKNOWN, refused(Code.SELF_TRADE))],
    ids=["a duplicate of nothing", "a duplicate of what was not sent", "refused though it may be in"],
)
async def test_an_answer_that_makes_no_sense_is_a_contradiction(answers: tuple[Exception, ...]) -> None:
    """These are what a chaos run is to find; counted as refusals they would pass."""
    record = (await placed(ScriptedMarket(*answers))).record()
    assert len(record.contradictions) == 1
    assert record.contradictions[0].startswith("ann-1 of ann was answered by ")
    assert (record.refused, record.acknowledged) == ([], [])


async def test_an_order_under_way_is_unresolved() -> None:
    market = ScriptedMarket(7)
    trader = ChaosTrader(cast("Market", market), cast("LiveAccount", QuietAccount()), ["ACME"], Random(1))
    seen: list[tuple[bool, list[str]]] = []
    market.on_order = lambda: seen.append((trader.is_settled, list(trader.record().unresolved)))
    await trader.act()
    assert seen == [(False, ["ann-1"])]


async def test_only_an_order_sent_after_a_fault_answers_for_the_recovery() -> None:
    """One that was sent before and acknowledged after says nothing about the market of now."""
    market, faults = ScriptedMarket(7), []

    def a_fault_begins() -> None:
        time.sleep(0.001)
        faults.append(time.time_ns() // 1000)

    market.on_order = a_fault_begins
    trader = await placed(market)
    (acknowledged,) = trader.record().acknowledged
    assert trader.first_answer_us(0) == acknowledged.told_us >= faults[0]
    assert trader.first_answer_us(faults[0]) == 0


async def test_some_orders_ask_more_and_none_of_them_ends_soon() -> None:
    """Stops, orders for the day and minimums; what is sent again after a long fault must still be what it was."""
    market = ScriptedMarket(*range(1, 401))
    trader = ChaosTrader(cast(Market, market), cast(LiveAccount, QuietAccount()), ["ACME"], Random(3))
    for _ in range(400):
        await trader.act()
    asked = [key for order in market.sent for key in ("trigger", "minimum", "expires_at") if key in order]
    assert 10 < asked.count("trigger") < 40
    assert 10 < asked.count("minimum") < 40
    assert 10 < [order["time_in_force"] for order in market.sent].count("day") < 40
    assert "expires_at" not in asked
