"""The two encodings say the same."""

from __future__ import annotations

import asyncio
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Delta, Execution, Message, Reply, Snapshot, Status, Ticker, Trade
from openoutcry.wire.types import ExecutionEvent, Side
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal

SECTION: Final = "Server messages"
WATCH_S: Final = 2.0


@check(SECTION, users=2, seconds=15)
async def market_data_is_the_same(trial: Trial) -> str:
    """In JSON it is an object with `"type"` (the name) and the fields by name."""
    clients = [await trial.connect(user, encoding) for user, encoding in enumerate(Encoding)]
    for client in clients:
        for channel in ("book", "ticker", "trades", "status"):
            await client.accepted("subscribe", channel=channel, instruments=["*"])
        await client.accepted("instruments")
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.listen_for(WATCH_S))
    said = [_by_subject(client) for client in clients]
    common = said[0].keys() & said[1].keys()
    kinds = {key[0] for key in common}
    expect(kinds >= {"Delta", "Ticker", "Status", "Instrument"}, f"only {sorted(kinds)} came in both encodings")
    for key in common:
        expect_equal(said[1][key], said[0][key], f"{key} in JSON and in msgpack")
    return f"{len(common)} messages"


@check(SECTION, users=1, contended=True)
async def private_data_is_the_same(trial: Trial) -> str:
    """In JSON it is an object with `"type"` (the name) and the fields by name."""
    traders = [await trial.trader(0, encoding) for encoding in Encoding]
    order_id = await traders[0].order(Side.BID, 1, await trial.free_price())
    for trader in traders:
        await trader.execution(ExecutionEvent.ACCEPTED, order_id)
        await trader.follow_account()
    executions = [trader.client.heard(Execution)[-1] for trader in traders]
    accounts = [trader.client.heard(Account)[-1] for trader in traders]
    expect_equal(executions[1], executions[0], "the execution in both encodings")
    expect_equal(accounts[1], accounts[0], "the account in both encodings")
    return "an execution, an account with an order"


@check(SECTION)
async def refusals_are_the_same(trial: Trial) -> str:
    """In JSON it is an object with `"type"` (the name) and the fields by name."""
    clients = [await trial.connect(encoding=encoding) for encoding in Encoding]
    requests = [
        {"op": "order"},
        {"op": "no_such_op"},
        {"op": "subscribe", "channel": "book", "depth": 7},
        {"op": "resync", "instrument": "ACME"},
        {"op": "cancel", "order_id": 2**53 - 1},
        {"op": "ping", "more": 1},
    ]
    for request in requests:
        replies = [await client.ask(**request) for client in clients]  # type: ignore[arg-type]
        expect_equal(_told(replies[1]), _told(replies[0]), f"the reply to {request} in both encodings")
    return f"{len(requests)} refusals"


def _told(reply: Reply) -> tuple[bool, str, str]:
    return reply.ok, reply.code, reply.text


def _by_subject(client: Client) -> dict[tuple[str, ...], object]:
    """Return what is the same for every connection, under a name of its own, as plain values."""
    return {key: _plain(each.message) for each in client.log if (key := _key(each.message)) is not None}


def _key(message: Message) -> tuple[str, ...] | None:
    name = type(message).__name__
    match message:
        case Delta():
            return name, message.instrument, str(message.prev_seq), str(message.seq)
        case Snapshot() | Ticker():
            return name, message.instrument, str(message.seq)
        case Trade():
            return name, message.instrument, str(message.trade_id)
        case Status():
            return name, str(message.instrument), str(message.time)
        case Instrument():
            return name, message.symbol
        case _:
            return None


def _plain(message: Message) -> object:
    if isinstance(message, Snapshot):
        return message._replace(
            bids=[tuple(level) for level in message.bids], asks=[tuple(level) for level in message.asks]
        )
    if isinstance(message, Delta):  # the order of its levels says nothing
        return message._replace(bids=sorted(map(tuple, message.bids)), asks=sorted(map(tuple, message.asks)))
    return message
