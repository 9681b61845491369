"""Section "A lagging user": a client that does not read is skipped, then gets snapshots or is aborted."""

from __future__ import annotations

import asyncio
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Account, Delta, Heartbeat, Reply, Snapshot, Status, Trade
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.aio.wire import NO_CODE
from outcry.conformance.book_witness import BookWitness
from outcry.conformance.expectation import Skipped, expect, expect_equal
from outcry.conformance.trade_witness import TradeWitness

SECTION: Final = "A lagging user"
RECEIVE_BYTES: Final = 8 * 1024
"""What the kernel takes for a slow reader; the less, the sooner its server notices."""
BACKLOG_BYTES: Final = 800_000
"""Asked for and not read: more than a server's kernel and its soft limit hold, less than its hard limit adds."""
ORDERS_SHARE: Final = 0.75
"""Of the orders that may be entered at once: they make an account of some 25 KB, which can be asked for again."""
STALL_S: Final = 3.0
ABORT_S: Final = 10.0
ABORT_GRACE_S: Final = 3.0
BEATS_WITHOUT_LAG: Final = 30
"""Heartbeats read without a fresh snapshot, after which it is clear that there will be none."""
PING_S_MAX: Final = 1.0
"""Longest that another user may wait for a reply meanwhile."""


@check(SECTION, users=2, seconds=45)
async def lagging_user_is_made_whole(trial: Trial) -> str:
    """It gets a snapshot of each book and account, the ticker, and the trades it missed."""
    slow, witness, tape = await _stalled(trial)
    other = await trial.connect(1)
    other_witness = await trial.follow(other, trial.venue.busy.symbol)
    worst = await _watch_other(trial, other, other_witness, STALL_S)
    await _catch_up(slow, witness, tape)
    if slow.wire.ending is not None:
        expect_equal(slow.wire.ending.code, NO_CODE, "close code of an aborted slow reader")
        return f"aborted; others waited at most {worst * 1000:.0f} ms"
    await trial.witness(slow, witness, 3)
    return (
        f"{witness.snapshots - 1} fresh snapshot, {len(tape.last)} tapes unbroken; others waited {worst * 1000:.0f} ms"
    )


@check(SECTION, seconds=ABORT_S + ABORT_GRACE_S + 20)
async def user_lagging_too_long_is_aborted(trial: Trial) -> str:
    """It is aborted if it lags for more than 10 s, or has more than 512 KiB unsent."""
    slow, witness, tape = await _stalled(trial)
    await asyncio.sleep(trial.venue.limits.get("lag_ms", int(ABORT_S * 1000)) / 1000 + ABORT_GRACE_S)
    await _catch_up(slow, witness, tape)
    expect(slow.wire.ending, f"the connection lives after {ABORT_S + ABORT_GRACE_S:g} s without reading")
    assert slow.wire.ending is not None
    expect_equal(slow.wire.ending.code, NO_CODE, "close code (an abort has no close frame)")
    return "ended without a close frame"


@check(SECTION, seconds=30)
async def lagging_user_gets_nothing_but_replies(trial: Trial) -> str:
    """What it subscribes to or resyncs meanwhile comes later too."""
    slow, witness, tape = await _stalled(trial)
    await asyncio.sleep(STALL_S)
    await _catch_up(slow, witness, tape)
    expect(slow.wire.ending is None, "the connection was aborted before it had lagged for long")
    asked = sum(str(reply.id).startswith("more-") for reply in slow.heard(Reply))
    told = len(slow.heard(Account)) - 1
    expect(told < asked, f"each of {asked} requests got its state, though far more than 64 KiB were unsent")
    silent = [beat for beat in slow.heard(Heartbeat) if not beat.books]
    expect(silent, "no heartbeat came meanwhile that vouches for no book")
    return f"{asked} requests got replies, {told} of them a state too, before it lagged or when it had drained"


@check("Three questions first", users=2, seconds=20)
async def slow_reader_delays_nobody(trial: Trial) -> str:
    """It never delays another."""
    other = await trial.connect(1)
    other_witness = await trial.follow(other, trial.venue.busy.symbol)
    await _stalled(trial)
    worst = await _watch_other(trial, other, other_witness, STALL_S)
    expect(other_witness.deltas > 2, "the other user got no changes meanwhile")
    return f"{other_witness.deltas} deltas to the other, no reply later than {worst * 1000:.0f} ms"


async def _stalled(trial: Trial) -> tuple[Client, BookWitness, TradeWitness]:
    """Follow a book in motion and all trades, ask for more than fits any buffer, and read nothing of it."""
    await _fill_account(trial)
    slow = await trial.connect(0, Encoding.JSON, receive_bytes=RECEIVE_BYTES)
    tape = TradeWitness()
    await slow.accepted("subscribe", channel="trades", instruments=["*"])
    witness = await trial.follow(slow, trial.venue.busy.symbol)
    for trade in slow.heard(Trade):
        tape.hear(trade)
    before = slow.received_bytes
    await slow.accepted("subscribe", channel="account")
    await slow.hear(Account)
    for number in range(BACKLOG_BYTES // (slow.received_bytes - before) + 1):
        await slow.send_request({"op": "subscribe", "id": f"more-{number}", "channel": "account"})
    return slow, witness, tape


async def _fill_account(trial: Trial) -> None:
    trader = await trial.trader(0)
    for _ in range(int(trial.venue.limits.get("orders_burst", 200) * ORDERS_SHARE)):
        await trader.client.send_request({
            "op": "order", "id": "fill", "client_order_id": trader.new_id(), "instrument": trader.instrument,
            "side": "bid", "price": 1, "quantity": 1,
        })  # fmt: skip
    await trader.client.ask("cancel", order_id=2**53 - 1)  # answered when all before it have been


async def _watch_other(trial: Trial, other: Client, witness: BookWitness, seconds: float) -> float:
    """Follow a book on another connection for some time, and return the longest wait for a reply."""
    loop = asyncio.get_running_loop()
    end, worst = loop.time() + seconds, 0.0
    while loop.time() < end:
        began = loop.time()
        await other.accepted("ping")
        worst = max(worst, loop.time() - began)
        await other.listen_for(0.1)
    await trial.witness(other, witness, len(other.heard(Delta)) - witness.deltas)
    expect(worst < PING_S_MAX, f"another user's ping waited {worst:.2f} s")
    return worst


async def _catch_up(slow: Client, witness: BookWitness, tape: TradeWitness) -> None:
    """
    Read on, checking book and trades on the way, until a heartbeat confirms the fresh snapshot, or the end.

    Raises:
        Skipped: If everything came, with no snapshot: the connection never lagged.
    """
    beats = 0
    while (message := await slow.next_message()) is not None:
        if isinstance(message, Snapshot | Delta):
            witness.hear(message)
        elif isinstance(message, Trade | Status):
            tape.hear(message)
        elif isinstance(message, Heartbeat) and message.books:
            if witness.snapshots > 1:
                seq = message.books[witness.book.instrument]
                expect_equal(seq, witness.book.seq, "the book's seq in the heartbeat after the fresh snapshot")
                return
            beats += 1
            if beats > BEATS_WITHOUT_LAG:
                raise Skipped("the server's kernel took everything: the connection never lagged")
