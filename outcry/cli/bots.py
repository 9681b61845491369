"""`outcry bots`: a crowd for a running exchange."""

from __future__ import annotations

from typing import Annotated

import typer

from outcry.cli.parameters import Seed
from outcry.cli.running import run_command, say
from outcry.flow.aio.bots import Bots
from outcry.flow.aio.bots_command import run_bots, with_credentials
from outcry.stack.options import check_rate
from shared.aio.settings import ServiceSettings, load_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


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

    async def run() -> None:
        check_rate(rate, "--rate")
        settings = load_settings(ServiceSettings, redis_url=redis_url)
        url = with_credentials(settings.redis_url, settings.redis_credentials)
        await run_bots(Bots(url, rate=rate, hot=hot, seed=seed), say)

    run_command(run())
