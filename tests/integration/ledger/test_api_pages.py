"""Pages: each row once, whatever arrives meanwhile; gaps and forks are told."""

from __future__ import annotations

from typing import Any

import pytest

from services.ledger import schema
from tests.asgi_client import AsgiClient
from tests.integration.ledger.conftest import MarketHouse
from tests.ledger_market import ANN, EPOCH, T0

PAGED = ["trades", "executions", "orders", "access", "transfers"]


def pages(client: AsgiClient, path: str, limit: int, **query: Any) -> list[list[dict[str, Any]]]:
    found, more = [], {}
    while True:
        body = client.get(path, limit=limit, **query, **more).json
        found.append(body["rows"])
        if body["next"] is None:
            return found
        more = {"cursor": body["next"]}


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["audit_id"],) if "audit_id" in row else (row["history"], row["position"], row["ordinal"])


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_any_size_are_the_same_rows(day: MarketHouse, path: str, order: str) -> None:
    client = day.client("eve", "auditor")
    [whole] = pages(client, path, 1_000, order=order)
    assert len(whole) > 1
    for limit in (1, 2, 3):
        cut = pages(client, path, limit, order=order)
        assert [row for page in cut for row in page] == whole
        assert {len(page) for page in cut[:-1]} <= {limit}
    [other] = pages(client, path, 1_000, order="asc" if order == "desc" else "desc")
    assert other == whole[::-1]


def test_positions_and_instruments_have_pages_too(day: MarketHouse) -> None:
    client = day.client("eve", "auditor")
    for path, name in (("positions", "asset"), ("instruments", "symbol"), ("results", "user")):
        [whole] = pages(client, path, 1_000)
        assert [row for page in pages(client, path, 1) for row in page] == whole
        assert len({row[name] for row in whole}) > 1, path


def test_each_row_once_while_rows_arrive(house: MarketHouse) -> None:
    """OFFSET would show some twice; a cursor by time would leave out those of equal time."""
    market = house.market
    market.begin()
    number = 0

    def arrive(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            market.trade(number, 1)
            market.execution(ANN, number, "accepted", 1)
            if number % 3 == 0:
                market.packet(seconds=0)
        market.packet(seconds=0)
        market.write()

    arrive(10)
    client, seen, more = house.client(ANN), [], {}
    for turn in range(60):
        body = client.get("executions", limit=4, **more).json
        seen += body["rows"]
        if turn < 6:
            arrive(3)
        if body["next"] is None:
            break
        more = {"cursor": body["next"]}
    assert [row["order_id"] for row in seen] == list(range(1, 29))


def test_access_notes_of_one_millisecond_are_not_passed_by(day: MarketHouse) -> None:
    """As texts -10 comes before -9."""
    rows = [row for page in pages(day.client("eve", "auditor"), "access", 1) for row in page]
    assert [row["audit_id"].rpartition("-")[2] for row in rows] == ["9", "10"]


def test_a_cursor_belongs_to_its_query_and_user(day: MarketHouse) -> None:
    client = day.client("eve", "auditor")
    cursor = client.get("executions", limit=1).json["next"]
    assert client.get("executions", cursor=cursor, limit=7).status == 200
    for other in (client.get("trades", cursor=cursor), client.get("executions", cursor=cursor, user="bob")):
        assert (other.status, other.json["code"]) == (400, "bad_cursor")
    assert day.client("bob").get("executions", cursor=cursor).json["code"] == "bad_cursor"


def test_times_are_from_and_before(day: MarketHouse) -> None:
    client = day.client("eve", "auditor")
    rows = client.get("executions").json["rows"]
    at = rows[1]["time"]
    assert client.get("executions", **{"from": at}).json["rows"][0]["time"] == at
    assert all(row["time"] < at for row in client.get("executions", to=at).json["rows"])
    assert client.get("executions", **{"from": at, "to": at}).json["rows"] == []


def test_orders_by_state(day: MarketHouse) -> None:
    client = day.client("eve", "auditor")
    found = {
        state: [row["order_id"] for row in client.get("orders", state=state).json["rows"]]
        for state in ("open", "filled", "cancelled", "expired")
    }
    assert found == {"open": [1], "filled": [2], "cancelled": [3], "expired": []}


def test_what_a_fork_has_left_behind_is_for_auditors(house: MarketHouse) -> None:
    """A later history left at position 2: what stood above it holds no more, and its order's number is used again."""
    market = house.market
    market.begin()
    market.execution(ANN, 1, "accepted", 10)
    market.packet()
    market.execution(ANN, 1, "cancelled", 0, reason="by_user")
    market.execution(ANN, 2, "accepted", 10)
    market.packet()
    market.write()
    with house.engine.begin() as connection:
        connection.execute(schema.history.update().values(until_position=2))
    market.add(
        schema.history, number=2, shard=0, epoch=EPOCH - 1, parent=1, from_position=2, from_log_id="0-0", began=T0
    )
    market.history, market.position = 2, 2
    market.execution(ANN, 2, "accepted", 7)
    market.packet()
    market.write()
    client = house.client(ANN)
    assert [(row["order_id"], row["state"], row["remaining"]) for row in client.get("orders").json["rows"]] == [
        (1, "open", 10),
        (2, "open", 7),
    ]
    assert [row["history"] for row in client.get("executions").json["rows"]] == [1, 2]
    assert client.get("executions", orphaned="true").status == 403
    auditor = house.client("eve", "auditor")
    assert [row["history"] for row in auditor.get("executions", orphaned="true").json["rows"]] == [1, 1, 1, 2]


def test_answers_that_touch_a_gap_say_so(house: MarketHouse) -> None:
    market = house.market
    market.begin()
    market.trade(5, 1)
    market.packet(seconds=10)
    market.add(schema.gap, history=1, from_position=2, until_position=8, why="trimmed", time=market.time, filled=False)
    market.position = 8
    market.trade(6, 1)
    market.execution(ANN, 1, "accepted", 10)
    market.packet(seconds=10)
    market.trade(7, 1)
    market.packet(seconds=10)
    market.write()
    client = house.client(ANN)
    assert client.get("trades").json["incomplete"] is True
    assert client.get("ledger").json["gaps"][0]["above"] == 2
    first = client.get("trades", limit=1).json
    assert first["incomplete"] is False
    second = client.get("trades", limit=1, cursor=first["next"]).json
    assert second["incomplete"] is True
    assert client.get("trades", limit=1, cursor=second["next"]).json["incomplete"] is False
    assert client.get("trades", order="desc", limit=1).json["incomplete"] is False
    assert client.get("orders").json["incomplete"] is True
    late = client.get("trades")
    behind = late.json["rows"][-1]["time"]
    assert client.get("trades", **{"from": behind}).json["incomplete"] is False
    assert client.get("trades", to=late.json["rows"][0]["time"]).json["incomplete"] is False
    assert client.get("export/trades", **{"from": behind, "to": "2099-01-01T00:00:00Z"}).status == 400
    with house.engine.begin() as connection:
        connection.execute(schema.gap.update().values(filled=True))
    assert client.get("trades").json["incomplete"] is False


def test_what_was_realised_in_a_gap_nobody_knows(house: MarketHouse) -> None:
    """Lots and cost go on from the engine's accounts. A result is null behind a gap, never a number that is wrong."""
    market = house.market
    market.begin()
    for number, (day, result) in enumerate(
        (("2026-11-18", 4), ("2026-11-19", 9), ("2026-11-20", 2), ("2026-11-21", 5))
    ):
        if number == 2:
            gap = {"from_position": market.position, "until_position": market.position + 8}
            market.add(schema.gap, history=1, **gap, why="trimmed", time=market.time, filled=False)
            market.position += 8
        market.add(
            schema.balance_eod, history=1, position=market.position + 1, trading_day=day, user=ANN, asset="ACME",
            amount=7, cost=70_000_000, result=result * 1_000_000,
        )  # fmt: skip
        market.packet(seconds=86_400)
    market.add(schema.holding, user=ANN, instrument="ACME", lots=7, cost=70_000_000, result=5_000_000, position=9)
    market.write()
    client = house.client(ANN)
    results = client.get("results").json
    assert [(row["result"], row["day_result"]) for row in results["rows"]] == [
        ("4.000000", "4.000000"),
        ("9.000000", "5.000000"),
        (None, None),
        (None, "3.000000"),
    ]
    assert results["incomplete"] is True
    first = client.get("results", limit=2).json
    assert first["incomplete"] is False
    assert client.get("results", limit=2, cursor=first["next"]).json["incomplete"] is True
    assert client.get("results", order="desc", limit=1).json["incomplete"] is True
    now = client.get("positions").json
    assert [(row["amount"], row["cost"], row["result"]) for row in now["rows"]] == [("7", "70.000000", None)]
    assert now["incomplete"] is True
    before = client.get("positions", day="2026-11-19").json
    assert [row["result"] for row in before["rows"]] == ["9.000000"]
    assert before["incomplete"] is False
    assert client.get("export/positions").headers["openoutcry-incomplete"] == "true"
    assert client.get("export/positions", day="2026-11-19").headers["openoutcry-incomplete"] == "false"
