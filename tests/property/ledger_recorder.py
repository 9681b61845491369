"""A market whose leader is written down as the ledger does it, in a SQLite database of its own; and a witness."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from openoutcry.wire.account import tick_value
from services.ledger import schema
from services.ledger.asked_commands import AskedCommands
from services.ledger.balances import Balances, TradedTerms
from services.ledger.candles import Candles
from services.ledger.command_block import encode_entries, entry_place
from services.ledger.proof.block_chain import BlockChain, BlockSpan
from services.ledger.proof.leaf import BlockRows
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signing_keys import HeadSigner
from services.ledger.rows import Memory, Rows
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.logs.commands import Command, encode_commands
from shared.logs.engine_version import ENGINE_VERSION
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FeedId, Packet, decode_packet, encode_packet
from shared.logs.stream_keys import COMMANDS_FIELD

SALTS = SaltKeys([SaltKey(bytes(range(32)))])


class Seen(NamedTuple):
    """What a client saw of a book after a packet: it follows the changes, and knows no engine."""

    position: int
    time_us: int
    """Of the log's last entry in it."""
    seq: int
    digest: int
    bids: dict[int, int]
    asks: dict[int, int]


class LedgerRecorder:
    """
    One market and its record; `commit` writes what has come since the last one.

    Args:
        url: Of an empty database.
        epoch: Of its first history.
        signer: Signs the heads.
    """

    def __init__(self, url: str, epoch: int = 77, signer: HeadSigner | None = None) -> None:
        self.database = sa.create_engine(url)
        sa.event.listen(self.database, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
        schema.metadata.create_all(self.database)
        self.engine = Engine()
        self.engine.begin_epoch(epoch)
        self.term = 5
        self.history = 1
        self.seen: dict[str, list[Seen]] = {}
        self.chain = BlockChain("test", 0, SALTS, signer)
        self._builder = PacketBuilder(self.engine)
        self._memory = Memory()
        self._balances, self._candles = Balances({}, keeps_accounts=False), Candles()
        self._now: dict[str, dict[Any, Any]] = {"holding": {}, "purse": {}, "candle_1m": {}}
        self._written = 0
        self._entries: list[tuple[bytes, dict[bytes, bytes]]] = []
        self._of_packet = 0  # entries before those of the packet that is built
        facts = {"product": "test", "shard": "0", "schema_version": str(schema.SCHEMA_VERSION)}
        told = [{"name": name, "value": value} for name, value in facts.items()]
        self._state: dict[str, list[dict[str, Any]]] = {"ledger_info": told}
        self._rows = Rows(1, self._memory)
        self._begin_history(epoch, parent=None)
        self.lead(self.term)

    def lead(self, term: int) -> None:
        """Begin a term, as a leader does: marker and mark."""
        self.term = term
        self._take(self._builder.marker())
        self.mark()

    def begin_epoch(self, epoch: int, term: int) -> None:
        """Begin another history behind what was written."""
        self.commit()
        with self.database.begin() as connection:
            left = schema.history.update().where(schema.history.c.number == self.history)
            connection.execute(left.values(until_position=self.engine.position))
        self.engine.begin_epoch(epoch)
        self.history += 1
        self._rows = Rows(self.history, self._memory)
        self._begin_history(epoch, parent=self.history - 1)
        self.lead(term)

    def entry(self, commands: Sequence[Command], entry_id: str) -> None:
        """Apply one entry of the log."""
        self._entries.append((entry_id.encode(), {COMMANDS_FIELD: encode_commands(list(commands))}))
        time_us = int(entry_id.partition("-")[0]) * 1000
        for command in commands:
            self._builder.apply(command, time_us)
        self.engine.log_id = entry_id

    def packet(self) -> Packet | None:
        """End a packet."""
        packet = self._builder.take()
        if packet is not None:
            self._take(packet)
        return packet

    def mark(self) -> None:
        """Keep a checkpoint of the market; it stands between two packets."""
        engine = self.engine
        data = encode_checkpoint(Checkpoint(engine, self.term, "store"))
        rows = self._rows.by_table["mark"] = [row for row in self._rows.by_table["mark"] if row[1] != engine.position]
        rows.append((self.history, engine.position, engine.log_id, engine.time, ENGINE_VERSION, data,
                     hashlib.sha256(data).digest()))  # fmt: skip

    def commit(self) -> None:
        """Write what has come since, as one block."""
        engine, tables = self.engine, self._rows.by_table
        ids = [entry_place(entry_id) for entry_id, _ in self._entries] or [(0, 0)]
        data = encode_entries(self._entries)
        span = BlockSpan(self.history, engine.epoch, self._written + 1, engine.position, *ids[0], *ids[-1], engine.time)
        leaves = BlockRows(tables["execution"], tables["transfer"], tables["refusal"])
        sealed = self.chain.seal(span, data, [row[-1] for row in tables["packet"]], leaves)
        self.chain.committed(sealed)
        spanned = {name: value for name, value in span._asdict().items() if name != "epoch"}
        block = spanned | {"encoding": "zlib1", "data": data} | sealed._asdict()
        place = {"shard": 0, "history": self.history, "epoch": engine.epoch, "term": self.term, "block": sealed.number,
                 "position": engine.position, "log_id": engine.log_id, "time": engine.time, "chain": sealed.chain,
                 "feed_id": f"{self.term}-{engine.position}"}  # fmt: skip
        self._gather()
        with self.database.begin() as connection:
            connection.execute(schema.place.delete())
            for name, held in self._now.items():
                connection.execute(schema.metadata.tables[name].delete())
                if held:
                    rows = [row._asdict() for row in held.values()]
                    connection.execute(schema.metadata.tables[name].insert(), rows)
            self._state |= {"place": [place], "block": [block]}
            for name, rows in self._state.items():
                connection.execute(schema.metadata.tables[name].insert(), rows)
            for name, made in tables.items():
                table = schema.metadata.tables[name]
                if made:
                    names = table.columns.keys()
                    connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in made])
        self._written, self._entries, self._state, self._of_packet = engine.position, [], {}, 0
        self._rows = Rows(self.history, self._memory)

    def _gather(self) -> None:
        """Have the state of now follow from the rows, as the ledger does."""
        tables, balances, candles = self._rows.by_table, self._balances, self._candles
        executions, transfers, trades = tables["execution"], tables["transfer"], tables["trade"]
        balances.read(balances.unknown(executions, transfers), (), ())
        changed = balances.take(executions, transfers)
        for name, rows in zip(("holding", "purse"), changed, strict=True):
            self._now[name] |= {row[:2]: row for row in rows}
        candles.read(candles.unknown(trades), ())
        self._now["candle_1m"] |= {row[:2]: row for row in candles.take(trades)}

    def _begin_history(self, epoch: int, parent: int | None) -> None:
        engine = self.engine
        self._state.setdefault("history", []).append({
            "number": self.history, "shard": 0, "epoch": epoch, "parent": parent, "from_position": engine.position,
            "from_log_id": engine.log_id, "until_position": None, "began": 1,
        })  # fmt: skip

    def _take(self, packet: Packet) -> None:
        data = encode_packet(packet)
        entry = FeedEntry(FeedId(self.term, packet.position), decode_packet(data), data, 1)
        self._rows.add(entry, AskedCommands(self._entries[self._of_packet :]))
        self._of_packet = len(self._entries)
        for listed in packet.listings:
            self._balances.terms[listed.symbol] = TradedTerms(tick_value(listed), listed.currency)
        self._balances.keeps_accounts |= bool(packet.beginnings)
        for change in packet.changes:
            told = self.seen.setdefault(change.instrument, [])
            bids, asks = (dict(told[-1].bids), dict(told[-1].asks)) if told else ({}, {})
            for side, levels in ((bids, change.bids), (asks, change.asks)):
                for price, lots, _ in levels:
                    side[price] = lots
                    if not lots:
                        del side[price]
            time_us = int(packet.log_id.partition("-")[0]) * 1000
            told.append(Seen(packet.position, time_us, change.seq, change.digest, bids, asks))


def fresh_url(folder: Path) -> str:
    """Return the URL of a database that is not there yet."""
    path = folder / "ledger.sqlite"
    path.unlink(missing_ok=True)
    return f"sqlite:///{path}"
