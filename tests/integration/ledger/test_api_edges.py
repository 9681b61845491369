"""What is refused is refused by name, as problem+json, and nothing that anybody sends is our failure."""

from __future__ import annotations

import time
from typing import Any

import pytest
import structlog

from services.ledger.aio.api import make_app
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.queries.path_document import PATHS
from shared.token_bucket import Rate
from tests.asgi_client import AsgiClient, authenticator
from tests.integration.ledger.conftest import MarketHouse

HUGE = "9" * 400
PROBLEM = "application/problem+json"
WRONG: list[tuple[str, bytes, str, str]] = [
    ("trades", b"limit=NaN", "bad_request", "limit"),
    ("trades", b"limit=" + HUGE.encode(), "bad_request", "limit"),
    ("trades", b"limit=0", "bad_request", "limit"),
    ("trades", b"limit=1001", "bad_request", "limit"),
    ("trades", b"limit=%D9%A3", "bad_request", "limit"),  # a digit, but not one of ours
    ("trades", b"limit=1_0", "bad_request", "limit"),
    ("trades", b"limit=+1", "bad_request", "limit"),
    ("trades", b"limit=01", "bad_request", "limit"),
    ("trades", b"limit=1&limit=1", "bad_request", "limit"),
    ("trades", b"limit", "bad_request", "limit"),
    ("trades", b"limits=1", "bad_request", "limits"),
    ("trades", b"=1", "bad_request", "(empty)"),
    ("trades", b"instrument=acme", "bad_request", "instrument"),
    ("trades", b"instrument=ACME%0A", "bad_request", "instrument"),
    ("trades", b"instrument=%00", "bad_request", "instrument"),
    ("trades", b"instrument=%FF", "bad_request", "instrument"),
    ("trades", b"instrument=NONE", "unknown_instrument", "instrument"),
    ("trades", b"from=2026-07-01", "time_without_zone", "from"),
    ("trades", b"from=2026-07-01T00:00:00", "time_without_zone", "from"),
    ("trades", b"from=1782864000", "bad_request", "from"),
    ("trades", b"from=20000000001", "bad_request", "from"),
    ("trades", b"from=2026-07-01T00:00:00.1234567Z", "bad_request", "from"),
    ("trades", b"from=2026-02-30T00:00:00Z", "bad_request", "from"),
    ("trades", b"from=2026-07-01T00:00:60Z", "bad_request", "from"),
    ("trades", b"from=1970-01-01T00:00:00%2B01:00", "bad_request", "from"),
    ("trades", b"from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z", "bad_request", "from"),
    ("trades", b"cursor=AAAA", "bad_cursor", "cursor"),
    ("trades", b"order=up", "bad_request", "order"),
    ("candles", b"instrument=ACME", "bad_request", "width"),
    ("candles", b"instrument=ACME&width=2m", "bad_request", "width"),
    ("candles", b"instrument=ACME&width=1s&from=2026-07-01T00:00:00Z&to=2026-07-01T02:00:00Z", "bad_request", "from"),
    ("positions", b"day=2026-02-30", "bad_request", "day"),
    ("positions", b"day=2001-01-01", "unknown_day", "day"),
    ("orders/0", b"", "bad_request", "order_id"),
    (f"orders/{HUGE}", b"", "bad_request", "order_id"),
    ("orders/NaN", b"", "bad_request", "order_id"),
    ("instruments/none", b"", "bad_request", "symbol"),
    ("export/trades", b"", "bad_request", "from"),
    ("export/trades", b"from=2026-07-01T00:00:00Z", "bad_request", "to"),
    ("export/trades", b"from=2026-07-01T00:00:00Z&to=2026-08-02T00:00:00Z", "bad_request", "to"),
    ("export/trades", b"day=2026-07-01&to=2026-08-02T00:00:00Z", "bad_request", "to"),
    ("export/trades", b"day=2026-07-01&format=xls", "bad_request", "format"),
    ("export/trades", b"day=2026-07-01&limit=5", "bad_request", "limit"),
    ("books/ACME", b"", "bad_request", "at"),
    ("books/ACME", b"position=1&depth=0", "bad_request", "depth"),
]


@pytest.mark.parametrize(("path", "query", "code", "field"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named(day: MarketHouse, path: str, query: bytes, code: str, field: str) -> None:
    answer = day.client("ann", "auditor").raw(f"/v1/{path}", query)
    assert answer.status in (400, 404)
    assert answer.headers["content-type"] == PROBLEM
    assert (answer.json["code"], answer.json["field"]) == (code, field)
    assert answer.json["detail"].startswith(field)
    assert len(answer.body) < 1_000


def test_a_limit_stands_beside_the_value(day: MarketHouse) -> None:
    found = day.client().get("trades", limit=1001).json
    assert (found["limit"], found["value"], found["status"]) == (1_000, "1001", 400)


def test_a_mistyped_name_is_guessed(day: MarketHouse) -> None:
    assert "did you mean instrument?" in day.client().get("trades", instrumnet="ACME").json["detail"]


@pytest.mark.parametrize("path", ["/v1", "/", "/v1/trades/", "/v1/nothing", "/v1/orders/1/2", "/docs", "/openapi.json"])
def test_what_is_not_there_is_404(day: MarketHouse, path: str) -> None:
    answer = day.client().raw(path)
    assert (answer.status, answer.headers["content-type"], answer.json["code"]) == (404, PROBLEM, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"])
def test_other_methods_are_405(day: MarketHouse, method: str) -> None:
    answer = day.client().get("trades", method=method)
    assert (answer.status, answer.headers["content-type"], answer.headers["allow"]) == (405, PROBLEM, "GET, HEAD")


@pytest.mark.parametrize("path", ["trades", "ledger", "nothing", "orders/2", "docs"])
def test_head_is_get_without_its_body(day: MarketHouse, path: str) -> None:
    got, head = day.client().get(path), day.client().get(path, method="HEAD")
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_head_of_an_export_makes_no_file(day: MarketHouse) -> None:
    answer = day.client().get("export/trades", method="HEAD", day="2026-07-01")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["openoutcry-incomplete"] == "false"


def test_nothing_new_is_304(day: MarketHouse) -> None:
    etag = day.client().get("trades").headers["etag"]
    again = day.client().get("trades", headers={"If-None-Match": f'"x", W/{etag}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert day.client().get("trades", headers={"If-None-Match": '"x"'}).status == 200


def test_what_one_user_saw_is_nobodys_to_keep(day: MarketHouse) -> None:
    headers = day.client().get("orders").headers
    assert (headers["cache-control"], headers["vary"]) == ("private, no-cache", "Authorization")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_user_may_ask_so_often_and_another_is_not_slowed(day: MarketHouse) -> None:
    app = make_app(day.engine, authenticator(), settings=ApiSettings(requests=Rate(0.001, 2)))
    ann, bob = AsgiClient(app, "ann"), AsgiClient(app, "bob")
    assert [ann.get("ledger").status for _ in range(3)] == [200, 200, 429]
    refused = ann.get("ledger")
    assert (refused.json["code"], refused.headers["retry-after"]) == ("rate_limited", "1")
    assert bob.get("ledger").status == 200


def test_a_ledger_that_is_behind_says_so(house: MarketHouse) -> None:
    house.market.day()
    house.settings = ApiSettings(stale_s=1e-6)
    answer = house.client().get("trades")
    assert (answer.status, answer.json["code"]) == (503, "stale")
    assert int(answer.headers["retry-after"]) >= 1
    assert house.client().get("ledger").status == 200


def test_a_ledger_without_anything_says_so(house: MarketHouse) -> None:
    for path in ("trades", "ledger", "export/trades"):
        answer = house.client().get(path, **({"day": "2026-07-01"} if path.startswith("export") else {}))
        assert (answer.status, answer.json["code"]) == (503, "stale"), path


def test_a_database_that_is_away_is_503(house: MarketHouse) -> None:
    with house.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE place RENAME TO gone")
    answer = house.client().get("trades")
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")
    assert "place" not in answer.body.decode()


def test_a_statement_has_its_time(house: MarketHouse) -> None:
    """A query that counts to a billion would hold its thread for minutes."""
    from sqlalchemy import text  # noqa: PLC0415

    from services.ledger.aio.api_reading import LedgerDatabase  # noqa: PLC0415
    from services.ledger.queries.problem import Problem  # noqa: PLC0415

    house.market.day()
    counting = "SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000"
    endless = text(f"WITH RECURSIVE n(i) AS ({counting}) SELECT max(i) FROM n")
    began = time.monotonic()
    with pytest.raises(Problem, match="took longer than"), LedgerDatabase(house.engine, 0.2).read() as read:
        read.rows(endless)  # type: ignore[arg-type]
    assert time.monotonic() - began < 5
    assert house.client().get("trades").status == 200


def test_a_token_of_another_secret_names_nobody(day: MarketHouse) -> None:
    for headers in ({"authorization": "Bearer x.y.z"}, {"authorization": "Basic eDp5"}):
        answer = day.client("").get("trades", headers=headers)
        assert (answer.status, answer.json["code"]) == (401, "not_authenticated")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_books_come_from_whoever_can_make_them(day: MarketHouse) -> None:
    async def make(wanted: Any) -> dict[str, Any]:
        return {"asked": list(wanted)}

    client = AsgiClient(make_app(day.engine, authenticator(), book_maker=make), "adam", ("admin",))
    assert client.get("books/ACME", position=7).json["book"] == {"asked": ["ACME", None, 7, 10]}
    answer = client.get("books/NONE", at="2026-07-01T00:00:00.000001Z", depth=3)
    assert (answer.status, answer.json["code"]) == (404, "unknown_instrument")
    assert day.client("adam", "admin").get("books/ACME", position=7).status == 501


def test_the_page_of_paths_needs_nothing_from_elsewhere(day: MarketHouse) -> None:
    page = day.client("").get("docs")
    assert page.status == 200
    for word in (b"<script", b"http:", b"https:", b"url(", b"@import"):
        assert word not in page.body
    assert "script" not in page.headers["content-security-policy"]
    assert all(f"/v1/{path}".encode() in page.body for path in PATHS)


def test_the_log_tells_of_refused_accesses_and_is_not_flooded(day: MarketHouse) -> None:
    with structlog.testing.capture_logs() as logs:
        client = day.client("ann")
        for _ in range(30):
            assert client.get("orders", user="bob").status == 403
    told = [line for line in logs if line["event"] == "access refused"]
    assert 20 <= len(told) < 30
    assert told[0] | {"user": "ann", "code": "not_permitted"} == told[0]


PAGE = "http://127.0.0.1:8101"


def test_a_page_of_a_known_origin_may_ask(day: MarketHouse) -> None:
    app = make_app(day.engine, authenticator(), settings=day.settings._replace(origins=(PAGE,)))
    told = AsgiClient(app).get("trades", headers={"origin": PAGE})
    assert (told.status, told.headers["access-control-allow-origin"]) == (200, PAGE)
    assert {"Authorization", "Origin"} <= set(told.headers["vary"].split(", "))
    assert "ETag" in told.headers["access-control-expose-headers"]
    ahead = {"origin": PAGE, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    asked = AsgiClient(app, "").get("trades", headers=ahead, method="OPTIONS")
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (200, PAGE)
    assert "access-control-allow-credentials" not in asked.headers
    assert set(asked.headers["access-control-allow-methods"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8102", "null", "http://127.0.0.1:8101.example.com"])
def test_a_page_of_another_origin_is_told_nothing_that_lets_it_read(day: MarketHouse, origin: str) -> None:
    for origins in ((), (PAGE,)):
        app = make_app(day.engine, authenticator(), settings=day.settings._replace(origins=origins))
        assert "access-control-allow-origin" not in AsgiClient(app).get("trades", headers={"origin": origin}).headers
        ahead = {"origin": origin, "access-control-request-method": "GET"}
        asked = AsgiClient(app, "").get("trades", headers=ahead, method="OPTIONS")
        assert "access-control-allow-origin" not in asked.headers
        assert asked.status >= 400
