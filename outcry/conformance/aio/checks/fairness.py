"""Section "Fairness": what a client can prove of who hears first, and whose order comes first."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.messages import Execution, Trade
from openoutcry.wire.types import ExecutionEvent, Side, TimeInForce
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_ok

SECTION: Final = "Fairness"
ORDERS: Final = 20
"""Sent at once."""
DELTAS: Final = 20


@check(SECTION, contended=True)
async def orders_of_a_connection_keep_their_order(trial: Trial) -> str:
    """The orders of one connection enter the log in the order in which they were sent."""
    trader = await trial.trader()
    price = await trial.free_price()
    sent = [trader.new_id() for _ in range(ORDERS)]
    for number, client_order_id in enumerate(sent):
        await trader.client.send_request(
            {
                "op": "order",
                "id": f"o{number}",
                "client_order_id": client_order_id,
                "instrument": trader.instrument,
                "side": Side.BID,
                "quantity": 1,
                "price": price,
            }
        )
    replies = [await trader.client.reply_to(f"o{number}") for number in range(ORDERS)]
    for reply in replies:
        expect_ok(reply)
    accepted = [await trader.client.hear(Execution, lambda each: each.event == "accepted") for _ in sent]
    expect_equal([each.client_order_id for each in accepted], sent, "orders, as the account reports them")
    return f"{ORDERS} orders sent at once"


@check(SECTION, users=2, contended=True)
async def executions_come_before_the_trade(trial: Trial) -> None:
    """On one connection an execution comes before the trade that it reports."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    for trader in (maker, taker):
        await trader.client.accepted_afresh("subscribe", channel="trades", instruments=[trader.instrument])
    resting = await maker.order(Side.BID, 1, price)
    taking = await taker.order(Side.ASK, 1, price, time_in_force=TimeInForce.IOC)
    for trader, order_id in ((maker, resting), (taker, taking)):
        execution = await trader.execution(ExecutionEvent.FILLED, order_id)
        trade_id = execution.trade_id
        trade = await trader.client.hear(Trade, lambda each, wanted=trade_id: each.trade_id == wanted)  # type: ignore[misc]
        behind = trader.client.after(execution)
        expect(any(each.message is trade for each in behind), "the trade came before the execution")


@check(SECTION, seconds=20)
async def every_connection_of_a_user_gets_every_change(trial: Trial) -> str:
    """Every connection gets every change, whichever has the user's place."""
    clients = [await trial.connect() for _ in range(3)]
    symbol = trial.venue.busy.symbol
    witnesses = [await trial.follow(client, symbol) for client in clients]
    for client, witness in zip(clients, witnesses, strict=True):
        await trial.witness(client, witness, DELTAS)
    last = max(witness.book.seq for witness in witnesses)
    for client, witness in zip(clients, witnesses, strict=True):
        while witness.book.seq < last:
            await trial.witness(client, witness)
    return f"{len(clients)} connections, {DELTAS} deltas each, every digest right"
