"""Section "Orders": every kind of order, and what both sides and everybody hear of it."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.messages import Account, Execution, Reply, Snapshot, Ticker, Trade
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, SelfTradePrevention, Side, TimeInForce
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_refused

SECTION: Final = "Orders"
ACCEPTED: Final = ExecutionEvent.ACCEPTED
CANCELLED: Final = ExecutionEvent.CANCELLED
FILLED: Final = ExecutionEvent.FILLED
IOC: Final = TimeInForce.IOC
FOK: Final = TimeInForce.FOK


@check(SECTION, contended=True)
async def limit_order_rests(trial: Trial) -> None:
    """What is not filled at once rests (`gtc`), is cancelled (`ioc`, and market orders always)."""
    trader = await trial.trader()
    price = await trial.free_price()
    order_id = await trader.order(Side.BID, 5, price)
    accepted = await trader.execution(ACCEPTED, order_id)
    _expect_execution(accepted, side="bid", kind="limit", time_in_force="gtc", price=price, quantity=5, remaining=5)
    account = await trader.follow_account()
    orders = [order for order in account.orders if order.order_id == order_id]
    expect_equal(len(orders), 1, "the order in the account")
    expect_equal(tuple(orders[0][4:]), ("limit", "gtc", price, 5, 5, 0, 0, ""), "the order in the account")


@check(SECTION, users=2, contended=True)
async def resting_order_is_in_the_book(trial: Trial) -> None:
    """The reply to an order comes when its outcome **is in the feed**."""
    trader = await trial.trader(0)
    watcher = await trial.connect(1)
    price = await trial.free_price()
    book = await trial.follow(watcher, trader.instrument)
    order_id = await trader.order(Side.BID, 3, price)
    while book.book.bids.get(price) != 3:
        await trial.witness(watcher, book)
    await trader.client.accepted("cancel", order_id=order_id)
    while price in book.book.bids:
        await trial.witness(watcher, book)


@check("Server messages", users=3, contended=True)
async def two_orders_meet(trial: Trial) -> str:
    """`fill_price`, `fill_quantity`, `trade_id` and `liquidity` (`maker` or `taker`)."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    tape = await trial.connect(2)
    await tape.accepted("subscribe", channel="trades", instruments=[maker.instrument])
    price = await trial.free_price()
    resting = await maker.order(Side.BID, 5, price)
    arriving = await taker.order(Side.ASK, 3, price, time_in_force=IOC)
    made, taken = await maker.execution(FILLED, resting), await taker.execution(FILLED, arriving)
    same = {"fill_price": price, "fill_quantity": 3, "trade_id": taken.trade_id}
    _expect_execution(made, **same, remaining=2, liquidity=Liquidity.MAKER, side="bid")
    _expect_execution(taken, **same, remaining=0, liquidity=Liquidity.TAKER, side="ask")
    trade = await tape.hear(Trade, lambda trade: trade.trade_id == taken.trade_id, "the trade on the tape")
    expect_equal((trade.price, trade.quantity, trade.aggressor_side), (price, 3, "ask"), "the trade on the tape")
    return f"trade {trade.trade_id}"


@check("Server messages", users=3, contended=True)
async def trade_names_the_books_seq(trial: Trial) -> str:
    """`seq` is the book's seq that includes the trade."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    watcher = await trial.connect(2)
    price = await trial.free_price()
    await maker.order(Side.BID, 5, price)
    book = await trial.follow(watcher, maker.instrument)
    await watcher.accepted("subscribe", channel="trades", instruments=[maker.instrument])
    arriving = await taker.order(Side.ASK, 3, price, time_in_force=IOC)
    trade_id = (await taker.execution(FILLED, arriving)).trade_id
    trade = await watcher.hear(Trade, lambda trade: trade.trade_id == trade_id, "the trade on the tape")
    while book.book.seq < trade.seq:
        await trial.witness(watcher, book)
    expect_equal(book.book.bids.get(price), 2, f"lots left at the price when the book reached seq {trade.seq}")
    return f"seq {trade.seq}"


@check("Server messages", users=3, contended=True)
async def ticker_counts_trades(trial: Trial) -> str:
    """Statistics are since listing."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    watcher = await trial.connect(2)
    price = await trial.free_price()
    await maker.order(Side.BID, 5, price)
    await watcher.accepted("subscribe", channel="ticker", instruments=[maker.instrument])
    before = await watcher.hear(Ticker)
    await taker.order(Side.ASK, 3, price, time_in_force=IOC)
    after = await watcher.hear(Ticker, lambda ticker: ticker.volume != before.volume, "a ticker with another volume")
    expect_equal((after.last, after.volume), (price, before.volume + 3), "last and volume after a trade of 3 lots")
    expect_equal(after.open, before.open or price, "open after the trade")
    expect_equal(after.high, max(before.high, price), "high after the trade")
    expect_equal(after.low, min(before.low or price, price), "low after the trade")
    return f"volume {after.volume}"


@check("Server messages", users=2, contended=True)
async def levels_count_their_orders(trial: Trial) -> None:
    """`[price, quantity, orders]`, best first. It replaces what the client holds."""
    trader = await trial.trader(0)
    watcher = await trial.connect(1)
    price = await trial.free_price()
    for quantity in (2, 3, 4):
        await trader.order(Side.BID, quantity, price)
    await watcher.accepted("subscribe", channel="book", instruments=[trader.instrument])
    snapshot = await watcher.hear(Snapshot)
    levels = [tuple(level[:3]) for level in snapshot.bids if level[0] == price]
    expect_equal(levels, [(price, 9, 3)], "the level of three orders")


@check(SECTION, users=2, contended=True)
async def market_order_takes_what_is_there(trial: Trial) -> None:
    """`limit` orders name their worst `price`; `market` orders have none."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    resting = await maker.order(Side.BID, 4, price)
    arriving = await taker.order(Side.ASK, 4, kind="market")
    _expect_execution(await taker.execution(FILLED, arriving), fill_price=price, fill_quantity=4, remaining=0)
    _expect_execution(await maker.execution(FILLED, resting), fill_price=price, fill_quantity=4, remaining=0)


@check("Server messages", users=2, contended=True)
async def rest_of_an_ioc_is_cancelled(trial: Trial) -> None:
    """`no_liquidity` (the rest of an IOC or market order)."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    await maker.order(Side.BID, 2, price)
    arriving = await taker.order(Side.ASK, 5, price, time_in_force=IOC)
    await taker.execution(FILLED, arriving)
    ended = await taker.execution(CANCELLED, arriving)
    _expect_execution(ended, remaining=0, reason=Code.NO_LIQUIDITY)
    expect_equal((await taker.follow_account()).orders, [], "open orders after an IOC")


@check(SECTION, users=2, contended=True)
async def fok_is_filled_whole_or_not_at_all(trial: Trial) -> None:
    """Or the order is filled whole or not at all (`fok`)."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    resting = await maker.order(Side.BID, 4, price)
    too_many = await taker.order(Side.ASK, 5, price, time_in_force=FOK)
    ended = await taker.execution(CANCELLED, too_many)
    _expect_execution(ended, remaining=0, reason=Code.NOT_FILLABLE, fill_quantity=0)
    expect(not taker.trade_ids(), "a fill-or-kill order that could not be filled has traded")
    just_right = await taker.order(Side.ASK, 4, price, time_in_force=FOK)
    _expect_execution(await taker.execution(FILLED, just_right), fill_quantity=4, remaining=0)
    _expect_execution(await maker.execution(FILLED, resting), fill_quantity=4, remaining=0)


@check(SECTION, users=2, contended=True)
async def post_only_refuses_to_trade(trial: Trial) -> None:
    """`post_only` refuses to trade on arrival."""
    maker, poster = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    await maker.order(Side.BID, 4, price)
    client_order_id = poster.new_id()
    reply = await poster.try_order(Side.ASK, 1, price, post_only=True, client_order_id=client_order_id)
    expect_refused(reply, Code.WOULD_TRADE)
    rejection = await poster.rejection(client_order_id)
    _expect_execution(rejection, reason=Code.WOULD_TRADE, order_id=0, remaining=0)
    rests = await poster.order(Side.BID, 1, price, post_only=True)
    await poster.execution(ACCEPTED, rests)


@check(SECTION, contended=True)
async def self_trade_cancels_the_newest(trial: Trial) -> None:
    """Orders of one user never trade with each other: `self_trade_prevention` says who gives way."""
    trader, resting, arriving = await _meet_oneself(trial, SelfTradePrevention.CANCEL_NEWEST)
    _expect_execution(await trader.execution(CANCELLED, arriving), reason=Code.SELF_TRADE, remaining=0)
    await _expect_open(trader, [resting])


@check(SECTION, contended=True)
async def self_trade_cancels_the_oldest(trial: Trial) -> None:
    """Orders of one user never trade with each other: `self_trade_prevention` says who gives way."""
    trader, resting, arriving = await _meet_oneself(trial, SelfTradePrevention.CANCEL_OLDEST)
    _expect_execution(await trader.execution(CANCELLED, resting), reason=Code.SELF_TRADE, remaining=0)
    await _expect_open(trader, [arriving])


@check(SECTION, contended=True)
async def self_trade_cancels_both(trial: Trial) -> None:
    """Orders of one user never trade with each other: `self_trade_prevention` says who gives way."""
    trader, resting, arriving = await _meet_oneself(trial, SelfTradePrevention.CANCEL_BOTH)
    for order_id in (resting, arriving):
        _expect_execution(await trader.execution(CANCELLED, order_id), reason=Code.SELF_TRADE, remaining=0)
    await _expect_open(trader, [])


@check(SECTION, users=2, contended=True)
async def own_orders_end_a_fok(trial: Trial) -> None:
    """Only others' lots fill it."""
    trader, other = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    own = await trader.order(Side.BID, 5, price)
    theirs = await other.order(Side.BID, 5, price)
    for prevention in (SelfTradePrevention.CANCEL_NEWEST, SelfTradePrevention.CANCEL_BOTH):
        killed = await trader.order(Side.ASK, 5, price, time_in_force=FOK, self_trade_prevention=prevention)
        _expect_execution(await trader.execution(CANCELLED, killed), reason=Code.NOT_FILLABLE, remaining=0)
    oldest = {"time_in_force": FOK, "self_trade_prevention": SelfTradePrevention.CANCEL_OLDEST}
    too_many = await trader.order(Side.ASK, 6, price, **oldest)
    _expect_execution(await trader.execution(CANCELLED, too_many), reason=Code.NOT_FILLABLE, remaining=0)
    await _expect_open(trader, [own])
    filled = await trader.order(Side.ASK, 5, price, **oldest)
    _expect_execution(await trader.execution(FILLED, filled), fill_quantity=5, remaining=0)
    _expect_execution(await trader.execution(CANCELLED, own), reason=Code.SELF_TRADE, remaining=0)
    _expect_execution(await other.execution(FILLED, theirs), fill_quantity=5, remaining=0)


@check(SECTION, contended=True)
async def post_only_refuses_to_meet_oneself(trial: Trial) -> None:
    """`post_only` is refused as `would_trade` even if it would meet nobody but oneself."""
    trader = await trial.trader()
    price = await trial.free_price()
    own = await trader.order(Side.BID, 2, price)
    expect_refused(await trader.try_order(Side.ASK, 1, price, post_only=True), Code.WOULD_TRADE)
    await _expect_open(trader, [own])


@check(SECTION, contended=True)
async def replaced_order_meets_oneself(trial: Trial) -> None:
    """Under `cancel_newest` it is the *replaced* order that ends, as `self_trade`."""
    trader = await trial.trader()
    price = await trial.free_price()
    bid = await trader.order(Side.BID, 2, price)
    ask = await trader.order(Side.ASK, 1, price + 1)
    await trader.client.accepted("replace", order_id=ask, price=price)
    _expect_execution(await trader.execution(CANCELLED, ask), reason=Code.SELF_TRADE, remaining=0)
    await _expect_open(trader, [bid])


@check("Client requests", contended=True)
async def cancel_by_either_id(trial: Trial) -> None:
    """`cancel` | order_id or client_order_id | `order_id`."""
    trader = await trial.trader()
    price = await trial.free_price()
    for named in ("order_id", "client_order_id"):
        client_order_id = trader.new_id()
        order_id = await trader.order(Side.BID, 1, price, client_order_id=client_order_id)
        fields = {"order_id": order_id} if named == "order_id" else {"client_order_id": client_order_id}
        reply = await trader.client.accepted("cancel", **fields)
        expect_equal(reply.data.get("order_id"), order_id, f"order_id in the reply to a cancel by {named}")
        _expect_execution(await trader.execution(CANCELLED, order_id), reason=Code.BY_USER, remaining=0)
        expect_refused(await trader.client.ask("cancel", **fields), Code.UNKNOWN_ORDER, named)


@check("Refusals", users=2, contended=True)
async def orders_of_others_are_unknown(trial: Trial) -> None:
    """No such open order of this user."""
    owner, other = await trial.trader(0), await trial.trader(1)
    client_order_id, price = owner.new_id(), await trial.free_price()
    order_id = await owner.order(Side.BID, 3, price, client_order_id=client_order_id)
    # With an account, and a trade with this very order: a server may well find nothing for who has never traded.
    await other.order(Side.ASK, 1, price, time_in_force=IOC)
    await owner.execution(FILLED, order_id)
    for fields in ({"order_id": order_id}, {"client_order_id": client_order_id}):
        expect_refused(await other.client.ask("cancel", **fields), Code.UNKNOWN_ORDER)
        expect_refused(await other.client.ask("replace", quantity=1, **fields), Code.UNKNOWN_ORDER)
    await _expect_open(owner, [order_id])


@check("Client requests", contended=True)
async def cancel_all_counts(trial: Trial) -> None:
    """`cancel_all` | instrument (all) | `cancelled`."""
    trader = await trial.trader()
    price = await trial.free_price()
    busy, quiet = trial.venue.busy.symbol, trader.instrument
    await trader.order(Side.BID, 1, price)
    await trader.order(Side.BID, 1, price)
    elsewhere = 1 if busy != quiet else 0
    if elsewhere:
        await trader.order(Side.BID, 1, 1, instrument=busy)
    reply = await trader.client.accepted("cancel_all", instrument=quiet)
    expect_equal(reply.data.get("cancelled"), 2, "cancelled on one instrument")
    reply = await trader.client.accepted("cancel_all")
    expect_equal(reply.data.get("cancelled", 0), elsewhere, "cancelled on all")
    reply = await trader.client.accepted("cancel_all")
    expect_equal(reply.data.get("cancelled", 0), 0, "cancelled when nothing is left")
    expect_refused(await trader.client.ask("cancel_all", instrument="NO-SUCH"), Code.UNKNOWN_INSTRUMENT, "instrument")
    await _expect_open(trader, [])


@check(SECTION, contended=True)
async def duplicate_never_trades_twice(trial: Trial) -> None:
    """A repetition is refused as `duplicate_order` with the first order's `order_id`, and never trades twice."""
    trader = await trial.trader()
    price = await trial.free_price()
    client_order_id = trader.new_id()
    order_id = await trader.order(Side.BID, 1, price, client_order_id=client_order_id)
    again = await trader.try_order(Side.BID, 1, price, client_order_id=client_order_id)
    _expect_first(again, order_id)
    await _expect_open(trader, [order_id])
    await trader.client.accepted("cancel", order_id=order_id)
    late = await trader.try_order(Side.BID, 1, price, client_order_id=client_order_id)
    _expect_first(late, order_id)
    await _expect_open(trader, [])


@check(SECTION, contended=True)
async def duplicate_is_no_execution(trial: Trial) -> None:
    """There is no `execution` of a repetition, whatever else is wrong with it."""
    trader = await trial.trader()
    price = await trial.free_price()
    client_order_id = trader.new_id()
    order_id = await trader.order(Side.BID, 1, price, client_order_id=client_order_id)
    await trader.execution(ACCEPTED, order_id)
    for side, quantity in ((Side.BID, 1), (Side.ASK, 1), (Side.BID, 2**31 - 1)):
        again = await trader.try_order(side, quantity, price, client_order_id=client_order_id)
        _expect_first(again, order_id)
    await trader.settle()
    named = [each for each in trader.client.heard(Execution) if each.client_order_id == client_order_id]
    expect_equal([each.event for each in named], [ACCEPTED], "executions of an order that was repeated three times")
    await _expect_open(trader, [order_id])


@check(SECTION, users=2, contended=True)
async def refused_order_uses_no_id_up(trial: Trial) -> None:
    """Only accepted orders use an id up; a refused order may be tried again under the same one."""
    maker, poster = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    await maker.order(Side.BID, 4, price)
    client_order_id = poster.new_id()
    refused = await poster.try_order(Side.ASK, 1, price, post_only=True, client_order_id=client_order_id)
    expect_refused(refused, Code.WOULD_TRADE)
    order_id = await poster.order(Side.ASK, 1, price, time_in_force=IOC, client_order_id=client_order_id)
    _expect_execution(await poster.execution(FILLED, order_id), fill_quantity=1, remaining=0)


@check(SECTION, users=2, gateways=2, contended=True)
async def duplicate_is_one_over_all_gateways(trial: Trial) -> None:
    """Ids are unique per user, over all gateways, for at least ten minutes after the order was accepted."""
    here, there = await trial.trader(0), await trial.trader(0, gateway=1)
    other = await trial.trader(1)
    price = await trial.free_price()
    client_order_id = here.new_id()
    order_id = await here.order(Side.BID, 1, price, client_order_id=client_order_id)
    again = await there.try_order(Side.BID, 1, price, client_order_id=client_order_id)
    _expect_first(again, order_id)
    await there.execution(ACCEPTED, order_id)
    mine = await other.order(Side.BID, 1, price, client_order_id=client_order_id)
    expect(mine != order_id, "another user's order with the same client_order_id got the same order id")


@check("Refusals")
async def unknown_instruments_cannot_be_traded(trial: Trial) -> None:
    """Not listed; halted or closed."""
    trader = await trial.trader()
    client_order_id = trader.new_id()
    reply = await trader.try_order(Side.BID, 1, 1, instrument="NO-SUCH", client_order_id=client_order_id)
    expect_refused(reply, Code.UNKNOWN_INSTRUMENT, "instrument")


@check("Refusals", seconds=45)
async def open_orders_of_a_user_are_bounded(trial: Trial) -> str:
    """Above the limit of open orders a user."""
    limit = trial.venue.limits.get("open_orders_per_user", 1000)
    trader = await trial.trader()
    rate = trial.venue.limits.get("orders_per_second", 50)
    seen = 0
    for first in range(0, limit + 1, rate):
        count = min(rate, limit + 1 - first)
        for number in range(count):
            await trader.client.send_request({
                "op": "order", "id": first + number, "client_order_id": trader.new_id(), "side": "bid",
                "instrument": trader.instrument, "price": 1, "quantity": 1,
            })  # fmt: skip
        for number in range(count):
            reply = await trader.client.reply_to(first + number)
            if first + number == limit:
                expect_refused(reply, Code.TOO_MANY_OPEN_ORDERS)
            else:
                expect(reply.ok, f"open order {first + number + 1} was refused: {reply.code}: {reply.text}")
                seen += 1
        trader.client.forget()
        await trader.client.listen_for(1.02 if first >= trial.venue.limits.get("orders_burst", 200) - 3 * rate else 0)
    reply = await trader.client.accepted("cancel_all")
    expect_equal(reply.data.get("cancelled"), limit, "open orders cancelled")
    return f"{seen} open orders"


async def _meet_oneself(trial: Trial, prevention: SelfTradePrevention) -> tuple[CheckTrader, int, int]:
    trader = await trial.trader()
    price = await trial.free_price()
    resting = await trader.order(Side.BID, 2, price)
    arriving = await trader.order(Side.ASK, 3, price, self_trade_prevention=prevention)
    await trader.settle()
    expect(not trader.trade_ids(), "two orders of one user have traded")
    return trader, resting, arriving


async def _expect_open(trader: CheckTrader, order_ids: list[int]) -> None:
    account: Account = await trader.follow_account()
    expect_equal(sorted(order.order_id for order in account.orders), sorted(order_ids), "open orders in the account")


def _expect_first(reply: Reply, order_id: int) -> None:
    expect_refused(reply, Code.DUPLICATE_ORDER, "client_order_id")
    expect_equal(reply.data.get("order_id"), order_id, "order_id in the reply to a repetition")


def _expect_execution(execution: Execution, **fields: object) -> None:
    for name, value in fields.items():
        expect_equal(getattr(execution, name), value, f"{name} of the execution {execution.event}")
