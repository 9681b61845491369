"""Section "Options": what can be shown of exercises in any market."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.messages import Account, Welcome
from openoutcry.wire.types import Code
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_ok, expect_refused
from outcry.conformance.users import mint

SECTION: Final = "Options"


async def _holder(trial: Trial, *roles: str) -> Client:
    name, secret = trial.users[0].name, trial.secret()
    client = await trial.stranger()
    expect_ok(await client.ask("login", token=mint(name, secret, trial.unix_now() + 3600, *roles)))
    await client.hear(Welcome)
    return client


@check(SECTION)
async def only_traders_exercise(trial: Trial) -> None:
    """`exercise` is for holders with the role `trader`, where the exchange keeps accounts."""
    client, symbol = await _holder(trial), trial.venue.quiet.symbol
    reply = await client.ask("exercise", exercise_id="e1", instrument=symbol, lots=1)
    expect_refused(reply, Code.NOT_PERMITTED)
    expect("viewer" in reply.text, f"the text names no role: {reply.text!r}")


@check(SECTION)
async def what_has_no_end_is_not_exercised(trial: Trial) -> None:
    """Without `expires_at` the exchange acts on none of them."""
    client, symbol = await _holder(trial, "trader"), trial.venue.quiet.symbol
    expect_ok(await client.ask("subscribe", channel="account"))
    before = (await client.hear(Account)).user_seq
    expect_refused(await client.ask("exercise", exercise_id="e1", instrument=symbol, lots=1), Code.BAD_REQUEST)
    expect_ok(await client.ask("subscribe", channel="account"))
    expect_equal((await client.hear(Account)).user_seq, before, "user_seq of the account afterwards")
