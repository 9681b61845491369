"""The private side: accounts, executions, and that they reach nobody else."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Account, Execution
from openoutcry.wire.types import Code, ExecutionEvent, Side, TimeInForce
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Skipped, expect, expect_equal, expect_refused

CASH: Final = re.compile(r"-?[0-9]+\.[0-9]{6}")
"""Decimal text of six places: exact, where a number of JSON would be rounded."""


@check("Server messages", users=2, contended=True)
async def executions_continue_the_account(trial: Trial) -> str:
    """`user_seq` is contiguous per user; the rule for deltas holds with `prev_seq = user_seq - 1`."""
    trader, other = await trial.trader(0), await trial.trader(1)
    begin = (await trader.follow_account()).user_seq
    price = await trial.free_price()
    await trader.order(Side.BID, 2, price)
    await other.order(Side.ASK, 1, price, time_in_force=TimeInForce.IOC)
    await trader.try_order(Side.BID, 1, trial.venue.quiet.price_max + 1)
    await trader.client.accepted("cancel_all")
    await trader.settle()
    seqs = [execution.user_seq for execution in trader.client.heard(Execution)]
    expect_equal(seqs, list(range(begin + 1, begin + 1 + len(seqs))), "user_seq of the executions")
    events = [execution.event for execution in trader.client.heard(Execution)]
    expect_equal(events, ["accepted", "filled", "rejected", "cancelled"], "what happened")
    expect_equal((await trader.follow_account()).user_seq, seqs[-1], "user_seq of the account afterwards")
    return f"{len(seqs)} executions"


@check("Server messages", users=2, contended=True)
async def fills_change_positions_and_cash(trial: Trial) -> str:
    """Currency to the net of all trades, as decimal text of six places."""
    buyer, seller = await trial.trader(0), await trial.trader(1)
    before = [await each.follow_account() for each in (buyer, seller)]
    price = await trial.free_price()
    await buyer.order(Side.BID, 3, price)
    await seller.order(Side.ASK, 3, price, time_in_force=TimeInForce.IOC)
    after = [await each.follow_account() for each in (buyer, seller)]
    definition = trial.venue.quiet
    symbol, currency = definition.symbol, definition.currency
    lots = [new.positions.get(symbol, 0) - old.positions.get(symbol, 0) for old, new in zip(before, after, strict=True)]
    expect_equal(lots, [3, -3], "lots that buyer and seller gained")
    cash = [_amount(new, currency) - _amount(old, currency) for old, new in zip(before, after, strict=True)]
    value = Decimal(definition.tick_size) * definition.lot_size * price * 3
    expect_equal(cash, [-value, value], f"{currency} that buyer and seller gained")
    return f"3 lots, {value} {currency}"


@check("Security", users=2, contended=True)
async def private_messages_reach_only_their_user(trial: Trial) -> None:
    """Private messages reach only their user's connections."""
    trader, other = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    mine = await trader.order(Side.BID, 1, price)
    theirs = await other.order(Side.BID, 1, price)
    for each in (trader, other):
        await each.client.accepted("cancel_all")
        await each.settle()
    for each, order_id in ((trader, mine), (other, theirs)):
        heard = {execution.order_id for execution in each.client.heard(Execution)}
        expect_equal(heard, {order_id}, f"orders whose executions {each.client.name} heard")


@check("Security", contended=True)
async def all_connections_of_a_user_hear_executions(trial: Trial) -> None:
    """Private messages reach only their user's connections."""
    trader, second = await trial.trader(), await trial.trader()
    order_id = await trader.order(Side.BID, 1, await trial.free_price())
    await second.execution(ExecutionEvent.ACCEPTED, order_id)


@check("Security")
async def nobody_can_name_another(trial: Trial) -> None:
    """Nothing a client sends can name another."""
    client = await trial.connect()
    symbol = trial.venue.quiet.symbol
    order = {"client_order_id": "x", "instrument": symbol, "side": "bid", "price": 1, "quantity": 1}
    for field in ("user", "sub", "account"):
        expect_refused(await client.ask("order", **order, **{field: "somebody"}), Code.BAD_REQUEST, field)
        expect_refused(await client.ask("subscribe", channel="account", **{field: "somebody"}), Code.BAD_REQUEST, field)
    expect(not client.heard(Account), "an account came without a subscription")


@check("Server messages")
async def accounts_are_kept_whole_or_not_at_all(trial: Trial) -> str:
    """All three are null if the exchange keeps none."""
    for encoding in Encoding:
        account = await (await trial.trader(encoding=encoding)).follow_account()
        held = [account.holdings is None, account.reserved is None, account.result is None]
        expect(len(set(held)) == 1, f"holdings, reserved and result are null in part: {held}")
    return "no accounts are kept" if account.holdings is None else "accounts are kept"


@check("Accounts", contended=True)
async def an_order_needs_what_is_free(trial: Trial) -> str:
    """An order that needs more than is free is refused as `insufficient_cash` or `insufficient_holdings`."""
    trader = await trial.trader()
    account = await trader.follow_account()
    if account.holdings is None:
        raise Skipped("the exchange keeps no accounts")
    definition = trial.venue.quiet
    lots, reserved, *_ = account.holdings.get(definition.symbol, [0, 0])
    if lots - reserved >= definition.quantity_max or lots < 0:
        raise Skipped("the user holds more lots than one order may have, or may sell short")
    price = await trial.free_price()
    refused = await trader.try_order(Side.ASK, lots - reserved + 1, price)
    expect_refused(refused, Code.INSUFFICIENT_HOLDINGS, "quantity")
    free = _amount(account, definition.currency) - Decimal((account.reserved or {}).get(definition.currency, "0"))
    affordable = int(free / (Decimal(definition.tick_size) * definition.lot_size * price))
    if affordable >= definition.quantity_max:
        raise Skipped("the user has more money than one order may cost")
    expect_refused(await trader.try_order(Side.BID, affordable + 1, price), Code.INSUFFICIENT_CASH, "quantity")
    return f"{lots - reserved} lots and {free} {definition.currency} are free"


@check("Accounts", contended=True)
async def open_orders_reserve(trial: Trial) -> str:
    """Every end of an order releases what is left of it."""
    trader = await trial.trader()
    before = await trader.follow_account()
    if before.holdings is None or before.reserved is None:
        raise Skipped("the exchange keeps no accounts")
    definition = trial.venue.quiet
    symbol, currency = definition.symbol, definition.currency
    value = Decimal(definition.tick_size) * definition.lot_size
    bid = await trader.try_order(Side.BID, 1, 1)
    if bid.code == Code.INSUFFICIENT_CASH:
        raise Skipped("the user has no money")
    expect(bid.ok, f"a bid that is affordable was refused: {bid.text}")
    after = await trader.follow_account()
    gained = Decimal((after.reserved or {}).get(currency, "0")) - Decimal(before.reserved.get(currency, "0"))
    expect_equal(gained, value, f"{currency} that a bid of 1 lot at 1 tick reserves")
    await trader.client.accepted("cancel_all")
    freed = await trader.follow_account()
    expect_equal(freed.reserved, before.reserved, f"what is reserved of {symbol} after its end")
    return f"{gained} {currency}"


def _amount(account: Account, currency: str) -> Decimal:
    text = account.cash.get(currency, "0.000000")
    expect(CASH.fullmatch(text), f"cash is no decimal text of six places: {text!r}")
    return Decimal(text)
