"""Section "Quotes": both sides of many instruments by one request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from openoutcry.wire.messages import Account, Welcome
from openoutcry.wire.types import Code, TimeInForce
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Skipped, expect, expect_equal, expect_ok, expect_refused
from outcry.conformance.users import mint

SECTION: Final = "Quotes"
SEEN_S: Final = 3.0


async def _maker(trial: Trial, *roles: str) -> Client:
    name, secret = trial.users[0].name, trial.secret()
    client = await trial.stranger()
    expect_ok(await client.ask("login", token=mint(name, secret, trial.unix_now() + 3600, *roles)))
    await client.hear(Welcome)
    return client


def _pair(trial: Trial, price: int, **sides: Any) -> dict[str, Any]:
    given = {"bid": price, "bid_quantity": 3, "ask": price + 1, "ask_quantity": 2, **sides}
    return {"instrument": trial.venue.quiet.symbol, **given}


async def _quoted(client: Client, quote_id: str, *pairs: dict[str, Any]) -> dict[str, Any]:
    reply = await client.ask("quote", quote_id=quote_id, pairs=list(pairs))
    if reply.code in (Code.INSUFFICIENT_CASH, Code.INSUFFICIENT_HOLDINGS):
        raise Skipped("the user has no money or no lots")
    expect_ok(reply)
    return dict(reply.data["refused"])


async def _open(client: Client) -> list[tuple[str, int, int, int]]:
    expect_ok(await client.ask("subscribe", channel="account"))
    account = await client.hear(Account)
    sides = [(str(each.side), each.price, each.remaining, each.order_id) for each in account.orders]
    expect(all(each.time_in_force == TimeInForce.QUOTE for each in account.orders), "an order is no quote's")
    return sides


@check(SECTION)
async def only_market_makers_quote(trial: Trial) -> None:
    """`quote` is for market makers: a token needs the role `market_maker`."""
    client = await _maker(trial, "trader")
    expect_refused(await client.ask("quote", quote_id="q", pairs=[_pair(trial, 5)]), Code.NOT_PERMITTED)


@check(SECTION, contended=True)
async def what_does_not_change_keeps_its_place(trial: Trial) -> str:
    """A side that is as it stands changes nothing and keeps its place."""
    client, price = await _maker(trial, "market_maker"), await trial.free_price()
    await _quoted(client, "q1", _pair(trial, price))
    first = await _open(client)
    expect_equal([each[:3] for each in first], [("bid", price, 3), ("ask", price + 1, 2)], "what is quoted")
    await _quoted(client, "q2", _pair(trial, price, ask_quantity=1))
    second = await _open(client)
    expect_equal(second, [first[0], (*first[1][:2], 1, first[1][3])], "what is quoted then")
    await _quoted(client, "q3", _pair(trial, price, bid_quantity=0, ask_quantity=0))
    expect_equal(await _open(client), [], "what is quoted once it is withdrawn")
    return f"{len(first)} sides"


@check(SECTION, contended=True)
async def a_refused_pair_stays_as_it_was(trial: Trial) -> None:
    """Its old pair stays as it was, and the other pairs go on."""
    client, price = await _maker(trial, "market_maker"), await trial.free_price()
    await _quoted(client, "q1", _pair(trial, price))
    before = await _open(client)
    other = {"instrument": "NO-SUCH-SYMBOL", "bid": 1, "bid_quantity": 1}
    reply = await client.ask("quote", quote_id="q2", pairs=[_pair(trial, price, ask=price), other])
    expect_refused(reply, Code.BAD_REQUEST)
    expect_equal(sorted(reply.data["refused"]), ["0", "1"], "pairs that were refused")
    refused = await _quoted(client, "q3", other, _pair(trial, price))
    expect_equal(list(refused), ["0"], "pairs that were refused")
    expect_equal(await _open(client), before, "what is quoted")
    await client.accepted("cancel_all")


@check(SECTION, contended=True)
async def a_quote_counts_once(trial: Trial) -> None:
    """A repetition is refused as `duplicate_order` and has no other effect."""
    client, price = await _maker(trial, "market_maker"), await trial.free_price()
    await _quoted(client, "q1", _pair(trial, price))
    await client.accepted("cancel_all")
    repeated = await client.ask("quote", quote_id="q1", pairs=[_pair(trial, price)])
    expect_refused(repeated, Code.DUPLICATE_ORDER)
    expect_equal(await _open(client), [], "what is quoted")


@check(SECTION, users=2, seconds=40, contended=True)
async def quotes_go_with_their_user_and_orders_stay(trial: Trial) -> None:
    """They also end when their user is away for longer than the grace period, whatever `cancel_on_disconnect` says."""
    client, price = await _maker(trial, "market_maker"), await trial.free_price()
    await _quoted(client, "q1", _pair(trial, price, ask_quantity=0))
    symbol = trial.venue.quiet.symbol
    order = {"client_order_id": "stays", "instrument": symbol, "side": "bid", "price": 1, "quantity": 1}
    expect_ok(await client.ask("order", **order))
    observer = await trial.connect(1)
    book = await trial.follow(observer, symbol)
    with suppress(TimeoutError):  # the other gateway may be a little behind; or an outsider has taken the quote
        async with asyncio.timeout(SEEN_S):
            while price not in book.book.bids:
                await trial.witness(observer, book)
    await client.wire.shut()
    while price in book.book.bids:
        await trial.witness(observer, book)
    returned = await _maker(trial, "market_maker")
    expect_ok(await returned.ask("subscribe", channel="account"))
    account = await returned.hear(Account)
    expect_equal([each.client_order_id for each in account.orders], ["stays"], "open orders of the user who returned")
    await returned.accepted("cancel_all")
