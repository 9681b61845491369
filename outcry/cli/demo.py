"""`outcry demo`: the whole market on this machine, with a verdict; with --chaos, faults meanwhile."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from outcry.chaos import view as chaos_view
from outcry.chaos.aio.chaos_run import run_chaos
from outcry.chaos.options import ChaosOptions
from outcry.cli.parameters import Engines, RedisUrl, Speed, read_speed
from outcry.cli.report_file import check_writable, page_writer, write_file
from outcry.cli.running import refuse, run_and_judge
from outcry.demo import view
from outcry.demo.aio.market_demo import run_demo
from outcry.demo.options import DemoOptions, ReplayOptions
from outcry.demo.story import NO_STORY, StoryOptions
from outcry.load.crew_options import CrewOptions
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import IN_FOLDER, StackOptions
from outcry.stack.screen import open_screen

SEED_MAX: Final = 1_000_000
"""Of seeds that are drawn: short enough to be typed again."""
CHAOS_SECONDS: Final = 60.0
"""How long faults happen, unless --seconds says."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    users: Annotated[int, typer.Option(help="Users to connect; each is a real WebSocket client.")] = 1000,
    gateways: Annotated[int, typer.Option(help="Gateway processes to spread them over.")] = 3,
    seconds: Annotated[
        float | None,
        typer.Option(help="How long to measure; 0 is until Ctrl-C, the default on a terminal. Elsewhere 45."),
    ] = None,
    rate: Annotated[float, typer.Option(help="Book changes a second over all instruments.")] = 200,
    hot: Annotated[bool, typer.Option("--hot", help="Put every user and every change on one book.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the figures to this file, as JSON.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Trade recorded order flow (LOBSTER messages, .csv or .csv.gz), not bots.")
    ] = None,
    instrument: Annotated[str, typer.Option(help="What the recorded flow trades.")] = "ACME",
    speed: Speed = "max",
    verify: Annotated[
        float, typer.Option(help="Percent of users that keep whole books and check every digest on the way.")
    ] = 5,
    redis_url: RedisUrl = None,
    load_processes: Annotated[int, typer.Option(help="Processes that the users share.")] = 2,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of what the bots do, and of the faults: the same seed, the same again. Without it 1; "
            "with --chaos one is drawn, and shown."
        ),
    ] = None,
    engines: Engines = 2,
    accounts: Annotated[
        bool, typer.Option(help="The market keeps accounts: orders need money and lots. A replay's never does.")
    ] = True,
    ledger: Annotated[
        bool, typer.Option(help="Keep the record too, in SQLite; not on a Redis that --redis-url names.")
    ] = True,
    story: Annotated[bool, typer.Option(help="Let things happen on purpose, and tell what they did.")] = True,
    kill_gateway: Annotated[
        float, typer.Option(help="Second at which a gateway is killed; 0 is never.", metavar="SECOND")
    ] = StoryOptions().gateway,
    kill_engine: Annotated[
        float, typer.Option(help="Second at which the leading engine is killed; 0 is never.", metavar="SECOND")
    ] = StoryOptions().engine,
    blackout: Annotated[
        float, typer.Option(help="Second at which compliance begins a blackout; 0 is never.", metavar="SECOND")
    ] = StoryOptions().blackout,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page with plots to this file.")] = None,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Kill and freeze parts while the market trades; see below.")
    ] = False,
) -> None:
    """
    Run the whole market with users on this machine, and prove their books.

    Starts Redis, the matching engine, the gateways, the ledger, bots that trade and the users, each part a process of
    its own.
    Shows what happens. Ends with a verdict: every user's book is the engine's at the same (epoch, seq), or not; and
    each asset adds up to 0 over all accounts, which are kept unless --no-accounts. The exit status says the same (0 or
    1). Ctrl-C ends it early, with the verdict; twice, at once.

    It tells a story: the market opens with an auction; at second 20 a gateway is killed, at second 25 the leading
    engine, at second 30 compliance closes an instrument to insiders. Each is announced, and what it did is measured and
    said. --no-story leaves the market in peace.

    With --chaos, every few seconds a random part is killed with -9 or frozen, and one time in five two at once: the
    leading engine, the standby, a gateway, Redis (with `appendfsync always`). Users reconnect and resume; 40 traders
    place orders with unique ids (--rate a second) and repeat each until its outcome is known. At the end books are
    compared with the engine's, and every order that was acknowledged must be in the final history exactly once:
    `books_wrong`, `acknowledged_lost` and `acknowledged_duplicated` of the report are 0, or the exit status is 1.
    docs/reliability.md describes the rest of the report.
    """
    if chaos:
        if replay or hot:
            refuse("--chaos has traders of its own: leave out --replay and --hot")
        stack = StackOptions(gateways, redis_url, None, engines=engines, appendfsync="always")
        crew = CrewOptions.of(users, verify, load_processes)
        _run_chaos(stack, crew, seconds or CHAOS_SECONDS, rate, seed, report)
    if seconds is None:
        seconds = 0 if sys.stdout.isatty() else 45

    async def run() -> bool:
        options = DemoOptions(
            # A store of others would wait for a ledger that ends with the demo.
            stack=StackOptions(
                gateways, redis_url, None, engines=engines, ledger=IN_FOLDER if ledger and not redis_url else None
            ),
            crew=CrewOptions.of(users, verify, load_processes),
            seconds=seconds,
            rate=rate,
            hot=hot,
            replay=ReplayOptions(replay, instrument, read_speed(speed)) if replay else None,
            seed=1 if seed is None else seed,
            story=StoryOptions(kill_gateway, kill_engine, blackout) if story else NO_STORY,
            accounts=accounts,
        ).checked()
        check_writable("--report", report)
        check_writable("--html", html)
        write_page = page_writer(html, "outcry.demo.page")
        with open_screen(view) as screen:
            result = await run_demo(options, screen, StopSignal())
            screen.end(result)
        write_file(report, result.to_json())
        write_page(result)
        return result.is_good

    run_and_judge(run())


def _run_chaos(
    stack: StackOptions, crew: CrewOptions, seconds: float, rate: float, seed: int | None, report: Path | None
) -> None:
    """Run the demo with faults, and exit."""

    async def run() -> bool:
        drawn = secrets.randbelow(SEED_MAX) if seed is None else seed
        options = ChaosOptions(stack, crew, seconds, rate, drawn).checked()
        check_writable("--report", report)
        with open_screen(chaos_view) as screen:
            result = await run_chaos(options, screen, StopSignal())
            screen.end(result)
        write_file(report, result.to_json())
        return result.is_good

    run_and_judge(run())
