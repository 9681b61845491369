"""The conformance kit: all pass against the real stack, and against a server that errs the named checks fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.testing import Fault, ScriptedServer
from outcry.conformance.aio.checks import all_checks
from outcry.conformance.aio.runner import Unreachable, run_conformance
from outcry.conformance.options import ConformanceOptions
from outcry.conformance.report import CheckVerdict, ConformanceReport, Result
from outcry.conformance.users import USERS_MIN, mint
from outcry.stack.aio.free_ports import free_neighbours, free_ports
from outcry.stack.options import HOST
from tests.e2e.command import needs_server, outcry

NOT_SHOWN_HERE = {
    "channels.subscriptions_of_a_connection_are_bounded",
    "accounts.open_orders_reserve",
    "accounts.an_order_needs_what_is_free",
    "books.who_follows_a_book_in_a_call_hears_its_auction",
    "rules.a_discreet_rule_names_nothing",
}
"""The default listing has too few instruments; its market keeps no accounts and has no calls."""
FOLLOWING = "books.deltas_continue_the_snapshot"
HEARTBEATS = "messages.heartbeats_name_the_last_seq_sent"


@needs_server
async def test_the_real_stack_conforms(tmp_path: Path) -> None:
    """Every sentence that a black box can prove, against two gateways while bots trade."""
    with standing_stack(tmp_path) as ready:
        tokens = Path(ready["tokens"])
        options = ConformanceOptions(ready["gateways"], token_file=tokens, secret_file=tokens.parent / "token-secret")
        report = await run_conformance(options)
    assert [(result.check.name, result.text) for result in report.failed()] == []
    assert {result.check.name for result in report.results if result.verdict is CheckVerdict.SKIP} <= NOT_SHOWN_HERE
    assert report.count(CheckVerdict.PASS) >= len(all_checks()) - len(NOT_SHOWN_HERE)


async def test_a_right_telling_passes() -> None:
    """What fails below fails because of its fault alone."""
    (result,) = (await checked(FOLLOWING, Fault.NONE)).results
    assert (result.verdict, result.text) == (CheckVerdict.PASS, "20 deltas")


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (Fault.WRONG_DIGEST, "digest after the delta"),
        (Fault.WRONG_LEVEL, "digest after the delta"),
        (Fault.LOST, "gap: the book is at seq"),
        (Fault.SWAPPED, "gap: the book is at seq"),
    ],
)
async def test_a_wrong_telling_fails(fault: Fault, complaint: str) -> None:
    """A kit that cannot fail proves nothing."""
    (result,) = (await checked(FOLLOWING, fault)).results
    assert result.verdict is CheckVerdict.FAIL
    assert complaint in result.text


async def test_a_heartbeat_gives_a_lost_last_change_away() -> None:
    """Nothing follows the lost change, so only the heartbeat can tell."""
    (result,) = (await checked(HEARTBEATS, Fault.LOST, every=1)).results
    assert result.verdict is CheckVerdict.FAIL
    assert "a heartbeat names" in result.text


async def test_what_a_server_does_not_do_fails_by_name() -> None:
    """The scripted server trusts any token and knows no limits of a request's rate."""
    names = "connection.wrong_token_in_the_handshake_gets_401", "limits.requests_beyond_the_rate_are_refused"
    for name in names:
        (result,) = (await checked(name, Fault.NONE)).results
        assert result.verdict is CheckVerdict.FAIL, name


async def test_every_result_is_told_as_it_ends() -> None:
    told: list[Result] = []
    async with ScriptedServer() as server:
        options = scripted_options(server, "connection.offering_both_gets_one")
        report = await run_conformance(options, told.append)
    assert told == list(report.results)


async def test_where_nothing_listens_nothing_is_checked() -> None:
    (port,) = free_ports(1)
    options = ConformanceOptions([f"ws://{HOST}:{port}/v1/stream"], tokens())
    with pytest.raises(Unreachable, match="cannot be tested: cannot connect"):
        await run_conformance(options)


async def checked(name: str, fault: Fault, every: int = 5) -> ConformanceReport:
    """Check a scripted server whose book moves, and goes wrong every so many changes."""
    async with ScriptedServer() as server, asyncio.timeout(20):
        await server.change(bids={100: 5}, asks={102: 5})
        async with asyncio.TaskGroup() as tasks:
            moving = tasks.create_task(move(server, fault, every))
            report = await run_conformance(scripted_options(server, name))
            moving.cancel()
    return report


async def move(server: ScriptedServer, fault: Fault, every: int) -> None:
    number = 0
    while True:
        number += 1
        await server.change(bids={90 + number % 10: number}, fault=Fault.NONE if number % every else fault)
        await asyncio.sleep(0.01)


def scripted_options(server: ScriptedServer, name: str) -> ConformanceOptions:
    return ConformanceOptions([server.url], tokens(), instrument=server.market.symbol, only=name)


def tokens() -> list[str]:
    return [mint(f"user-{number}", bytes(32), 2**33) for number in range(USERS_MIN)]


@contextlib.contextmanager
def standing_stack(folder: Path) -> Iterator[dict[str, str]]:
    """Run the exchange with two gateways and bots; it ends as it should."""
    port = str(free_neighbours(2))
    with outcry(folder, "up", "--gateways", "2", "--port", port, "--bots", "50") as command:
        command.wait_for(lambda: command.output.endswith("\n"))
        yield json.loads(command.output)
        command.signal(signal.SIGTERM)
        assert command.finish() == 0, command.errors
