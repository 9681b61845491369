"""Cancel on disconnect: whose orders go, whose stay, and how a user knows."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from websockets.frames import Opcode

from openoutcry.wire.messages import Account
from openoutcry.wire.types import Side
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.book_witness import BookWitness
from outcry.conformance.expectation import Skipped, expect, expect_equal

SECTION: Final = "Cancel on disconnect"
LOW_PRICES: Final = range(2, 1_000)
"""Those of them that lie below what is asked: nothing trades there, and hardly anybody bids."""


@check("Server messages")
async def switching_is_told_to_all_connections(trial: Trial) -> None:
    """It comes again when the gateway has lost its place in the feed, and when `cancel_on_disconnect` is switched."""
    here, there = await trial.trader(), await trial.trader()
    for on in (True, False):
        await here.client.accepted("cancel_on_disconnect", on=on)
        for trader in (here, there):
            await trader.client.hear(Account, lambda account, on=on: account.cancel_on_disconnect is on)  # type: ignore[misc]


@check(SECTION)
async def asking_again_is_no_error(trial: Trial) -> None:
    """Repeating the same setting is not an error."""
    client = await trial.connect()
    for on in (True, True, False, False):
        await client.accepted("cancel_on_disconnect", on=on)


@check(SECTION)
async def it_outlives_connections(trial: Trial) -> None:
    """It is the user's, not a connection's."""
    first = await trial.connect()
    await first.accepted("cancel_on_disconnect", on=True)
    await first.wire.shut()
    second = await trial.trader()
    expect((await second.follow_account()).cancel_on_disconnect, "the account says that it is off")
    await second.client.accepted("cancel_on_disconnect", on=False)
    expect(not (await second.follow_account()).cancel_on_disconnect, "the account says that it is on")


@check(SECTION)
async def its_connections_are_pinged(trial: Trial) -> None:
    """The connections of users who have it on are pinged every second."""
    client = await trial.connect()
    await client.accepted("cancel_on_disconnect", on=True)
    while not _pings(client):
        await client.listen()
    await client.accepted("cancel_on_disconnect", on=False)


@check(SECTION, users=2, seconds=40)
async def orders_go_with_their_user(trial: Trial) -> None:
    """All open orders of a user are cancelled once the user has been away for longer than a grace."""
    trader, observer = await trial.trader(0), await trial.connect(1)
    book = await trial.follow(observer, trader.instrument)
    price = _free_price(book, trader.new_id())
    await trader.client.accepted("cancel_on_disconnect", on=True)
    await trader.order(Side.BID, 1, price)
    while price not in book.book.bids:
        await trial.witness(observer, book)
    await trader.client.wire.shut()
    while price in book.book.bids:
        await trial.witness(observer, book)
    returned = await trial.trader(0)
    account = await returned.follow_account()
    expect_equal(account.orders, [], "open orders of the user who returned")
    expect(account.cancel_on_disconnect, "the account of the user who returned says that it is off")
    await returned.client.accepted("cancel_on_disconnect", on=False)


@check(SECTION, users=2, seconds=60)
async def pongs_are_no_presence_of_who_says_present(trial: Trial) -> None:
    """Pongs count no longer."""
    trader, observer = await trial.trader(0), await trial.connect(1)
    book = await trial.follow(observer, trader.instrument)
    price = _free_price(book, trader.new_id())
    await trader.client.accepted("cancel_on_disconnect", on=True)
    await trader.client.accepted("present")
    await trader.order(Side.BID, 1, price)
    async with asyncio.TaskGroup() as tasks:
        hanging = tasks.create_task(_answer_pings(trader.client))
        while price not in book.book.bids:
            await trial.witness(observer, book)
        while price in book.book.bids:
            await trial.witness(observer, book)
        hanging.cancel()
    expect(_pings(trader.client) > 0, "it was not even pinged")
    await trader.client.accepted("cancel_on_disconnect", on=False)


def _free_price(witness: BookWitness, seed: str) -> int:
    """Choose a price at which nobody bids and nothing trades: some instruments cost less than a thousand ticks."""
    taken, best_ask = witness.book.bids, min(witness.book.asks, default=LOW_PRICES.stop)
    free = [price for price in LOW_PRICES if price not in taken and price < best_ask]
    if not free:
        raise Skipped("no price below the asks is free")
    return Random(seed).choice(free)  # noqa: S311


async def _answer_pings(client: Client) -> None:
    """Do what a WebSocket does by itself; its program hangs."""
    while True:
        await client.listen()


def _pings(client: Client) -> int:
    return sum(frame.opcode is Opcode.PING for frame in client.wire.controls)
