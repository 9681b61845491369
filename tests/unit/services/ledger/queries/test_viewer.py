"""Who sees what: each table has its rule, and what has none is seen by nobody."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, insert, select

from services.ledger import schema
from services.ledger.queries.viewer import Viewer, entitled, viewer_of, visible
from shared.identity import Identity

LISTED = ("ACME", "IDEA-1")
PLAIN = Viewer("ann", sees_all=False, instruments=None, listed=frozenset(LISTED))
AUDITOR = PLAIN._replace(user="eve", sees_all=True)
OWNED = (schema.execution, schema.transfer, schema.holding, schema.purse, schema.balance_eod)
OFFICE = (schema.refusal, schema.admin_action, schema.rule, schema.clearance, schema.user_group, schema.access)
PUBLIC = (schema.trade, schema.candle_1m, schema.instrument, schema.terms, schema.status_change, schema.auction)


def where(table: object, viewer: Viewer) -> str:
    return str(select(1).where(visible(table, viewer)).compile(compile_kwargs={"literal_binds": True}))  # type: ignore[arg-type]


@pytest.mark.parametrize("table", schema.metadata.tables.values(), ids=lambda table: table.name)
def test_every_table_has_a_rule_or_is_seen_by_nobody(table: object) -> None:
    if table in PUBLIC:
        assert "WHERE" not in where(table, PLAIN) or where(table, PLAIN).endswith("WHERE true")
    elif table in OWNED:
        assert "'ann'" in where(table, PLAIN)
    else:
        assert "false" in where(table, PLAIN) or "0 = 1" in where(table, PLAIN)
    if table not in (*PUBLIC, *OWNED, *OFFICE):
        assert "false" in where(table, AUDITOR) or "0 = 1" in where(table, AUDITOR)


def test_roles_and_entitlements_make_the_viewer() -> None:
    identity = Identity("ann", frozenset({"compliance", "trader"}), instruments=("IDEA-*",))
    assert viewer_of(identity, LISTED) == Viewer("ann", True, frozenset({"IDEA-1"}), frozenset(LISTED))
    for roles in ((), ("trader",), ("admin",), ("market_maker",), ("auditors",)):
        assert not viewer_of(Identity("ann", frozenset(roles)), LISTED).sees_all
    assert entitled((), LISTED) is None
    assert entitled(("",), LISTED) == frozenset()


def test_an_auditor_of_one_instrument_sees_its_rows_and_money() -> None:
    """An asset that is not listed is money; of instruments those that it is entitled to."""
    engine = create_engine("sqlite://")
    schema.metadata.create_all(engine)
    texts = ("transfer_id", "kind", "credit", "actor", "confirmed_by", "note")
    row = dict.fromkeys((column.name for column in schema.transfer.c), 0) | dict.fromkeys(texts, "") | {"debit": "bob"}
    rows = [row | {"ordinal": number, "asset": asset} for number, asset in enumerate(("ACME", "IDEA-1", "USD"))]
    viewer = AUDITOR._replace(instruments=frozenset({"IDEA-1"}))
    with engine.begin() as connection:
        connection.execute(insert(schema.transfer), rows)
        assets = connection.execute(select(schema.transfer.c.asset).where(visible(schema.transfer, viewer))).scalars()
        assert sorted(assets) == ["IDEA-1", "USD"]
    engine.dispose()
