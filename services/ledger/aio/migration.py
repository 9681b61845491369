"""Bringing the ledger's tables to this release: `outcry ledger migrate`, never the service.

Owns the comparison of what is there with what this release needs, and that nothing of others is touched. PostgreSQL
takes a migration whole or not at all; of an SQLite file a copy stands beside it until the migration is done.
"""

from __future__ import annotations

import contextlib
import enum
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.engine import URL

from openoutcry.wire.errors import ConfigurationError, OpenOutcryError
from services.ledger.aio.database import database_file, open_engine
from services.ledger.aio.ledger_ddl import grant_rights
from services.ledger.schema import SCHEMA_VERSION, ledger_info, metadata

VERSION_TABLE: Final = "ledger_migration"
_SCRIPTS: Final = Path(__file__).parent / "migrations"


class WrongTables(OpenOutcryError):
    """The database's tables are not this release's, or not this market's; the text says what to do."""


class Tables(enum.Enum):
    """What a database holds."""

    NONE = "none"
    """No table of the ledger."""
    OLDER = "older"
    """Those of an earlier release."""
    OURS = "ours"
    """Those of this release."""
    LATER = "later"
    """Those of a later release that are still of our major version, so that the service runs on them."""


class Migrated(NamedTuple):
    """What a migration did."""

    before: str
    """The revision; "": none."""
    after: str
    roles_missing: tuple[str, ...] = ()
    """Roles of PostgreSQL that rights would have been given to."""


def newest_revision() -> str:
    """Return the revision that this release needs."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def look(connection: Connection) -> Tables:
    """
    Say what a database holds.

    Raises:
        WrongTables: If a table of another's has the name of one of ours, or the tables are of another major version.
    """
    names = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in names:
        foreign = sorted(names & set(metadata.tables))
        if foreign:
            raise WrongTables(f"table {foreign[0]} is there and is not the ledger's: give the ledger its own database")
        return Tables.NONE
    revision = _revision(connection)
    version = connection.execute(select(ledger_info.c.value).where(ledger_info.c.name == "schema_version")).scalar()
    if version != str(SCHEMA_VERSION):
        raise WrongTables(
            f"the tables are of version {version}, this release knows {SCHEMA_VERSION}: use the release that fits"
        )
    if revision == newest_revision():
        return Tables.OURS
    return Tables.LATER if revision > newest_revision() else Tables.OLDER


def migrate(url: URL) -> Migrated:
    """
    Make or complete the tables.

    Raises:
        ConfigurationError: If there is something else where the file of SQLite should be.
        WrongTables: See `look`.
        SQLAlchemyError: If the database could not be reached, or refused.
        OSError: If there is no room for the copy.
    """
    file = database_file(url)
    if file is not None and file.exists() and not file.is_file():
        raise ConfigurationError(f"the ledger's database must be a file, and {file} is none")
    engine = open_engine(url, writes=True)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_lock(8217)"))
            connection.commit()
        found = look(connection)
        before = "" if found is Tables.NONE else _revision(connection)
        connection.commit()
        if found in (Tables.NONE, Tables.OLDER):
            with _copy_beside(file if found is Tables.OLDER else None), connection.begin():
                command.upgrade(_config(connection), "head")
        with connection.begin():
            return Migrated(before, newest_revision(), grant_rights(connection))


def is_empty(engine: Engine) -> bool:
    """Tell whether a database has no table at all."""
    with engine.connect() as connection, connection.begin():
        return not inspect(connection).get_table_names()


def check_tables(connection: Connection, url_shown: str) -> None:
    """
    See that the service can write.

    Raises:
        WrongTables: If not; the text names the command to run.
    """
    with connection.begin():
        found = look(connection)
    if found in (Tables.NONE, Tables.OLDER):
        what = "has no tables of the ledger" if found is Tables.NONE else "has tables of an earlier release"
        raise WrongTables(f"{url_shown} {what}: run `outcry ledger migrate --database {url_shown}`")


def _revision(connection: Connection) -> str:
    return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() or "")  # noqa: S608 - our own table


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _copy_beside(file: Path | None) -> Iterator[None]:
    """Keep a copy of an SQLite database until what is done to it has been done, with what stands in its log alone."""
    if file is None:
        yield
        return
    copy = file.with_name(file.name + ".before-migration")
    copy.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    yield
    copy.unlink()
