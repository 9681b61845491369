"""The ledger's tables, for PostgreSQL and SQLite alike.

Integers throughout: times in µs since 1970 UTC, prices in ticks, quantities in lots, money in millionths of its
currency. Every record names the history that it belongs to and the position of its packet; `ordinal` counts the rows
of one table within one packet, from 0. Records are never changed and never deleted: triggers refuse it. What is
*current* state (`place`, `purse`, `holding`, `candle_1m`, `history`) is written anew in the same transaction.

Epochs are random numbers without an order, so the ledger numbers its histories itself, ascending.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

SCHEMA_VERSION: Final = 1
"""Its major number: a service of another one does not touch the tables."""

metadata: Final = MetaData()


def _integer(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


def _record(name: str, *columns: Any, key: tuple[str, ...] = ("history", "position", "ordinal")) -> Table:
    """Make a table of records: history and position first, then (if it is a part of the key) the ordinal."""
    beginning = [_integer(part) for part in ("history", "position", "ordinal") if part in key or part != "ordinal"]
    return Table(name, metadata, *beginning, *columns, PrimaryKeyConstraint(*key))


history: Final = Table(
    "history",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _integer("shard"),
    _integer("epoch"),
    Column("parent", BigInteger),  # number of the history that this one goes on from; NULL: none
    _integer("from_position"),  # its packets are above it
    _text("from_log_id"),
    Column("until_position", BigInteger),  # records above it are orphaned: a later history left here; NULL: none did
    _integer("began"),
)
"""One row an epoch. A record is *current* if `position <= until_position`, or nothing has left its history."""

place: Final = Table(
    "place",
    metadata,
    Column("shard", BigInteger, primary_key=True, autoincrement=False),
    _integer("history"),
    _integer("epoch"),
    _integer("term"),
    _integer("position"),
    _text("feed_id"),
    _text("log_id"),
    _integer("time"),  # of the last command written
    _integer("block"),  # number of the last block
    _bytes("chain"),  # its chain value
)
"""How far the ledger is. Nothing else has a position of its own."""

packet: Final = _record(
    "packet",
    _integer("prev"),
    _integer("term"),
    _text("log_id"),
    _integer("time"),
    _integer("published"),
    _integer("commands"),
    _bytes("sha256"),  # of the packet's bytes
    key=("history", "position", "term"),  # a new leader's marker repeats the position
)

block: Final = Table(
    "block",
    metadata,
    _integer("history"),
    _integer("first_position"),  # of the first command that is new; see `last_position`
    _integer("number"),  # 1, 2, 3, … over all histories
    _integer("last_position"),  # none is new: first_position - 1
    _integer("first_ms"),  # id of the first log entry in it, and of the last; all 0 if it has none
    _integer("first_n"),
    _integer("last_ms"),
    _integer("last_n"),
    _text("encoding"),  # "zlib1"
    _bytes("data"),  # the log's entries verbatim with their ids, see `services.ledger.command_block`
    # What proves it is `SealedBlock` of `services.ledger.proof`, by the same names:
    _integer("time"),  # of its last command
    _integer("leaves"),  # executions, then transfers, then refusals, each by (position, ordinal)
    _integer("executions"),
    _integer("transfers"),
    _text("salt_id"),  # which key made the salts of its leaves
    _bytes("pieces"),  # the nodes over each 16 leaves, one after the other; empty: no more than 16
    _bytes("root"),  # Merkle root of its leaves
    _bytes("data_sha256"),
    _bytes("packets_sha256"),  # SHA-256 of its packets' sha256, one after the other
    _bytes("chain"),
    _bytes("tree_nodes"),  # the nodes of the tree over all blocks that it completes
    _bytes("tree_root"),
    _text("key_id"),  # who signed the head after it; "": nobody
    _bytes("signature"),
    PrimaryKeyConstraint("history", "first_position", "number"),
)
Index("block_number", block.c.number)
"""What one transaction wrote: its commands verbatim, and what proves that they and the rows were not changed."""

execution: Final = _record(
    "execution",
    _text("user"),
    _integer("user_seq"),
    _text("event"),
    _integer("time"),
    _integer("order_id"),
    _text("client_order_id"),
    _text("instrument"),
    _text("side"),
    _text("kind"),
    _text("time_in_force"),
    _integer("price"),
    _integer("quantity"),
    _integer("remaining"),
    _integer("fill_price"),
    _integer("fill_quantity"),
    _integer("trade_id"),
    _text("liquidity"),
    _text("reason"),
    _integer("trigger"),
    _integer("expires_at"),
    _text("expires_on"),
    _integer("held_until"),
)
Index("execution_order", execution.c.history, execution.c.order_id)
EXECUTION_USER: Final = Index(
    "execution_of_user", execution.c.history, execution.c.user, execution.c.position, execution.c.ordinal
)
"""A user's page of executions is read from it in order, however many there are."""

trade: Final = _record(
    "trade",
    _text("instrument"),
    _integer("trade_id"),
    _integer("seq"),
    _integer("time"),
    _integer("price"),
    _integer("quantity"),
    _text("aggressor_side"),
    _integer("auction_id"),  # 0: continuous
    _text("buyer"),
    _text("seller"),
    _integer("buy_order_id"),
    _integer("sell_order_id"),
)
Index("trade_instrument", trade.c.history, trade.c.instrument, trade.c.trade_id)

transfer: Final = _record(
    "transfer",
    _integer("time"),
    _text("transfer_id"),
    _text("kind"),
    _text("asset"),
    _text("debit"),
    _text("credit"),
    _integer("amount"),  # lots, or millionths
    _integer("debit_user_seq"),
    _integer("credit_user_seq"),
    _integer("available_from"),
    _text("actor"),  # "": the exchange itself
    _text("confirmed_by"),
    _text("note"),
)

refusal: Final = _record(
    "refusal",
    _integer("time"),
    _text("user"),  # or actor
    _text("command"),  # name of the command's kind
    _text("instrument"),  # "": none, or several
    _text("code"),
    _text("text"),
    _text("rule_id"),  # also of discreet rules
    _text("request"),  # the command's fields, as JSON
)
Index("refusal_user", refusal.c.history, refusal.c.user, refusal.c.position)

admin_action: Final = _record(
    "admin_action",
    _integer("time"),
    _text("act"),  # propose, confirm, withdraw; "": a command that stood in the log without a proposal
    _text("actor"),
    _text("proposal_id"),
    _text("proposer"),
    _text("state"),  # of the proposal after it
    _text("code"),  # "": carried out
    _integer("number"),  # of the action within its proposal, from 0
    _text("action"),  # name of the command's kind
    _text("subject"),  # what it is about, such as "rule:Q4", "user:u-417", "instrument:ACME"
    _text("fields"),  # JSON
)

status_change: Final = _record(
    "status_change",
    _text("instrument"),
    _text("state"),
    _text("reason"),
    _integer("time"),
    _text("phase"),
    _integer("until"),
)

auction: Final = _record(
    "auction",
    _text("instrument"),
    _integer("auction_id"),
    _text("kind"),  # the phase that the call was
    _integer("time"),  # of its end
    _integer("price"),
    _integer("volume"),
    _integer("surplus"),
)
"""Calls that have ended."""

instrument: Final = _record("instrument", _text("symbol"), _text("definition"))  # JSON
terms: Final = _record("terms", _text("instrument"), _integer("time"), _text("fields"))  # JSON
rule: Final = _record("rule", _text("rule_id"), _text("kind"), _flag("discreet"), _text("fields"), _text("actor"))
clearance: Final = _record(
    "clearance", _text("clearance_id"), _text("user"), _text("instrument"), _text("side"), _integer("lots"),
    _integer("from_time"), _integer("until_time"), _text("actor"),
)  # fmt: skip
user_group: Final = _record("user_group", _text("user"), _text("groups"), _text("actor"))  # groups: JSON
"""A rule, clearance, membership, definition or terms holds from its position to that of the next row of the same."""

book_mark: Final = _record(
    "book_mark", _text("instrument"), _integer("seq"), _integer("digest"), key=("history", "position", "instrument")
)
"""The digest of each book that a packet changed, as published."""

mark: Final = Table(
    "mark",
    metadata,
    _integer("history"),
    _integer("position"),
    _text("log_id"),
    _integer("time"),
    _integer("engine_version"),
    _bytes("data"),  # a checkpoint of the store, verbatim
    _bytes("sha256"),
    PrimaryKeyConstraint("history", "position"),
)
"""The engine's whole state now and then: where the time machine begins."""

purse: Final = Table(
    "purse",
    metadata,
    _text("user"),
    _text("currency"),
    _integer("amount"),
    _integer("position"),
    PrimaryKeyConstraint("user", "currency"),
)
holding: Final = Table(
    "holding",
    metadata,
    _text("user"),
    _text("instrument"),
    _integer("lots"),
    _integer("cost"),  # millionths, of all lots
    _integer("result"),  # realised, millionths
    _integer("position"),
    PrimaryKeyConstraint("user", "instrument"),
)
"""Accounts as of the place. System accounts (`~bank`, `~issuer`) have rows too, and may be below 0."""

balance_eod: Final = _record(
    "balance_eod",
    _text("trading_day"),  # YYYY-MM-DD
    _text("user"),
    _text("asset"),
    _integer("amount"),
    _integer("cost"),
    _integer("result"),
    key=("history", "position", "trading_day", "user", "asset"),
)
BALANCE_USER: Final = Index(
    "balance_eod_of_user", balance_eod.c.user, balance_eod.c.asset, balance_eod.c.history, balance_eod.c.position
)
"""The same at each close of a day."""

candle_1m: Final = Table(
    "candle_1m",
    metadata,
    _text("instrument"),
    _integer("start"),  # µs, a whole minute
    _integer("open"),
    _integer("high"),
    _integer("low"),
    _integer("close"),
    _integer("volume"),
    _integer("trades"),
    _text("value"),  # sum of price x quantity in ticks x lots, in decimal: beyond 64 bits without accounts
    _integer("first_trade_id"),
    _integer("last_trade_id"),
    _flag("auction"),  # whether a call ended in it
    PrimaryKeyConstraint("instrument", "start"),
)

gap: Final = Table(
    "gap",
    metadata,
    _integer("history"),
    _integer("from_position"),  # missing: above it
    _integer("until_position"),  # up to it
    _text("why"),
    _integer("time"),
    Column("filled", Boolean(create_constraint=False), nullable=False),  # recomputed from commands since
    PrimaryKeyConstraint("history", "from_position"),
)

gap_account: Final = Table(
    "gap_account",
    metadata,
    _integer("history"),
    _integer("position"),  # where a gap ends
    _text("user"),
    _text("asset"),
    _integer("amount"),  # lots or millionths
    _integer("cost"),
    PrimaryKeyConstraint("history", "position", "user", "asset"),
)
"""Accounts as the store's checkpoint had them behind a gap: what is computed anew begins there."""

access: Final = Table(
    "access",
    metadata,
    Column("audit_id", Text, primary_key=True),  # id in the stream, whose milliseconds are the time
    _integer("time"),
    _text("where"),  # gateway, ledger
    _text("user"),  # as claimed; "": none
    _text("code"),
    _text("text"),
)
"""Refused logins and permissions. They are in no log of the market, and not deterministic."""

ledger_info: Final = Table(
    "ledger_info",
    metadata,
    Column("name", Text, primary_key=True),
    _text("value"),
)
"""`schema_version`, `shard`, `product`: whose tables these are."""

RECORDS: Final = (
    packet, block, execution, trade, transfer, refusal, admin_action, status_change, auction, instrument, terms, rule,
    clearance, user_group, book_mark, mark, balance_eod, access,
)  # fmt: skip
"""Tables whose rows are never changed and never deleted."""
PARTITIONED: Final = (execution, trade, packet, book_mark, refusal, block)
"""On PostgreSQL partitioned by (history, position); the block by its first position."""
STATE: Final = (history, place, purse, holding, candle_1m, gap, gap_account)
"""Tables that say how things are now."""

for _table in PARTITIONED:
    _first = "first_position" if _table is block else "position"
    _table.dialect_options["postgresql"]["partition_by"] = f"RANGE (history, {_first})"
for _table in RECORDS:
    if _table not in (block, mark, access):  # SQLite's own advice: not for rows of many KB
        _table.dialect_options["sqlite"]["with_rowid"] = False
