"""Who asks, and the one function that turns that into a WHERE.

Every statement of every query takes its rows through `visible`, even where the path is refused before to whoever may
not see any. A table that is not named here is seen by nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, false, or_, true

from services.ledger import schema
from shared.entitlement import Entitlement, covers
from shared.identity import Identity

READERS_OF_ALL: Final = frozenset(("auditor", "compliance"))
"""Roles that see everybody's rows."""
ENGINE_READERS: Final = frozenset(("auditor", "admin"))
"""Roles that see books of the past."""


class Viewer(NamedTuple):
    """Who asks."""

    user: str
    sees_all: bool
    """Whether it sees everybody's rows."""
    instruments: frozenset[str] | None
    """Those that it is entitled to; None: all."""
    listed: frozenset[str]
    """All that are listed: what else an asset is, is money."""


class _Rule(NamedTuple):
    owners: tuple[str, ...] = ()
    """Columns that name whose the row is."""
    instrument: str = ""
    """The column that names the instrument; "" if there is none."""
    is_asset: bool = False
    """Whether that column may name a currency too."""
    is_public: bool = False


_PUBLIC: Final = _Rule(instrument="instrument", is_public=True)
_RULES: Final[dict[str, _Rule]] = {
    schema.trade.name: _PUBLIC,
    schema.candle_1m.name: _PUBLIC,
    schema.instrument.name: _Rule(instrument="symbol", is_public=True),
    schema.terms.name: _PUBLIC,
    schema.status_change.name: _PUBLIC,
    schema.auction.name: _PUBLIC,
    schema.execution.name: _Rule(("user",), "instrument"),
    schema.transfer.name: _Rule(("debit", "credit"), "asset", is_asset=True),
    schema.holding.name: _Rule(("user",), "instrument"),
    schema.purse.name: _Rule(("user",)),
    schema.balance_eod.name: _Rule(("user",), "asset", is_asset=True),
    schema.refusal.name: _Rule(instrument="instrument", is_asset=True),
    schema.admin_action.name: _Rule(),
    schema.rule.name: _Rule(),
    schema.clearance.name: _Rule(instrument="instrument"),
    schema.user_group.name: _Rule(),
    schema.access.name: _Rule(),
}


def viewer_of(identity: Identity, listed: Collection[str]) -> Viewer:
    """Return who asks, by its token's roles and entitlement."""
    return Viewer(
        identity.user,
        not identity.roles.isdisjoint(READERS_OF_ALL),
        entitled(identity.instruments, listed),
        frozenset(listed),
    )


def entitled(entitlement: Entitlement, listed: Collection[str]) -> frozenset[str] | None:
    """Return the listed instruments that an entitlement covers; None: all."""
    return frozenset(symbol for symbol in listed if covers(entitlement, symbol)) if entitlement else None


def visible(table: Table, viewer: Viewer, columns: Any = None) -> ColumnElement[bool]:
    """
    Return the WHERE of the rows that somebody may see.

    What is public is seen by all who are entitled to the instrument. What is somebody's is seen by its owner, whatever
    the instrument. Everybody's rows, and those that are nobody's, are seen by auditors and compliance, of the
    instruments that they are entitled to.

    Args:
        table: Whose rows.
        viewer: Who asks.
        columns: Of an alias of it; None: the table's own.
    """
    columns = table.c if columns is None else columns
    rule = _RULES.get(table.name)
    if rule is None:
        return false()
    of_instrument = _of_instruments(rule, viewer, columns)
    if rule.is_public:
        return of_instrument
    own = or_(false(), *(columns[owner] == viewer.user for owner in rule.owners))
    return or_(own, of_instrument) if viewer.sees_all else own


def _of_instruments(rule: _Rule, viewer: Viewer, columns: Any) -> ColumnElement[bool]:
    if viewer.instruments is None or not rule.instrument:
        return true()
    column = columns[rule.instrument]
    entitled_to = column.in_(sorted(viewer.instruments))
    return or_(entitled_to, column.not_in(sorted(viewer.listed))) if rule.is_asset else entitled_to
