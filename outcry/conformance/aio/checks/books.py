"""Books as they are sent: complete and in windows, at every interval, always in sequence and with the right digest."""

from __future__ import annotations

import asyncio
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Auction, Delta, Snapshot, Status
from openoutcry.wire.types import MarketState
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.book_witness import BookWitness, check_snapshot
from outcry.conformance.expectation import Skipped, expect, expect_equal
from outcry.conformance.spacing import check_spacing

DELTAS: Final = 20
"""How many to follow: in each, levels come, change and leave."""
JITTER_S: Final = 0.15
"""How late a busy machine may read."""
WATCH_S: Final = 4.2
"""Long enough for five updates at the longest interval."""

WHOLE_SUBSCRIBE_MAX: Final = 32
"""Instruments whose states follow a subscribe's reply at once; those of more may come in parts."""


@check("Server messages")
async def snapshot_is_the_whole_book_best_first(trial: Trial) -> str:
    """`[price, quantity, orders]`, best first."""
    client = await trial.connect(encoding=Encoding.JSON)
    await client.accepted("subscribe", channel="book", instruments=["*"])
    seen = {}
    for _ in trial.venue.listing:
        snapshot = await client.hear(Snapshot)
        check_snapshot(snapshot)
        seen[snapshot.instrument] = len(snapshot.bids) + len(snapshot.asks)
    expect_equal(set(seen), {each.symbol for each in trial.venue.listing}, "books of *")
    return f"{len(seen)} books, {sum(seen.values())} levels"


@check("Server messages", seconds=15)
async def an_open_book_is_uncrossed(trial: Trial) -> str:
    """A book is uncrossed while its instrument is `open`."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    await client.accepted("subscribe", channel="status", instruments=[symbol])
    witness = await trial.follow(client, symbol)
    uncrossed = 0
    for _ in range(DELTAS):
        await trial.witness(client, witness)
        bids, asks = witness.levels(1)
        if bids and asks and bids[0][0] >= asks[0][0]:
            await client.accepted("ping")  # a call's status may come behind its first change
            statuses = [status for status in client.heard(Status) if status.instrument == symbol]
            expect(statuses[-1].state != MarketState.OPEN, f"{symbol} is open, and bids at {bids} reach asks at {asks}")
        else:
            uncrossed += 1
    return f"{witness.deltas} deltas, uncrossed after {uncrossed}"


@check("Server messages")
async def who_follows_a_book_in_a_call_hears_its_auction(trial: Trial) -> str:
    """It comes to all who follow its `book`, `top` or `ticker`, behind the change of the book that it is of."""
    client = await trial.connect()
    await client.accepted("subscribe", channel="status", instruments=["*"])
    statuses = [await client.hear(Status) for _ in trial.venue.listing]
    calls = [status for status in statuses if status.state == MarketState.AUCTION]
    if not calls:
        raise Skipped("no instrument is in a call")
    for channel in ("book", "top", "ticker"):
        await client.accepted("subscribe", channel=channel, instruments=[calls[0].instrument])
        auction = await client.hear(Auction, lambda each: each.instrument == calls[0].instrument)
        expect(auction.kind or not auction.price, f"an auction without a kind has the price {auction.price}")
    return f"{calls[0].instrument}, {auction.kind}"


@check("The client's rule", seconds=15)
async def deltas_continue_the_snapshot(trial: Trial) -> str:
    """A delta with `prev_seq ≤ mine < seq` is applied: each level's quantity replaces, 0 removes."""
    return await _followed(trial, depth=0)


@check("Digest", seconds=15)
async def digest_is_that_of_the_book(trial: Trial) -> str:
    """The sum modulo 2³² of one hash for every level."""
    client = await trial.connect(encoding=Encoding.JSON)
    symbol = trial.venue.busy.symbol
    witness = await trial.follow(client, symbol)
    await trial.witness(client, witness, DELTAS)
    await client.accepted("resync", instrument=symbol)
    await _until_snapshot(trial, client, witness)
    return f"{witness.deltas} deltas between two snapshots, each digest right"


@check("Server messages", seconds=20)
async def windows_hold_exactly_their_levels(trial: Trial) -> str:
    """A level that leaves is removed explicitly and one that enters is set explicitly."""
    return "; ".join([await _followed(trial, depth) for depth in (5, 10, 20, 50)])


@check("Digest", seconds=20)
async def window_is_the_best_of_the_whole_book(trial: Trial) -> str:
    """A window's digest is over the window."""
    symbol = trial.venue.busy.symbol
    whole_client, window_client = await trial.connect(), await trial.connect()
    whole = await trial.follow(whole_client, symbol)
    window = await trial.follow(window_client, symbol, depth=5)
    best = {whole.book.seq: whole.levels(5)}
    common = 0
    for _ in range(4 * DELTAS):
        await trial.witness(whole_client, whole)
        best[whole.book.seq] = whole.levels(5)
        await window_client.listen_for(0.002)
        while window_client.heard(Delta)[window.deltas :]:
            await trial.witness(window_client, window)
            if window.book.seq in best:
                common += 1
                expect_equal(window.levels(), best[window.book.seq], f"window and whole book at seq {window.book.seq}")
    if not common:
        raise Skipped("the window and the whole book never stood at the same seq")
    return f"equal at {common} seqs"


@check("Channels", seconds=20)
async def intervals_are_honoured(trial: Trial) -> str:
    """At most one update in that time, merged; 0 takes the gateway's pace."""
    symbol = trial.venue.busy.symbol
    clients = {interval: await trial.connect() for interval in (0, 50, 100, 250, 1000)}
    witnesses = {
        interval: await trial.follow(client, symbol, interval_ms=interval) for interval, client in clients.items()
    }
    async with asyncio.TaskGroup() as tasks:
        for client in clients.values():
            tasks.create_task(client.listen_for(WATCH_S))
    counts = {}
    for interval, client in clients.items():
        deltas = client.heard(Delta)
        await trial.witness(client, witnesses[interval], len(deltas))
        times = [each.at for each in client.log if isinstance(each.message, Delta)]
        check_spacing(times, interval / 1000, JITTER_S)
        expect(deltas, f"no update came within {WATCH_S:g} s at interval {interval}")
        counts[interval] = len(deltas)
    expect(counts[1000] < counts[0], f"1000 ms brought as many updates as none: {counts}")
    return ", ".join(f"{interval} ms: {count}" for interval, count in counts.items())


@check("Channels", seconds=15)
async def interval_of_a_window_and_of_a_ticker(trial: Trial) -> str:
    """At most one update in that time, merged; 0 takes the gateway's pace."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    witness = await trial.follow(client, symbol, depth=10, interval_ms=250)
    await client.accepted("subscribe", channel="ticker", instruments=[symbol], interval_ms=250)
    await client.listen_for(2.5)
    await trial.witness(client, witness, len(client.heard(Delta)))
    for kind in ("Delta", "Ticker"):
        times = [each.at for each in client.log if type(each.message).__name__ == kind]
        check_spacing(times, 0.25, JITTER_S)
        expect(len(times) > 1, f"no {kind.lower()} came")
    return f"{witness.deltas} deltas"


@check("Client requests")
async def resync_brings_a_snapshot(trial: Trial) -> None:
    """Then a snapshot of the followed book."""
    symbol = trial.venue.busy.symbol
    for depth in (0, 10):
        client = await trial.connect()
        witness = await trial.follow(client, symbol, depth)
        await trial.witness(client, witness, 2)
        await client.accepted("resync", instrument=symbol)
        await _until_snapshot(trial, client, witness)
        await trial.witness(client, witness, 2)


@check("Channels")
async def reply_then_state_then_changes(trial: Trial) -> str:
    """The subscribe reply, the state and all later changes are written in that order with nothing between them."""
    for channel, kind in (("book", Snapshot), ("top", Snapshot), ("ticker", None), ("status", None)):
        client = await trial.connect()
        symbols = [each.symbol for each in trial.venue.listing[:WHOLE_SUBSCRIBE_MAX]]
        reply = await client.accepted("subscribe", channel=channel, instruments=symbols)
        await client.accepted("ping")
        state = [each.message for each in client.after(reply)[: len(symbols)]]
        names = [getattr(message, "instrument", type(message).__name__) for message in state]
        expect_equal(names, symbols, f"what followed the reply to {channel}")
        expect(kind is None or all(isinstance(message, kind) for message in state), f"the state of {channel}: {names}")
    return "book, top, ticker, status"


@check("Resume", gateways=2, seconds=15)
async def gateways_tell_the_same_book(trial: Trial) -> str:
    """A returning client names `[epoch, seq, digest]` of each book, to any replica."""
    symbol = trial.venue.busy.symbol
    digests: list[dict[int, tuple[int, int]]] = []
    clients = [await trial.connect(gateway=gateway) for gateway in (0, 1)]
    witnesses = [await trial.follow(client, symbol) for client in clients]
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.listen_for(2.0))
    for client, witness in zip(clients, witnesses, strict=True):
        seen = {}
        for _ in client.heard(Delta):
            await trial.witness(client, witness)
            seen[witness.book.seq] = witness.position[0], witness.position[2]
        digests.append(seen)
    common = digests[0].keys() & digests[1].keys()
    expect(common, "the two gateways never stood at the same seq")
    for seq in common:
        expect_equal(digests[1][seq], digests[0][seq], f"epoch and digest at seq {seq} of the second gateway")
    return f"equal at {len(common)} seqs"


async def _followed(trial: Trial, depth: int) -> str:
    client = await trial.connect()
    witness = await trial.follow(client, trial.venue.busy.symbol, depth)
    await trial.witness(client, witness, DELTAS)
    return f"{witness.deltas} deltas{f' of {depth} levels' if depth else ''}"


async def _until_snapshot(trial: Trial, client: Client, witness: BookWitness) -> None:
    before = witness.snapshots
    while witness.snapshots == before:
        await trial.witness(client, witness)
