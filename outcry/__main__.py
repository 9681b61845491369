"""`outcry`: the command. Wiring only; every part can be used without it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib.metadata
import os
import platform
import secrets
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperGroup

from openoutcry.wire.errors import ConfigurationError, OpenOutcryError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import DEPTHS
from outcry.demo.options import DemoOptions, ReplayOptions
from outcry.stack.options import StackOptions, check_rate
from shared.redis_url import checked_redis_url

if TYPE_CHECKING:
    from outcry.load.report import LoadReport

FAILED: Final = 1
"""Exit status of a verdict that is not good, and of a part that failed."""
MISUSED: Final = 2
"""Exit status of wrong flags, files or settings."""
INTERRUPTED: Final = 130
"""Exit status after Ctrl-C before there was anything to judge."""
DAY_SECONDS: Final = 24 * 3600
TOKEN_DAYS_MAX: Final = 36_525
"""How long a minted token may be valid: a century."""
SEED_MAX: Final = 1_000_000
"""Of seeds that are drawn: short enough to be typed again."""
CHAOS_SECONDS: Final = 60.0
"""How long faults happen, unless told."""
FORWARDED: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Of commands whose flags are a service's own."""

FOREIGN: Final = "An exchange that runs already"
OWN: Final = "An exchange for the occasion, without --url"
RUN: Final = "The run"
USERS: Final = "Its users"
"""Groups of the flags of `load`."""

app = typer.Typer(
    name="outcry",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RedisUrl = Annotated[
    str | None,
    typer.Option(envvar="OUTCRY_REDIS_URL", help="A running Redis or Valkey, such as redis://127.0.0.1:6379/0; "
                 "without it, one is started for the occasion."),
]  # fmt: skip
Seed = Annotated[int, typer.Option(help="Seed of what the bots do: the same seed trades the same.")]
Engines = Annotated[int, typer.Option(help="Matching engines: one leads, the others stand by.")]
Speed = Annotated[str, typer.Option(help="How many times faster than it happened, or `max`.")]


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"outcry {importlib.metadata.version('openoutcry-exchange')}, Python {platform.python_version()}")  # noqa: T201
        raise typer.Exit


@app.callback()
def outcry(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is, and end.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """A real-time exchange for a company's own people. Try `outcry demo` first."""


@app.command()
def demo(
    users: Annotated[int, typer.Option(help="Users to connect; each is a real WebSocket client.")] = 1000,
    gateways: Annotated[int, typer.Option(help="Gateway processes to spread them over.")] = 3,
    seconds: Annotated[
        float | None,
        typer.Option(help="How long to measure; 0 is until Ctrl-C, the default on a terminal. Elsewhere 30."),
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
            "with --chaos one is drawn, and told."
        ),
    ] = None,
    engines: Engines = 2,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Kill and freeze parts while the market trades; see below.")
    ] = False,
) -> None:
    """
    Run the whole market with users on this machine, and prove their books.

    Starts Redis, the matching engine, the gateways, bots that trade and the users, each part a process of its own;
    shows what happens; and ends with a verdict: every user's book is the engine's at the same (epoch, seq), or not.
    The exit status says the same (0 or 1). Ctrl-C ends it early, with the verdict; twice, at once.

    With --chaos, every few seconds a random part is killed with -9 or frozen, and one time in five two at once: the
    leading engine, the standby, a gateway, Redis (with `appendfsync always`). Users reconnect and resume; 40 traders
    place orders with unique ids (--rate a second) and repeat each until its outcome is known. At the end books are
    compared with the engine's, and every order that was acknowledged must be in the final history exactly once:
    `books_wrong`, `acknowledged_lost` and `acknowledged_duplicated` of the report are 0, or the exit status is 1.
    docs/reliability.md tells what else is in the report.
    """
    from outcry.demo import view  # noqa: PLC0415 - only this command needs it
    from outcry.demo.aio.market_demo import run_demo  # noqa: PLC0415
    from outcry.stack.aio.stop_signal import StopSignal  # noqa: PLC0415
    from outcry.stack.screen import open_screen  # noqa: PLC0415

    if chaos:
        if replay or hot:
            _misused("--chaos has traders of its own: leave out --replay and --hot")
        stack = StackOptions(gateways, redis_url, None, engines=engines, appendfsync="always")
        _run_chaos(stack, users, seconds or CHAOS_SECONDS, rate, verify, load_processes, seed, report)
    if seconds is None:
        seconds = 0 if sys.stdout.isatty() else 30

    async def run() -> bool:
        options = DemoOptions(
            stack=StackOptions(gateways, redis_url, None, engines=engines),
            users=users,
            seconds=seconds,
            rate=rate,
            hot=hot,
            replay=ReplayOptions(replay, instrument, _speed(speed)) if replay else None,
            verify_percent=verify,
            load_processes=min(load_processes, users),
            seed=1 if seed is None else seed,
        ).checked()
        _check_writable("--report", report)
        with open_screen(view) as screen:
            result = await run_demo(options, screen, StopSignal())
            screen.end(result)
        if report:
            _write(report, result.to_json())
        return result.is_good

    _exit(0 if _run(run()) else FAILED)


@app.command()
def up(
    gateways: Annotated[int, typer.Option(help="Gateway processes.")] = 3,
    port: Annotated[int, typer.Option(help="Port of the first gateway; the next ones follow it.")] = 8101,
    bots: Annotated[float, typer.Option(help="Book changes a second that bots make; 0 is no bots.")] = 200,
    hot: Annotated[bool, typer.Option("--hot", help="All of them on one instrument.")] = False,
    redis_url: RedisUrl = None,
    seed: Seed = 1,
    engines: Engines = 2,
) -> None:
    """
    Run the exchange without users, until Ctrl-C or SIGTERM.

    When all of it is ready, prints one line of JSON on standard output: `gateways` (WebSocket URLs), `redis`,
    `instruments`, a development `token`, `tokens` (a file with the tokens of 10,000 development users, one a line), and
    `metrics` (URLs by the name of each engine and gateway).
    """
    from outcry.demo.aio.standing_stack import UpOptions, run_up  # noqa: PLC0415 - only this command needs it
    from outcry.stack.aio.stop_signal import StopSignal  # noqa: PLC0415

    async def run() -> None:
        options = UpOptions(StackOptions(gateways, redis_url, port, engines=engines), bots, hot, seed).checked()
        await run_up(options, StopSignal(), _say, lambda line: print(line, flush=True))  # noqa: T201 - its output

    _run(run())


@app.command()
def bots(
    rate: Annotated[float, typer.Option(help="Book changes a second over all instruments.")] = 200,
    hot: Annotated[bool, typer.Option("--hot", help="All of them on one instrument.")] = False,
    redis_url: Annotated[str | None, typer.Option(help="The exchange's Redis; also OUTCRY_REDIS_URL.")] = None,
    seed: Seed = 1,
) -> None:
    """
    Trade on a running exchange, until Ctrl-C or SIGTERM.

    For exchanges without users of their own. The crowd writes to the command log as gateways do; user, password and
    address of Redis are settings as theirs. Ends with status 1 if Redis or the engine is silent for half a minute.
    """
    from outcry.flow.aio.bots import Bots  # noqa: PLC0415 - only this command needs it
    from outcry.flow.aio.bots_command import run_bots  # noqa: PLC0415
    from outcry.flow.store_url import with_credentials  # noqa: PLC0415
    from shared.settings import ServiceSettings, load_settings  # noqa: PLC0415

    async def run() -> None:
        check_rate(rate, "--rate")
        settings = load_settings(ServiceSettings, redis_url=redis_url)
        url = with_credentials(settings.redis_url, settings.redis_credentials)
        await run_bots(Bots(url, rate=rate, hot=hot, seed=seed), _say)

    _run(run())


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="LOBSTER messages, .csv or .csv.gz.")],
    instrument: Annotated[str, typer.Option(help="What they trade; it is listed if it is not.")],
    redis_url: Annotated[str, typer.Option(envvar="OUTCRY_REDIS_URL", help="The exchange's Redis.")],
    speed: Speed = "1",
) -> None:
    """
    Feed recorded order flow into a running exchange.

    A new order becomes a limit order, a partial cancellation a replace, a deletion a cancel, and an execution of a
    visible order the marketable order that caused it. What the file does not say is counted, never guessed.
    """
    from outcry.flow.aio.lobster_file import LobsterFile  # noqa: PLC0415 - only this command needs it
    from outcry.flow.aio.replay import Replay  # noqa: PLC0415
    from outcry.flow.aio.replay_command import run_replay  # noqa: PLC0415

    with _told_errors():
        try:
            checked_redis_url(redis_url)
        except ValueError as error:  # which quotes nothing: what is wrong may be the password
            raise ConfigurationError(f"--redis-url: {error}") from None
        Instrument(instrument).checked()

    async def run() -> None:
        replay = Replay(redis_url, file, instrument, _speed(speed))
        with LobsterFile(file):
            pass  # A wrong name is told at once, and not after the time that Redis has to answer.
        await run_replay(replay, Console(stderr=True))

    _run(run())


class _MintByDefault(TyperGroup):
    """`outcry token USER` is `outcry token mint USER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["mint", *args]
        return super().parse_args(ctx, args)


tokens = typer.Typer(
    cls=_MintByDefault,
    no_args_is_help=True,
    help="Mint a token for a development user (outcry token USER …), or check one (outcry token check).",
)
app.add_typer(tokens, name="token")


@tokens.command("mint")
def mint(
    user: Annotated[str, typer.Argument(help="1 to 64 letters, digits and . _ @ + -")],
    secret_file: Annotated[Path, typer.Option(envvar="OUTCRY_SECRET_FILE", help="The gateways' secret.")],
    days: Annotated[float, typer.Option(help="How long it is valid.")] = 7,
    audience: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN_AUDIENCE", help="For whom it is to be.")] = "",
    issuer: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN_ISSUER", help="Of whom it is to be.")] = "",
) -> None:
    """
    Mint a token for a development user. In production, your identity provider does.

    `mint` may be left out: outcry token ann --secret-file outcry-secret
    """
    from services.gateway.authentication import Audience, checked_secret, mint_token  # noqa: PLC0415

    with _told_errors():
        try:
            secret = secret_file.read_bytes()
        except OSError as error:
            make = f"; make a secret by: openssl rand -hex 32 > {secret_file}" if error.errno == errno.ENOENT else ""
            raise ConfigurationError(f"cannot read {secret_file} ({error.strerror}){make}") from error
        if not 0 < days <= TOKEN_DAYS_MAX:
            raise ConfigurationError(f"--days must be above 0 and at most {TOKEN_DAYS_MAX}, not {days:g}")
        names = tuple(each.strip() for each in audience.split(",") if each.strip())
        ends_at = time.time() + days * DAY_SECONDS
        print(mint_token(user, checked_secret(secret), ends_at, Audience(names, issuer)))  # noqa: T201 - its output


@tokens.command()
def check(
    token: Annotated[
        str | None,
        typer.Argument(envvar="OUTCRY_TOKEN", help="Better in OUTCRY_TOKEN or on standard input: all see arguments."),
    ] = None,
    secret_file: Annotated[Path | None, typer.Option(help="The gateways' secret.")] = None,
    jwks: Annotated[str | None, typer.Option(help="Or the identity provider's keys: a file, or https://…")] = None,
    audience: Annotated[str | None, typer.Option(help="Whom it must be for, as OUTCRY_TOKEN_AUDIENCE.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Of whom it must be, as OUTCRY_TOKEN_ISSUER.")] = None,
) -> None:
    """
    Say whom a token names, until when, and all that is wrong with it for a gateway with these settings.

    Reads the settings that a gateway reads, OUTCRY_…; options win. The exit status is 0 if a gateway would take it.
    """
    from services.gateway.aio.token_check import check_token  # noqa: PLC0415 - only this command needs it

    given = {"secret_file": secret_file, "jwks": jwks, "token_audience": audience, "token_issuer": issuer}
    found = _run(check_token((sys.stdin.read() if token is None else token).strip(), time.time(), given))
    for word, text in found.facts:
        print(f"{word:8}{text}")  # noqa: T201 - its output
    for problem in found.problems:
        print(f"wrong   {problem}")  # noqa: T201
    if not found.problems:
        print("good    a gateway with these settings takes it")  # noqa: T201
    _exit(FAILED if found.problems else 0)


@app.command()
def watch(
    instrument: Annotated[str, typer.Argument(help="Symbol.")],
    token: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN", help="From `outcry up` or `outcry token`.")],
    url: Annotated[str, typer.Option(envvar="OUTCRY_URL", help="A gateway.")] = "ws://127.0.0.1:8101/v1/stream",
    depth: Annotated[int, typer.Option(help="Levels a side: 5, 10, 20 or 50.")] = 10,
) -> None:
    """Watch a live book, until Ctrl-C."""
    from outcry.watch.aio.watch import watch as run_watch  # noqa: PLC0415 - only this command needs it

    if depth not in DEPTHS[1:]:
        _misused(f"--depth must be one of {', '.join(map(str, DEPTHS[1:]))}, not {depth}")
    with contextlib.suppress(KeyboardInterrupt):
        _run(run_watch(url, token, instrument, depth))


@app.command()
def conformance(
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            help="Gateways of one exchange, such as ws://127.0.0.1:8101/v1/stream; two prove more. "
            "Without any, an exchange is started for the occasion."
        ),
    ] = None,
    token: Annotated[list[str] | None, typer.Option(help="A user's token; give it for 12 users or more.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="Tokens, one a line, such as the file that `outcry up` names.")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(envvar="OUTCRY_SECRET_FILE", help="The gateways' secret, to mint users from.")
    ] = None,
    instrument: Annotated[
        str | None, typer.Option(help="Where to place orders; else where the spread is widest.")
    ] = None,
    only: Annotated[str, typer.Option(help="Checks whose name holds this word, or matches this pattern.")] = "",
    json_report: Annotated[Path | None, typer.Option("--json", help="Write the results to this file, as JSON.")] = None,
) -> None:
    """
    Check whether a server keeps the protocol: every sentence of docs/protocol.md that a client can prove.

    Places orders of its own, takes the best levels where it needs room, and cancels what is left of them: run it
    against an exchange that is there to be tested. Takes half a minute. The exit status is 0 if all passed, 1 if not.
    """
    from outcry.conformance.aio.own_stack import check_own_stack  # noqa: PLC0415
    from outcry.conformance.aio.runner import run_conformance  # noqa: PLC0415 - only this command needs it
    from outcry.conformance.options import ConformanceOptions  # noqa: PLC0415
    from outcry.conformance.rendering import render  # noqa: PLC0415
    from outcry.stack.aio.stop_signal import StopSignal  # noqa: PLC0415

    async def run() -> bool:
        _check_writable("--json", json_report)
        if urls:
            options = ConformanceOptions(urls, token or [], token_file, secret_file, instrument, only)
            report = await run_conformance(options)
        else:
            report = await check_own_stack(StopSignal(), _say, instrument, only)
        render(report, Console())
        if json_report:
            _write(json_report, report.to_json())
        return report.is_good

    _exit(0 if _run(run()) else FAILED)


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
        str, typer.Option(help="What happens; --list-scenarios tells of each.", rich_help_panel=RUN)
    ] = "steady",
    seconds: Annotated[
        float | None, typer.Option(help="How long to measure; 60 without it.", rich_help_panel=RUN)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write all figures to this file, as JSON.", rich_help_panel=RUN)
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write them to this page, with plots.", rich_help_panel=RUN)] = None,
    list_scenarios: Annotated[
        bool, typer.Option("--list-scenarios", help="Say what each scenario does, and end.", rich_help_panel=RUN)
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

    docs/load.md tells what is measured, and how.
    """
    from outcry.load import view  # noqa: PLC0415
    from outcry.load.aio.load_command import run_load  # noqa: PLC0415 - only this command needs it
    from outcry.load.aio.own_market import OwnMarketOptions  # noqa: PLC0415
    from outcry.load.options import Deployment, LoadOptions, read_metrics, read_mix, settled  # noqa: PLC0415
    from outcry.load.scenario import SCENARIOS, find_scenario  # noqa: PLC0415
    from outcry.stack.aio.stop_signal import StopSignal  # noqa: PLC0415
    from outcry.stack.screen import open_screen  # noqa: PLC0415

    if list_scenarios:
        for each in SCENARIOS.values():
            print(f"{each.name:8}{each.tells}")  # noqa: T201 - its output
        return

    async def run() -> bool:
        kind = find_scenario(scenario)
        options = LoadOptions(
            scenario=kind,
            users=users,
            ramp=settled("ramp", ramp, kind),
            seconds=settled("seconds", seconds, kind),
            mix=read_mix(mix),
            slow=settled("slow", slow, kind),
            churn=settled("churn", churn, kind),
            orders=settled("orders", orders, kind),
            verify_percent=verify,
            load_processes=min(load_processes, users),
            opening=int(settled("opening", opening, kind)),
            sources=[each.strip() for each in source.split(",") if each.strip()],
            metrics=read_metrics(metrics or []),
            deployment=Deployment(url, token_file, secret_file, loss_command) if url else None,
            seed=seed,
        ).checked()
        stack = StackOptions(int(settled("gateways", gateways, kind)), redis_url, None, pace_ms=pace)
        own = OwnMarketOptions(stack, rate, hot, seed).checked()
        _check_writable("--report", report)
        _check_writable("--html", html)
        write_page = _page_writer(html)
        with open_screen(view) as screen:
            result = await run_load(options, own, screen, StopSignal())
            screen.end(result)
        if report:
            _write(report, result.to_json())
        write_page(result)
        return result.is_good

    _exit(0 if _run(run()) else FAILED)


@app.command(add_help_option=False, context_settings=FORWARDED)
def matching(context: typer.Context) -> None:
    """Run a matching engine; a second one on the same Redis stands by."""
    from services.matching.__main__ import main as service  # noqa: PLC0415 - only this command needs it

    _forward(service, "matching", context.args)


@app.command(add_help_option=False, context_settings=FORWARDED)
def gateway(context: typer.Context) -> None:
    """Run a gateway; as many as users need, on one Redis."""
    from services.gateway.__main__ import main as service  # noqa: PLC0415 - only this command needs it

    _forward(service, "gateway", context.args)


def _run_chaos(
    stack: StackOptions,
    users: int,
    seconds: float,
    rate: float,
    verify: float,
    load_processes: int,
    seed: int | None,
    report: Path | None,
) -> None:
    """Run the demo with faults, and exit."""
    from outcry.chaos import view  # noqa: PLC0415 - only this needs it
    from outcry.chaos.aio.chaos_run import run_chaos  # noqa: PLC0415
    from outcry.chaos.options import ChaosOptions  # noqa: PLC0415
    from outcry.stack.aio.stop_signal import StopSignal  # noqa: PLC0415
    from outcry.stack.screen import open_screen  # noqa: PLC0415

    async def run() -> bool:
        drawn = secrets.randbelow(SEED_MAX) if seed is None else seed
        processes = min(load_processes, users)
        options = ChaosOptions(stack, users, seconds, rate, verify, processes, drawn).checked()
        _check_writable("--report", report)
        with open_screen(view) as screen:
            result = await run_chaos(options, screen, StopSignal())
            screen.end(result)
        if report:
            _write(report, result.to_json())
        return result.is_good

    _exit(0 if _run(run()) else FAILED)


def _misused(text: str) -> None:
    _say(f"outcry: {text}")
    _exit(MISUSED)


def _forward(service: Callable[..., None], name: str, arguments: list[str]) -> None:
    """Run a service's own command line: its flags and its help are its own."""
    command = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    command.command()(service)
    command(arguments, prog_name=f"outcry {name}")


def _speed(text: str) -> float | None:
    """Read a multiple of real time; None for `max`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ConfigurationError(f"--speed must be a number above 0, or max, not {text!r}")
    return speed


def _page_writer(path: Path | None) -> Callable[[LoadReport], None]:
    """Return what writes a load's page; a machine that cannot draw is told before the run, not after it."""
    if path is None:
        return lambda _: None
    try:
        from outcry.load.page import page  # noqa: PLC0415 - needs matplotlib
    except ImportError as error:
        raise ConfigurationError(
            f"--html needs matplotlib ({error}): pip install 'openoutcry-exchange[charts]'"
        ) from error
    return lambda report: _write(path, page(report))


def _check_writable(flag: str, path: Path | None) -> None:
    """
    Let a run not end with figures that cannot be kept.

    Raises:
        ConfigurationError: Names flag, path and what is wrong with it.
    """
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        raise ConfigurationError(f"{flag} {path} is a folder: name a file")
    if not folder.is_dir():
        raise ConfigurationError(f"{flag} {path}: there is no folder {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"{flag} {path} must not be written by this user")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def _run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a command to its end; what goes wrong is told in a sentence."""
    with _told_errors():
        return asyncio.run(main)


@contextlib.contextmanager
def _told_errors() -> Iterator[None]:
    from outcry.stack.aio.stop_signal import Interrupted  # noqa: PLC0415

    try:
        yield
    except ConfigurationError as error:
        _say(f"outcry: {error}")
        _exit(MISUSED)
    except OpenOutcryError as error:
        _say(f"outcry: {error}")
        _exit(FAILED)
    except (Interrupted, asyncio.CancelledError):
        _say("outcry: stopped")
        _exit(INTERRUPTED)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command speaks


def _exit(status: int) -> None:
    raise typer.Exit(status)


def main() -> None:
    """Run the command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
