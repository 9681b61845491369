"""`outcry load`: users who measure a deployment, and check what it sends them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from outcry.cli.parameters import RedisUrl, Seed
from outcry.cli.report_file import check_writable, page_writer, write_file
from outcry.cli.running import run_and_judge
from outcry.load import view
from outcry.load.aio.load_run import run_load
from outcry.load.aio.own_market import OwnMarketOptions
from outcry.load.crew_options import CrewOptions
from outcry.load.options import Deployment, LoadOptions, read_metrics, read_mix, settled
from outcry.load.scenario import SCENARIOS, find_scenario
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from outcry.stack.screen import open_screen

FOREIGN: Final = "An exchange that runs already"
OWN: Final = "An exchange for the occasion, without --url"
RUN: Final = "The run"
USERS: Final = "Its users"
"""Groups of the flags in the help."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def load(
    url: Annotated[
        list[str] | None,
        typer.Option(
            help="A gateway or load balancer, such as ws://lb/v1/stream; once for each of several. "
            "Without any, an exchange is started for the occasion.",
            rich_help_panel=FOREIGN,
        ),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            envvar="OUTCRY_SECRET_FILE", help="The gateways' secret, to make users from.", rich_help_panel=FOREIGN
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="Or users' tokens, one a line, such as the file that `outcry up` names.", rich_help_panel=FOREIGN
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=http://HOST:PORT/metrics of another part, such as the engine.", rich_help_panel=FOREIGN
        ),
    ] = None,
    loss_command: Annotated[
        str | None,
        typer.Option(help="For the scenario loss: a shell command that ends a gateway.", rich_help_panel=FOREIGN),
    ] = None,
    gateways: Annotated[int | None, typer.Option(help="Gateways to start; 3 without it.", rich_help_panel=OWN)] = None,
    rate: Annotated[float, typer.Option(help="Book changes a second over all instruments.", rich_help_panel=OWN)] = 200,
    hot: Annotated[
        bool, typer.Option("--hot", help="Put every user and every change on one book.", rich_help_panel=OWN)
    ] = False,
    pace: Annotated[
        float | None, typer.Option(help="ms between two flushes of a gateway.", rich_help_panel=OWN)
    ] = None,
    redis_url: RedisUrl = None,
    seed: Seed = 1,
    scenario: Annotated[
        str, typer.Option(help="What happens; --list-scenarios describes each.", rich_help_panel=RUN)
    ] = "steady",
    seconds: Annotated[
        float | None, typer.Option(help="How long to measure; 60 without it.", rich_help_panel=RUN)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write all figures to this file, as JSON.", rich_help_panel=RUN)
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write them to this page, with plots.", rich_help_panel=RUN)] = None,
    list_scenarios: Annotated[
        bool, typer.Option("--list-scenarios", help="Describe each scenario, and end.", rich_help_panel=RUN)
    ] = False,
    users: Annotated[
        int, typer.Option(help="Users to connect; each is a real WebSocket client.", rich_help_panel=USERS)
    ] = 1000,
    ramp: Annotated[
        float | None, typer.Option(help="Seconds over which they come; 10 without it.", rich_help_panel=USERS)
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            help="What they follow: entries CHANNEL:WHAT with commas between, each with @DEPTH, /INTERVAL or =WEIGHT "
            "if wanted; WHAT is all, *, a number of neighbours, or a symbol. book:3,ticker:*/250 without it.",
            rich_help_panel=USERS,
        ),
    ] = None,
    slow: Annotated[
        float | None, typer.Option(help="Share of users that never read, 0 to 0.9.", rich_help_panel=USERS)
    ] = None,
    churn: Annotated[
        float | None,
        typer.Option(help="Share of users that leave every second, and come back.", rich_help_panel=USERS),
    ] = None,
    orders: Annotated[
        float | None, typer.Option(help="Orders and cancels a second, of all users together.", rich_help_panel=USERS)
    ] = None,
    verify: Annotated[
        float,
        typer.Option(
            help="Percent of users that keep whole books and check every digest on the way.", rich_help_panel=USERS
        ),
    ] = 5,
    load_processes: Annotated[int, typer.Option(help="Processes that the users share.", rich_help_panel=USERS)] = 2,
    source: Annotated[
        str,
        typer.Option(help="Local addresses to connect from, in turns: 127.0.0.1,127.0.0.2.", rich_help_panel=USERS),
    ] = "",
    opening: Annotated[
        int | None,
        typer.Option(help="Handshakes under way at once, in each process; 64 without it.", rich_help_panel=USERS),
    ] = None,
) -> None:
    """
    Load a deployment with users who check what they are sent, and measure it.

    Delivery is timed from the engine's publishing to each user's receipt, orders from the time that they were meant to
    be sent. Every user checks the sequence of every change, some every digest, and all books are compared at the end.
    The exit status is 0 if nothing was wrong, 1 if something was, 2 for misuse.

    `outcry load` alone runs an exchange of its own with 1,000 users for a minute. Against another:

    outcry load --url ws://lb/v1/stream --token-file tokens --orders 100 --html r.html

    docs/load.md describes what is measured, and how.
    """
    if list_scenarios:
        for each in SCENARIOS.values():
            print(f"{each.name:8}{each.tells}")
        return

    async def run() -> bool:
        kind = find_scenario(scenario)
        options = LoadOptions(
            scenario=kind,
            crew=CrewOptions.of(users, verify, load_processes),
            ramp=settled("ramp", ramp, kind),
            seconds=settled("seconds", seconds, kind),
            mix=read_mix(mix),
            slow=settled("slow", slow, kind),
            churn=settled("churn", churn, kind),
            orders=settled("orders", orders, kind),
            opening=int(settled("opening", opening, kind)),
            sources=[each.strip() for each in source.split(",") if each.strip()],
            metrics=read_metrics(metrics or []),
            deployment=Deployment(url, token_file, secret_file, loss_command) if url else None,
            seed=seed,
        ).checked()
        stack = StackOptions(int(settled("gateways", gateways, kind)), redis_url, None, pace_ms=pace)
        own = OwnMarketOptions(stack, rate, hot, seed).checked()
        check_writable("--report", report)
        check_writable("--html", html)
        write_page = page_writer(html, "outcry.load.page")
        with open_screen(view) as screen:
            result = await run_load(options, own, screen, StopSignal())
            screen.end(result)
        write_file(report, result.to_json())
        write_page(result)
        return result.is_good

    run_and_judge(run())
