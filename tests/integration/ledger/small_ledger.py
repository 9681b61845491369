"""A ledger without processes: both logs as lists, a database of either kind, and a writer that may be made to fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.engine import URL

from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_writer import AWAY, LedgerWriter
from services.ledger.aio.migration import migrate
from services.ledger.aio.proof_store import load_chain
from services.ledger.aio.recorder import Recorder
from services.ledger.command_block import StoredEntry, entry_place
from services.ledger.draft import CommandsMissing
from services.ledger.proof.block_chain import BlockChain
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.schema import block, metadata
from shared.logs.feed_entry import decode_feed_entry
from shared.logs.packet import FeedId
from tests.integration.ledger.faulty_driver import Faults, postgres_connector, sqlite_connector

SALTS = SaltKeys([SaltKey(bytes(32))])
BATCHED = {"block", "place"}
"""Tables that tell where transactions ended."""


class SmallLedger:
    """One database."""

    def __init__(self, url: str, *, makes_tables: bool = True) -> None:
        self.url: URL = database_url(url)
        if makes_tables:
            migrate(self.url)

    def connector(self, faults: Faults) -> Callable[[], Any]:
        if self.url.get_backend_name() == "sqlite":
            return sqlite_connector(str(self.url.database), faults)
        return postgres_connector(self.url.set(drivername="postgresql").render_as_string(hide_password=False), faults)

    def record(self, feed: Sequence[StoredEntry], log: Sequence[StoredEntry], faults: Faults | None = None) -> bool:
        """Have a new writer go on to the feed's end; False if the database failed it."""
        faults = faults or Faults()
        engine = open_engine(self.url, writes=True, connect=self.connector(faults))
        connection: Connection | None = None
        try:
            connection = engine.connect()
            writer = LedgerWriter(connection, 0, chain)
            recorder = Recorder(writer)
            while True:
                place = writer.place
                after = FeedId.parse(place.feed_id) if place else FeedId(0, 0)
                entries = [decode_feed_entry("feed", *stored) for stored in feed if FeedId.parse(stored[0]) > after]
                behind = entry_place((place.log_id if place else "0-0").encode())
                try:
                    recorder.record(entries, deque(each for each in log if entry_place(each[0]) > behind))
                except CommandsMissing:
                    if writer.place == place:
                        raise
                    continue
                return True
        except AWAY:
            assert faults.struck
            return False
        finally:
            if connection is not None:
                connection.invalidate() if faults.struck else connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Return a connection that reads."""
        engine = open_engine(self.url, writes=False)
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, but for how it was cut into transactions."""
        with self.reading() as connection:
            return {
                name: sorted(map(tuple, connection.execute(select(table))), key=repr)
                for name, table in metadata.tables.items()
                if name not in BATCHED
            }

    def entries(self) -> Iterable[bytes]:
        """Return the compressed entries of all blocks, in order."""
        with self.reading() as connection:
            return list(connection.execute(select(block.c.data).order_by(block.c.number)).scalars())


def chain(connection: Connection) -> BlockChain:
    return BlockChain("test", 0, SALTS, None, load_chain(connection, "test", 0))


def sqlite_ledger(folder: Path, name: str) -> SmallLedger:
    return SmallLedger(f"sqlite:///{folder}/{name}.db")
