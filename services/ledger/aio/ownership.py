"""Whose tables these are: the exchange's name and its shard, written once."""

from __future__ import annotations

from sqlalchemy import Connection, select

from services.ledger.aio.migration import WrongTables
from services.ledger.schema import ledger_info


def check_owner(connection: Connection, product: str, shard: int) -> None:
    """
    Write whose tables they are, if nobody has.

    Raises:
        WrongTables: If they are another's.
    """
    mine = {"product": product, "shard": str(shard)}
    with connection.begin():
        found = {row.name: row.value for row in connection.execute(select(ledger_info))}
        missing = [{"name": name, "value": value} for name, value in mine.items() if name not in found]
        if missing:
            connection.execute(ledger_info.insert(), missing)
    for name, value in mine.items():
        if found.get(name, value) != value:
            raise WrongTables(f"the place belongs to {name} {found[name]}, this ledger is of {name} {value}")
