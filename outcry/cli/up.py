"""`outcry up`: the exchange without users."""

from __future__ import annotations

from typing import Annotated

import typer

from outcry.cli.parameters import Engines, RedisUrl, Seed
from outcry.cli.running import run_command, say
from outcry.demo.aio.standing_stack import UpOptions, run_up
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def up(
    gateways: Annotated[int, typer.Option(help="Gateway processes.")] = 3,
    port: Annotated[int, typer.Option(help="Port of the first gateway; the next ones follow it.")] = 8101,
    bots: Annotated[float, typer.Option(help="Book changes a second that bots make; 0 is no bots.")] = 200,
    hot: Annotated[bool, typer.Option("--hot", help="All of them on one instrument.")] = False,
    accounts: Annotated[
        bool, typer.Option("--accounts", help="The market keeps accounts; bots and the development user are funded.")
    ] = False,
    redis_url: RedisUrl = None,
    seed: Seed = 1,
    engines: Engines = 2,
    ledger: Annotated[
        str | None,
        typer.Option(help="Keep the record too: sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE, tables made."),
    ] = None,
) -> None:
    """
    Run the exchange without users, until Ctrl-C or SIGTERM.

    When all of it is ready, prints one line of JSON on standard output: `gateways` (WebSocket URLs), `redis`,
    `instruments`, a development `token`, `tokens` (a file with the tokens of 10,000 development users, one a line), and
    `metrics` (URLs by the name of each engine and gateway), if the trading page is built `page` (its URL with that
    token), and with --ledger `ledger` (URL of the record).
    """

    async def run() -> None:
        options = UpOptions(
            StackOptions(gateways, redis_url, port, engines=engines, ledger=ledger), bots, hot, seed, accounts
        ).checked()
        await run_up(options, StopSignal(), say, lambda line: print(line, flush=True))

    run_command(run())
