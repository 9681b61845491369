"""Exports: read again by others' readers, they are the rows."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from services.ledger.aio.api import make_app
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.queries.export_query import EXPORTS
from services.ledger.queries.iso_time import read_time
from services.ledger.queries.member import Kind
from tests.asgi_client import AsgiClient, authenticator
from tests.integration.ledger.conftest import MarketHouse
from tests.ledger_market import ANN, BOB, DAY

SPAN = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}


def parameters(name: str, **more: Any) -> dict[str, Any]:
    return more if name == "positions" else {"day": DAY, **more}


@pytest.mark.parametrize("role", ["trader", "auditor"])
@pytest.mark.parametrize("name", EXPORTS)
def test_csv_read_again_is_the_rows(day: MarketHouse, name: str, role: str) -> None:
    client = day.client(ANN, role)
    answer = client.get(f"export/{name}", **parameters(name))
    page = client.get(name)
    assert answer.status == page.status
    if page.status != 200:
        return
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    read = list(csv.DictReader(io.StringIO(answer.body.decode(), newline=""), strict=True))
    rows = page.json["rows"]
    assert len(rows) > 0
    assert [list(row) for row in read] == [list(row) for row in rows]
    for row, own in zip(read, rows, strict=True):
        assert {name: plain(text) for name, text in row.items()} == {name: told(value) for name, value in own.items()}


def plain(text: str) -> str:
    return text.removeprefix("'")


def told(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def test_what_a_user_chose_is_no_formula(day: MarketHouse) -> None:
    """Ann named an order =1+1; the office's note begins with @. Numbers below 0 stay numbers."""
    own = day.client(ANN).get("export/executions", day=DAY).body.decode()
    assert ",'=1+1," in own
    assert ",=1+1," not in own
    assert ',"\'@home, -1"' in day.client("eve", "auditor").get("export/transfers", day=DAY).body.decode()
    assert ",-0.250000," in day.client(ANN).get("export/transfers", day=DAY).body.decode()


@pytest.mark.parametrize("name", EXPORTS)
def test_parquet_read_again_is_the_rows(day: MarketHouse, name: str) -> None:
    client = day.client("eve", "auditor")
    answer = client.get(f"export/{name}", format="parquet", **parameters(name))
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    table = pq.read_table(io.BytesIO(answer.body))
    assert table.schema.metadata[b"openoutcry.schema_version"] == b"1"
    rows = client.get(name).json["rows"]
    assert len(rows) == table.num_rows > 0
    for own, read in zip(rows, table.to_pylist(), strict=True):
        for member in EXPORTS[name].query.shape:
            assert parquet_told(member.kind, member.name, read) == page_told(member.kind, member.name, own), member


def parquet_told(kind: Kind, name: str, row: dict[str, Any]) -> Any:
    value = row[name]
    if kind is Kind.TIME:
        return None if value is None else int(value.timestamp() * 1e6)
    if kind in (Kind.MONEY, Kind.AMOUNT):
        return row[f"{name}_decimal"]
    if kind in (Kind.PRICE, Kind.QUANTITY):
        return value, row[f"{name}_decimal"]
    return json.loads(value) if kind is Kind.OBJECT else value


def page_told(kind: Kind, name: str, row: dict[str, Any]) -> Any:
    value = row[name]
    if kind is Kind.TIME:
        return None if value is None else read_time(value)
    if kind in (Kind.MONEY, Kind.AMOUNT):
        return None if value is None else Decimal(value)
    if kind in (Kind.PRICE, Kind.QUANTITY):
        text = row[f"{name}_text"]
        return value, None if text is None else Decimal(text)
    return value


def test_many_rows_are_sent_in_parts_and_are_all_there(house: MarketHouse) -> None:
    house.market.begin()
    for number in range(2_500):
        house.market.trade(number + 1, 1)
        if number % 100 == 0:
            house.market.packet()
    house.market.packet()
    house.market.write()
    client = house.client(ANN)
    read = list(csv.DictReader(io.StringIO(client.get("export/trades", day=DAY).body.decode())))
    assert [int(row["trade_id"]) for row in read] == list(range(1, 2_501))
    table = pq.read_table(io.BytesIO(client.get("export/trades", day=DAY, format="parquet").body))
    assert table["price"].to_pylist() == list(range(1, 2_501))


def test_so_many_exports_at_once_and_no_more(day: MarketHouse) -> None:
    client = AsgiClient(make_app(day.engine, authenticator(), settings=ApiSettings(exports_max=0)), ANN)
    answer = client.get("export/trades", **SPAN)
    assert (answer.status, answer.json["code"]) == (503, "busy")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_refused_export_gives_its_place_back(day: MarketHouse) -> None:
    client = AsgiClient(make_app(day.engine, authenticator(), settings=ApiSettings(exports_max=1)), ANN)
    for _ in range(3):
        assert client.get("export/trades", instrument="NONE", **SPAN).status == 404
        assert client.get("export/trades", **SPAN).status == 200


def test_whoever_leaves_ends_the_export(house: MarketHouse) -> None:
    """Its place is free again, and its connection to the database."""
    house.market.begin()
    for number in range(3_000):
        house.market.trade(number + 1, 1)
    house.market.packet()
    house.market.write()
    app = make_app(house.engine, authenticator(), settings=ApiSettings(exports_max=1))
    sent: list[Any] = []

    async def leave() -> None:
        client = AsgiClient(app, ANN)

        async def receive() -> Any:
            await asyncio.sleep(0)
            return {"type": "http.disconnect"} if sent else {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)
            await asyncio.sleep(0.05)

        await app(client.scope("/v1/export/trades", f"day={DAY}".encode()), receive, send)

    asyncio.run(leave())
    assert sent[0]["status"] == 200
    assert sent[-1].get("more_body", True), "it was not told as whole"
    assert AsgiClient(app, BOB).get("export/trades", day=DAY).status == 200


def test_without_pyarrow_parquet_is_501(day: MarketHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    answer = day.client().get("export/trades", format="parquet", **SPAN)
    assert (answer.status, answer.json["code"], answer.json["field"]) == (501, "not_implemented", "format")
