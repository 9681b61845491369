"""Every path with every role, over a market of two users: nobody sees a row that is another's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from services.ledger.aio.api import make_app
from services.ledger.aio.api_access import RefusedAccess
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.queries.path_document import PATHS
from shared.token_bucket import Rate
from tests.asgi_client import Answer, AsgiClient, authenticator
from tests.ledger_market import ANN, BOB, DAY, LedgerMarket, ledger_engine

ROLES: dict[str, tuple[str, ...]] = {
    "nothing said": (),
    "trader": ("trader",),
    "market_maker": ("market_maker", "trader"),
    "admin": ("admin",),
    "compliance": ("compliance",),
    "auditor": ("auditor",),
}
SEES_ALL = {"compliance", "auditor"}
OFFICE = {"refusals", "audit", "rules", "clearances", "access", "export/refusals", "export/audit"}
NEEDED: dict[str, dict[str, Any]] = {
    "candles": {"instrument": "ACME", "width": "1m"},
    "books/{symbol}": {"position": 3},
    **{f"export/{name}": {"day": DAY} for name in ("trades", "executions", "transfers", "refusals", "audit")},
}


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}"
    else:
        url = request.getfixturevalue("postgres").make_database("api_roles")
    found = ledger_engine(url)
    LedgerMarket(found).day()
    yield found
    found.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop_database("api_roles")


def paths() -> list[str]:
    return sorted(PATHS)


@cache
def app_of(engine: Engine) -> Any:
    return make_app(engine, authenticator(), settings=ApiSettings(requests=Rate(10_000, 10_000)))


def ask(engine: Engine, path: str, user: str, role: str, **more: Any) -> Answer:
    client = AsgiClient(app_of(engine), user, ROLES[role], more.pop("instruments", ()))
    filled = path.replace("{order_id}", str(more.pop("order_id", 1))).replace("{symbol}", "ACME")
    return client.get(filled, **(NEEDED.get(path, {}) | more))


def rows_of(path: str, answer: Answer) -> list[dict[str, Any]]:
    if path.startswith("export/"):
        return list(csv.DictReader(io.StringIO(answer.body.decode())))
    body = answer.json
    return body["rows"] if "rows" in body else [body.get("order", {})]


@pytest.mark.parametrize("path", paths())
def test_each_path_shows_each_role_what_it_may_see(engine: Engine, path: str) -> None:
    for role in ROLES:
        _walk(engine, path, role)


def _walk(engine: Engine, path: str, role: str) -> None:
    for user, other in ((ANN, BOB), (BOB, ANN)):
        answer = ask(
            engine, path, user, role, **({"order_id": 1 if user == ANN else 2} if "{order_id}" in path else {})
        )
        may_not = (path in OFFICE and role not in SEES_ALL) or (
            path.startswith("books/") and role not in {"auditor", "admin"}
        )
        assert answer.status == (403 if may_not else 501 if path.startswith("books/") else 200), answer.body
        if may_not:
            assert answer.headers["content-type"] == "application/problem+json"
        elif answer.status == 200 and role not in SEES_ALL:
            assert other not in answer.body.decode()


@pytest.mark.parametrize("role", sorted(SEES_ALL))
@pytest.mark.parametrize("path", ["executions", "orders", "positions", "results", "trades", "export/executions"])
def test_auditors_and_compliance_see_all(engine: Engine, path: str, role: str) -> None:
    body = ask(engine, path, "carla", role).body.decode()
    assert ANN in body
    assert BOB in body


def test_anothers_order_is_not_there(engine: Engine) -> None:
    """404 and not 403: whether there is such an order is nobody's business."""
    others, none = (
        ask(engine, "orders/{order_id}", ANN, "trader", order_id=2),
        ask(engine, "orders/{order_id}", ANN, "trader", order_id=999),
    )
    assert (others.status, none.status) == (404, 404)
    assert others.json["code"] == none.json["code"] == "unknown_order"
    assert others.body.replace(b"order 2", b"") == none.body.replace(b"order 999", b"")


@pytest.mark.parametrize("path", ["executions", "orders", "transfers", "positions", "results"])
def test_asking_for_another_user_is_refused_and_told(engine: Engine, path: str) -> None:
    told: list[RefusedAccess] = []
    client = AsgiClient(make_app(engine, authenticator(), on_refused=told.append), ANN)
    assert client.get(path, user=BOB).json["code"] == "not_permitted"
    assert [(each.user, each.code) for each in told] == [(ANN, "not_permitted")]
    assert client.get(path, user=ANN).status == 200


def test_whoever_bought_and_sold_is_told_to_auditors_alone(engine: Engine) -> None:
    private = {"buyer", "seller", "buy_order_id", "sell_order_id"}
    assert not private & set(ask(engine, "trades", ANN, "admin").json["rows"][0])
    assert private <= set(ask(engine, "trades", ANN, "auditor").json["rows"][0])


def test_a_transfer_does_not_tell_from_whom(engine: Engine) -> None:
    """A correction between two users is the business of the office."""
    [_, own] = ask(engine, "transfers", ANN, "trader").json["rows"]
    assert (own["amount"], own["user_seq"]) == ("-0.250000", 5)
    assert not {"debit", "credit", "note", "actor"} & set(own)
    [_, _, whole] = ask(engine, "transfers", "eve", "auditor").json["rows"]
    assert (whole["amount"], whole["debit"], whole["credit"]) == ("0.250000", ANN, BOB)


@pytest.mark.parametrize("role", ["trader", "auditor"])
def test_an_entitlement_hides_other_instruments(engine: Engine, role: str) -> None:
    """They are as unknown as what is not listed; but one's own rows stay one's own."""
    only = {"instruments": ("IDEA-*",)}
    assert [row["instrument"] for row in ask(engine, "trades", "eve", role, **only).json["rows"]] == ["IDEA-1"]
    assert [row["symbol"] for row in ask(engine, "instruments", "eve", role, **only).json["rows"]] == ["IDEA-1"]
    assert ask(engine, "candles", "eve", role, **only).json["code"] == "unknown_instrument"
    assert ask(engine, "instruments/{symbol}", "eve", role, **only).json["code"] == "unknown_instrument"
    assert ask(engine, "trades", "eve", role, instrument="ACME", **only).status == 404
    seen = {row["instrument"] for row in ask(engine, "executions", "eve", role, **only).json["rows"]}
    assert seen == ({"IDEA-1"} if role == "auditor" else set())
    assert {row["instrument"] for row in ask(engine, "executions", ANN, "trader", **only).json["rows"]} == {"ACME"}


def test_nobody_without_a_token_sees_anything(engine: Engine) -> None:
    client = AsgiClient(app_of(engine), "")
    for path in paths():
        answer = client.get(path.replace("{order_id}", "1").replace("{symbol}", "ACME"))
        assert (answer.status, answer.json["code"]) == (401, "not_authenticated"), path
        assert answer.headers["www-authenticate"] == "Bearer"


def test_both_databases_answer_the_same(postgres_url: str, tmp_path: Path) -> None:
    engines = [ledger_engine(f"sqlite:///{tmp_path / 'l.db'}"), ledger_engine(postgres_url)]
    try:
        for each in engines:
            LedgerMarket(each).day()
        for path in (path for path in paths() if path != "ledger"):
            for order in ({}, {"order": "desc"}) if path in {"trades", "executions", "orders", "access"} else ({},):
                found = [ask(each, path, "eve", "auditor", **order) for each in engines]
                assert [rows_of(path, answer) for answer in found if answer.status == 200][:1] == [
                    rows_of(path, answer) for answer in found if answer.status == 200
                ][1:], path
    finally:
        for each in engines:
            each.dispose()
