"""`outcry ledger run`, `migrate` and `retire`: the service, its tables, and the end of what the store keeps for it."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from openoutcry.wire.errors import ConfigurationError
from outcry.cli.forwarding import FORWARDED, forward
from outcry.cli.running import FAILED, leave, reported_errors, say
from outcry.time_machine.aio.past_books import PastBooks
from services.ledger.__main__ import command_with
from services.ledger.aio.database import masked
from services.ledger.aio.migration import migrate as migrate_tables
from services.ledger.aio.proof_api import proof_router
from services.ledger.aio.proof_keys import ProofKeys
from services.ledger.aio.settings import LedgerSettings
from shared.aio.redis_connection import UNREACHABLE, RedisError, open_redis
from shared.aio.settings import load_settings
from shared.aio.store_failure import store_failure
from shared.logs.stream_keys import StreamKeys

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(add_help_option=False, context_settings=FORWARDED)
def run(context: typer.Context) -> None:
    """Run the ledger: it writes what happens into a database, and answers questions about it."""
    forward(command_with(_whole_interface), "ledger run", context.args)


def _whole_interface(settings: LedgerSettings, keys: ProofKeys) -> dict[str, Any]:
    """Add to the interface what needs an engine, and what needs the ledger's keys."""
    return {"book_maker": PastBooks(settings.url()), "routers": [proof_router(keys)]}


@app.command()
def migrate(
    database: Annotated[
        str | None, typer.Option(help="sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE, as the tables' owner.")
    ] = None,
) -> None:
    """Make the ledger's tables, or bring them to this release; once more changes nothing."""
    with reported_errors():
        settings = load_settings(LedgerSettings, ledger_database=database)
        try:
            done = migrate_tables(settings.url())
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            say(f"outcry: {masked(settings.ledger_database)}: {' '.join(str(getattr(error, 'orig', error)).split())}")
            leave(FAILED)
        before = f"from {done.before}" if done.before else "from nothing"
        where = f"{masked(settings.ledger_database)}: the tables are at {done.after}"
        say(where + ("" if done.before == done.after else f", {before}"))
        if done.roles_missing:
            say(f"no role {' or '.join(done.roles_missing)} is there, so nobody but the owner may use them")


@app.command()
def retire(
    redis_url: Annotated[str | None, typer.Option(help="Where the logs are, redis://host:port/db.")] = None,
    shard: Annotated[int | None, typer.Option(help="Which market, if several share one Redis.")] = None,
) -> None:
    """Have the store wait for no ledger any more: what none has written is trimmed like all else."""
    with reported_errors():
        settings = load_settings(LedgerSettings, redis_url=redis_url, shard=shard)
        found = asyncio.run(_retire(settings))
        say("the store waits for no ledger any more" if found else "the store was waiting for no ledger")


async def _retire(settings: LedgerSettings) -> bool:
    async with open_redis(settings.redis_url, "retire", settings.redis_credentials) as redis:
        try:
            return bool(await redis.delete(StreamKeys(settings.shard).ledger))
        except (*UNREACHABLE, RedisError) as error:
            raise ConfigurationError(f"the store does not do its work: {store_failure(error)}") from error
