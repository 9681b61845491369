"""The runner's judgement, by planted checks against a scripted server: what fails, hangs or breaks is said so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest

from openoutcry.testing import ScriptedServer
from outcry.conformance.aio import runner
from outcry.conformance.aio.registry import check, registered_by
from outcry.conformance.aio.runner import ATTEMPTS_MAX, Run
from outcry.conformance.aio.trial import Trial
from outcry.conformance.aio.venue import survey
from outcry.conformance.check import Check
from outcry.conformance.expectation import Failed, Skipped, expect
from outcry.conformance.report import CheckVerdict, Result
from outcry.conformance.users import USERS_MIN, gather_users, mint

Carry: TypeAlias = Callable[..., Awaitable[dict[str, Result]]]
ENDED: list[str] = []
"""Names of checks whose `finally` has run."""


@check("Planted")
async def passes(trial: Trial) -> str:
    """Passes."""
    return f"as {(await trial.connect()).name}"


@check("Planted")
async def fails(trial: Trial) -> None:
    """Fails."""
    expect(trial.users == [], "wanted one thing, saw another")


@check("Planted", seconds=0.2)
async def hangs(trial: Trial) -> None:
    """Waits for what never comes."""
    client = await trial.connect()
    try:
        await client.reply_to(99)
    finally:
        ENDED.append("hangs")


@check("Planted", seconds=30)
async def hangs_for_long(trial: Trial) -> None:
    """Has more time than the suite."""
    await (await trial.connect()).reply_to(99)


@check("Planted")
async def breaks(trial: Trial) -> None:
    """Has a fault of its own."""
    raise KeyError(trial.users[0].name)


@check("Planted")
async def cannot_be_shown(trial: Trial) -> None:
    """Is left out."""
    raise Skipped(f"{trial.venue.quiet.symbol} is too quiet")


@check("Planted", gateways=2)
async def needs_two(trial: Trial) -> None:
    """Needs another gateway."""
    raise Failed("was run with one")


@check("Planted", contended=True)
async def fails_undisturbed(trial: Trial) -> None:
    """Trades, and nobody came between: its failure counts at once."""
    raise Failed("the price was wrong")


@check("Planted", contended=True)
async def fails_disturbed(trial: Trial) -> None:
    """Trades, and somebody comes between each time."""

    async def was_disturbed() -> bool:
        return True

    trial.was_disturbed = was_disturbed
    raise Failed("somebody else was filled")


PLANTED = {each.name.partition(".")[2]: each for each in registered_by(__name__)}


@pytest.fixture
async def carry_out() -> AsyncIterator[Carry]:
    async with ScriptedServer() as server, asyncio.timeout(20):
        await server.change(bids={100: 5}, asks={102: 5})
        users = gather_users([mint(f"user-{n}", bytes(32), 2**33) for n in range(USERS_MIN)], None, "run", time.time())

        async def run(*names: str) -> dict[str, Result]:
            heard: list[Result] = []
            checks: list[Check] = [PLANTED[name] for name in names]
            venue = await survey([server.url], None, "run", users[0], server.market.symbol)
            results = await Run(venue, users, heard.append).carry_out(checks)
            assert [result.check for result in results] == checks, "every check is answered, in their order"
            assert {each.check for each in heard} <= set(checks)
            return dict(zip(names, results, strict=True))

        yield run


async def test_each_check_gets_the_verdict_that_it_earned(carry_out: Carry) -> None:
    """One that fails, breaks or hangs neither ends the others nor is passed over."""
    results = await carry_out("passes", "fails", "hangs", "breaks", "cannot_be_shown", "needs_two")
    assert {name: result.verdict for name, result in results.items()} == {
        "passes": CheckVerdict.PASS,
        "fails": CheckVerdict.FAIL,
        "hangs": CheckVerdict.FAIL,
        "breaks": CheckVerdict.FAIL,
        "cannot_be_shown": CheckVerdict.SKIP,
        "needs_two": CheckVerdict.SKIP,
    }
    assert results["fails"].text == "wanted one thing, saw another"
    assert results["breaks"].text.startswith("the check itself broke: KeyError(")
    assert results["cannot_be_shown"].text.endswith("is too quiet")
    assert results["needs_two"].text == "needs the URLs of 2 gateways of one exchange"


async def test_a_check_that_hangs_is_ended_and_what_it_waited_for_is_named(carry_out: Carry) -> None:
    ENDED.clear()
    result = (await carry_out("hangs"))["hangs"]
    assert ENDED == ["hangs"]
    assert 0.2 <= result.seconds < 1.5
    assert result.text.startswith("no end within 0.2 s; waiting: ")
    assert not result.text.endswith("for nothing")


async def test_a_check_that_the_suite_has_no_time_left_for_has_failed(
    carry_out: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had no result, and a run without a failure is called good."""
    monkeypatch.setattr(runner, "SUITE_S", 1.0)  # enough for a check that passes, on a busy machine
    results = await carry_out("hangs_for_long", "passes")
    assert (results["hangs_for_long"].verdict, results["hangs_for_long"].text) == (
        CheckVerdict.FAIL,
        "not ended within the 1 s of the suite",
    )
    assert results["passes"].verdict is CheckVerdict.PASS


async def test_a_failure_counts_at_once_when_nobody_came_between(carry_out: Carry) -> None:
    """Trying again is for checks whose price somebody else traded at, and not for luck."""
    result = (await carry_out("fails_undisturbed"))["fails_undisturbed"]
    assert (result.verdict, result.text) == (CheckVerdict.FAIL, "the price was wrong")
    assert result.attempts == 1


async def test_a_failure_is_tried_again_as_long_as_somebody_came_between(carry_out: Carry) -> None:
    result = (await carry_out("fails_disturbed"))["fails_disturbed"]
    assert (result.verdict, result.attempts) == (CheckVerdict.FAIL, ATTEMPTS_MAX)
