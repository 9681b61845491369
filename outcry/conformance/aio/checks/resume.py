"""Section "Resume": a returning client gets what it missed, or a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from openoutcry.wire.messages import Delta, Snapshot
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.book_witness import BookWitness
from outcry.conformance.expectation import Skipped, expect, expect_equal

SECTION: Final = "Resume"
Spoil: TypeAlias = Callable[[int, int, int], tuple[int, int, int]]
"""Makes a wrong position of a right one."""
ATTEMPTS: Final = 20
"""At resuming before the book changes."""


@check(SECTION)
async def right_position_gets_one_delta(trial: Trial) -> str:
    """If the replica's history passed through that seq with that digest, it sends one merged delta."""
    return await _resumed(trial, gateway=0)


@check("Resume", gateways=2)
async def any_replica_resumes(trial: Trial) -> str:
    """A returning client names `[epoch, seq, digest]` of each book, to any replica."""
    return await _resumed(trial, gateway=1)


@check(SECTION, seconds=20)
async def unchanged_book_gets_an_empty_delta(trial: Trial) -> str:
    """An empty one with `prev_seq = seq` if nothing changed: its digest confirms the book."""
    client = await trial.connect()
    symbol = trial.venue.quiet.symbol
    for attempt in range(1, ATTEMPTS + 1):
        witness = await trial.follow(client, symbol)
        state = await _resume(client, symbol, witness.position)
        expect(isinstance(state, Delta), "a right position got a snapshot")
        assert isinstance(state, Delta)
        if state.prev_seq == state.seq:
            expect_equal((list(state.bids), list(state.asks)), ([], []), "levels of the empty delta")
            expect_equal((state.seq, state.digest), witness.position[1:], "seq and digest of the empty delta")
            return f"at attempt {attempt}"
        await client.accepted("ping")
    raise Skipped(f"{symbol} changed between leaving and resuming, {ATTEMPTS} times")


@check(SECTION)
async def wrong_digest_gets_a_snapshot(trial: Trial) -> None:
    """Content is compared."""
    await _refused(trial, lambda epoch, seq, digest: (epoch, seq, digest ^ 1))


@check(SECTION)
async def wrong_epoch_gets_a_snapshot(trial: Trial) -> None:
    """Otherwise it sends a snapshot."""
    await _refused(trial, lambda epoch, seq, digest: (epoch ^ 1, seq, digest))


@check(SECTION)
async def seq_not_reached_gets_a_snapshot(trial: Trial) -> None:
    """Otherwise it sends a snapshot."""
    await _refused(trial, lambda epoch, seq, digest: (epoch, seq + 1_000_000, digest))


@check(SECTION)
async def seq_of_another_digest_gets_a_snapshot(trial: Trial) -> None:
    """Otherwise it sends a snapshot."""
    await _refused(trial, lambda epoch, seq, digest: (epoch, max(0, seq - 1), digest))


@check(SECTION)
async def windows_get_a_snapshot(trial: Trial) -> None:
    """Windows are resumed with a snapshot."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    witness = await trial.follow(client, symbol, depth=10)
    state = await _resume(client, symbol, witness.position, depth=10)
    expect(isinstance(state, Snapshot), "a window was resumed with a delta")
    witness.hear(state)
    await trial.witness(client, witness, 2)


@check(SECTION)
async def resumed_and_new_books_in_one_request(trial: Trial) -> None:
    """A returning client names `[epoch, seq, digest]` of each book, to any replica."""
    client = await trial.connect()
    busy, quiet = trial.venue.busy.symbol, trial.venue.quiet.symbol
    if busy == quiet:
        raise Skipped("needs two instruments")
    witness = await trial.follow(client, busy)
    returning = await trial.connect()
    await returning.accepted(
        "subscribe", channel="book", instruments=[busy, quiet], resume={busy: list(witness.position)}
    )
    expect(isinstance(await returning.hear_book(busy), Delta), "the book that was named got a snapshot")
    expect(isinstance(await returning.hear_book(quiet), Snapshot), "the book that was not named got no snapshot")


async def _resumed(trial: Trial, gateway: int) -> str:
    """Leave, miss some, return: one delta must bring the book in sync, and the next ones continue it."""
    symbol = trial.venue.busy.symbol
    leaving = await trial.connect()
    witness = await trial.follow(leaving, symbol)
    await trial.witness(leaving, witness, 2)
    left_at = witness.book.seq
    await leaving.wire.shut()
    returning = await trial.connect(gateway=gateway)
    await returning.listen_for(0.3)
    state = await _resume(returning, symbol, witness.position)
    expect(isinstance(state, Delta), f"the right position {witness.position} got a snapshot")
    witness.hear(state)
    missed = witness.book.seq - left_at
    await trial.witness(returning, witness, 3)
    return f"{missed} changes in one delta"


async def _refused(trial: Trial, spoil: Spoil) -> None:
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    witness = await trial.follow(client, symbol)
    state = await _resume(client, symbol, spoil(*witness.position))
    expect(isinstance(state, Snapshot), "a wrong position got a delta")
    fresh = BookWitness(symbol)
    fresh.hear(state)
    await trial.witness(client, fresh, 2)


async def _resume(client: Client, symbol: str, position: tuple[int, int, int], depth: int = 0) -> Snapshot | Delta:
    """Subscribe again from a position, and return the state that follows the reply."""
    reply = await client.accepted_afresh(
        "subscribe", channel="book", instruments=[symbol], depth=depth, resume={symbol: list(position)}
    )
    state = await client.hear_book(symbol)
    expect(client.after(reply)[0].message is state, "something else than the state followed the reply")
    return state
