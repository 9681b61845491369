"""The interface over a day that the ledger's own writer has written: what it answers is what the engine did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from sqlalchemy import Engine

from openoutcry.wire.account import amount_text, millionths
from services.ledger.aio.api import make_app
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.queries.candle_query import WIDTHS
from services.ledger.queries.iso_time import read_time
from services.ledger.queries.path_document import PATHS
from shared.token_bucket import Rate
from tests.asgi_client import AsgiClient, authenticator
from tests.integration.ledger.recorded_day import USERS, RecordedDay, recorded_in, whole_day
from tests.property.test_candles_by_width import naive
from tools.reference.queries.path_table import openapi

SPAN = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00Z"}


class Recorded:
    def __init__(self, engine: Engine, day: RecordedDay) -> None:
        settings = ApiSettings(stale_s=float("inf"), requests=Rate(10_000, 10_000), searched_from=0)
        self.app = make_app(engine, authenticator(), settings=settings)
        self.day = day

    def rows(self, path: str, user: str = "eve", **query: Any) -> list[dict[str, Any]]:
        client = AsgiClient(self.app, user, ("auditor",) if user == "eve" else ())
        answer = client.get(path, **query)
        assert answer.status == 200, answer.body
        return answer.json["rows"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('recorded') / 'ledger.db'}"
    else:
        url = request.getfixturevalue("postgres").make_database("api_recorded")
    day = whole_day()
    recorded_in(url, day)
    engine = open_engine(database_url(url), writes=False)
    yield Recorded(engine, day)
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop_database("api_recorded")


def test_open_orders_are_the_engines(recorded: Recorded) -> None:
    accounts = recorded.day.engine.accounts
    for user in USERS:
        found = {row["order_id"]: row["remaining"] for row in recorded.rows("orders", user, state="open", limit=1_000)}
        orders = accounts[user].orders.values()
        assert found == {order.order_id: order.remaining for order in orders}


def test_every_order_adds_up(recorded: Recorded) -> None:
    """What was filled is what its executions say; what has ended has nothing left."""
    executions = recorded.rows("executions", limit=1_000)
    orders = recorded.rows("orders", limit=1_000)
    assert {row["state"] for row in orders} >= {"filled", "cancelled", "expired"}
    for order in orders:
        own = [row for row in executions if row["order_id"] == order["order_id"]]
        assert order["filled"] == sum(row["fill_quantity"] for row in own)
        assert (order["remaining"] == 0) == (order["state"] != "open")
        assert (order["updated"], order["price"]) == (own[-1]["time"], own[-1]["price"])
        assert recorded.rows("orders", order["user"], state=order["state"], limit=1_000).count(order) == 1


def test_positions_are_the_engines(recorded: Recorded) -> None:
    found = {(row["user"], row["asset"]): row for row in recorded.rows("positions")}
    prices = {row["instrument"]: row["price"] for row in recorded.rows("trades", limit=1_000)}
    for user in USERS:
        account = recorded.day.engine.accounts[user]
        for currency, purse in account.purses.items():
            assert found[user, currency]["amount"] == amount_text(purse.amount)
        for symbol, holding in account.holdings.items():
            if not holding.lots:
                continue
            row = found[user, symbol]
            assert (row["amount"], row["cost"]) == (str(holding.lots), amount_text(holding.cost))
            worth = holding.lots * prices[symbol] * 10_000
            assert millionths(row["unrealised"]) == worth - holding.cost
    assert {row["unrealised"] for row in found.values() if row["user"].startswith("~")} == {None}


def test_positions_of_a_day_are_those_of_its_last_close(recorded: Recorded) -> None:
    rows = recorded.rows("positions", day="2026-11-20")
    assert len({(row["user"], row["asset"]) for row in rows}) == len(rows) > 0


@pytest.mark.parametrize("width", WIDTHS)
def test_candles_are_those_of_the_trades(recorded: Recorded, width: str) -> None:
    trades = [
        {**row, "time": read_time(row["time"])} for row in recorded.rows("trades", instrument="ACME", limit=1_000)
    ]
    found = []
    for start, end in (("08:59", "10:00"), ("10:00", "10:20")) if WIDTHS[width] < 60_000_000 else ():
        hours = {"from": f"2026-11-20T{start}:00Z", "to": f"2026-11-20T{end}:00Z"}
        found += recorded.rows("candles", instrument="ACME", width=width, **hours)
    found = found or recorded.rows("candles", instrument="ACME", width=width, **SPAN)
    expected = naive(trades, WIDTHS[width])
    assert len(expected) > 0
    assert [read_time(row["start"]) for row in found] == [bar.start for bar in expected]
    for row, bar in zip(found, expected, strict=True):
        told = bar._asdict() | {"start": row["start"], "value": amount_text(bar.value * 10_000)}
        assert {name: row[name] for name in told} == told


def test_answers_are_as_the_document_says(recorded: Recorded) -> None:
    made = json.loads(json.dumps(openapi()))
    client = AsgiClient(recorded.app, "eve", ("auditor",))
    needed = {"candles": {"instrument": "ACME", "width": "1m", **SPAN}}
    for path in PATHS:
        if path.startswith(("export/", "books/")):
            continue
        asked = path.replace("{order_id}", "1").replace("{symbol}", "ACME")
        schema = made["paths"][f"/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = client.get(asked, **needed.get(path, {}))
        assert answer.status == 200, (path, answer.body)
        jsonschema.validate(answer.json, schema | {"components": made["components"]})


def test_a_user_sees_no_others_rows_in_a_whole_day(recorded: Recorded) -> None:
    for path in ("orders", "executions", "transfers", "positions"):
        for user in USERS:
            text = json.dumps(recorded.rows(path, user, limit=1_000))
            others = set(USERS) - {user}
            assert not [other for other in others if f'"{other}' in text], (path, user)
    assert not [user for user in USERS if f'"{user}' in json.dumps(recorded.rows("trades", "ann", limit=1_000))]
