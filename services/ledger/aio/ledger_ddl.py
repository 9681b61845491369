# ruff: noqa: S608 - all names are our own tables'
"""What the database has beside the tables: triggers that keep records as they are, views, partitions, roles.

Owns the statements, for both databases. They are carried out by a migration, as the tables' owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Table, text

from services.ledger.schema import PARTITIONED, RECORDS, STATE, ledger_info

PARTITION_POSITIONS: Final = 10_000_000
"""Positions of one partition."""
PARTITIONS_AHEAD: Final = 2
"""Partitions that are there beyond the one that is written."""
MAKE_PARTITIONS: Final = "ledger_make_partitions"
WRITER, READER = "ledger_writer", "ledger_reader"
_REFUSE: Final = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a record of the ledger is never changed: % of %', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_PARTITION_FUNCTION: Final = f"""
CREATE FUNCTION {MAKE_PARTITIONS}(wanted_history bigint, wanted_position bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  parent text; piece bigint; name text; made integer := 0;
BEGIN
  FOREACH parent IN ARRAY ARRAY[{", ".join(f"'{table.name}'" for table in PARTITIONED)}] LOOP
    FOR piece IN wanted_position / {PARTITION_POSITIONS} .. wanted_position / {PARTITION_POSITIONS} + {PARTITIONS_AHEAD}
    LOOP
      name := format('%s_h%s_p%s', parent, wanted_history, piece);
      IF to_regclass(name) IS NULL THEN
        EXECUTE format(
          'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s, %s) TO (%s, %s)', name, parent,
          wanted_history, piece * {PARTITION_POSITIONS}, wanted_history, (piece + 1) * {PARTITION_POSITIONS});
        EXECUTE format(
          'CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()', name);
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$
"""
_IN_LINEAGE: Final = "(h.until_position IS NULL OR r.position <= h.until_position)"
CURRENT_OF: Final = tuple(
    table for table in RECORDS if "history" in table.c and "position" in table.c and table.name != "mark"
)
"""Tables that have a view `current_…`: their records that no later history has left."""
_ORDERS: Final = """
CREATE VIEW orders AS
SELECT first.order_id, first."user", first.client_order_id, first.instrument, first.side, first.kind,
  first.time_in_force, first.history AS accepted_history, first.position AS accepted_position,
  first.time AS accepted_time, last.history, last.position, last.ordinal, last.time, last.event, last.reason,
  last.price, last.quantity, last.remaining, last.trigger, last.expires_at, last.expires_on
FROM current_execution first
JOIN current_execution last ON last.order_id = first.order_id
WHERE first.event = 'accepted' AND NOT EXISTS (
  SELECT 1 FROM current_execution later WHERE later.order_id = first.order_id
  AND (later.history, later.position, later.ordinal) > (last.history, last.position, last.ordinal))
"""
_POSTING: Final = """
CREATE VIEW posting AS
SELECT history, position, ordinal, 'transfer' AS source, kind, transfer_id AS reference, asset, debit, credit, amount,
  0 AS price FROM current_transfer
UNION ALL
SELECT history, position, ordinal, 'trade', 'lots', instrument || ':' || trade_id, instrument, seller, buyer, quantity,
  0 FROM current_trade
UNION ALL
SELECT history, position, ordinal, 'trade', 'money', instrument || ':' || trade_id, instrument, buyer, seller, quantity,
  price FROM current_trade
"""
"""Double entry: each row takes from `debit` what it gives to `credit`: `amount` lots or millionths, and for a trade's
money `amount` lots at `price` ticks. No product is made in SQL: beyond 2^63 SQLite would make it floating point."""


def make_rest(connection: Connection) -> None:
    """Make what belongs to new tables: triggers, views, partitions of the first history, rights."""
    is_postgres = connection.dialect.name == "postgresql"
    for statement in (*(_of_postgres() if is_postgres else _of_sqlite()), *_views()):
        # psycopg reads % as the mark of a parameter, also where there are none.
        connection.exec_driver_sql(statement.replace("%", "%%") if is_postgres else statement)
    if is_postgres:
        make_partitions(connection, 1, 0)


def grant_rights(connection: Connection) -> tuple[str, ...]:
    """Give the two roles of PostgreSQL their rights; returns those that are missing. Once more changes nothing."""
    if connection.dialect.name != "postgresql":
        return ()
    found = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    for role, statements in ((WRITER, _writer_rights()), (READER, _reader_rights())):
        for statement in statements if role in found else ():
            connection.exec_driver_sql(statement)
    return tuple(role for role in (WRITER, READER) if role not in found)


def make_partitions(connection: Connection, history: int, position: int) -> None:
    """Make the partitions that a place needs, and some ahead; nothing where there are none. O(tables)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT {MAKE_PARTITIONS}(:h, :p)"), {"h": history, "p": max(position, 0)})


def _views() -> Iterator[str]:
    for table in CURRENT_OF:
        yield (
            f"CREATE VIEW current_{table.name} AS SELECT r.* FROM {table.name} r "
            f"JOIN history h ON h.number = r.history WHERE {_IN_LINEAGE}"
        )
    yield _ORDERS
    yield _POSTING


def _of_sqlite() -> Iterator[str]:
    for table in RECORDS:
        name = table.name
        said = f"RAISE(ABORT, 'a record of the ledger is never changed: {name}')"
        yield f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} BEGIN SELECT {said}; END"
        yield f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} BEGIN SELECT {said}; END"
        # INSERT OR REPLACE runs the trigger of DELETE only where `recursive_triggers` is on.
        key = " AND ".join(f'"{column.name}" = NEW."{column.name}"' for column in table.primary_key)
        yield (
            f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} "
            f"WHEN EXISTS (SELECT 1 FROM {name} WHERE {key}) BEGIN SELECT {said}; END"
        )


def _of_postgres() -> Iterator[str]:
    yield _REFUSE
    for table in RECORDS:
        name = table.name
        yield (f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION ledger_refuse()")
        yield (f"CREATE TRIGGER keep_all BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()")
    yield _PARTITION_FUNCTION


def _writer_rights() -> Iterator[str]:
    for table in (*RECORDS, ledger_info):
        yield f"GRANT SELECT, INSERT ON {table.name} TO {WRITER}"
    for table in STATE:
        yield f"GRANT SELECT, INSERT, UPDATE{_delete(table)} ON {table.name} TO {WRITER}"
    yield f"GRANT SELECT ON {', '.join(f'current_{table.name}' for table in CURRENT_OF)}, orders, posting TO {WRITER}"
    yield f"REVOKE ALL ON FUNCTION {MAKE_PARTITIONS}(bigint, bigint) FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION {MAKE_PARTITIONS}(bigint, bigint) TO {WRITER}"
    yield f"GRANT SELECT ON ledger_migration TO {WRITER}"


def _delete(table: Table) -> str:
    """What is computed from records may be computed anew, where a history has been left."""
    return ", DELETE" if table.name in ("purse", "holding", "candle_1m") else ""


def _reader_rights() -> Iterator[str]:
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"
