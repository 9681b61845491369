"""Receipts, heads, consistency proofs and keys through HTTP: whose they are, and that what comes is proven offline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Engine, update

from services.ledger import schema
from services.ledger.aio.api import make_app
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.aio.proof_api import proof_router
from services.ledger.aio.proof_keys import ProofKeys
from services.ledger.proof.receipt import LEAVES_MAX, read_receipt, verify_receipt
from services.ledger.proof.signed_head import check_consistency, read_consistency_proof, read_signed_head
from services.ledger.proof.signing_keys import read_verifying_keys
from shared.token_bucket import Rate
from tests.asgi_client import Answer, AsgiClient, authenticator
from tools.reference.proofs.proof_vectors import KEY_LIST, ORDER, SALTS, made_record

PUBLIC = read_verifying_keys(KEY_LIST)
KEYS = ProofKeys(SALTS, PUBLIC, KEY_LIST, None)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}"
    else:
        url = request.getfixturevalue("postgres").make_database("proof_api")
    found = open_engine(database_url(url), writes=False)
    with found.begin() as connection:
        schema.metadata.create_all(connection)  # without triggers: a test changes what cannot be changed
        for table in schema.PARTITIONED if request.param == "postgresql" else ():
            values = "FROM (1, 0) TO (1, 1000)"
            connection.exec_driver_sql(f"CREATE TABLE proven_{table} PARTITION OF {table} FOR VALUES {values}")
        made_record(connection)
    yield found
    found.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop_database("proof_api")


@cache
def app_of(engine: Engine) -> Any:
    settings = ApiSettings(requests=Rate(10_000, 10_000))
    return make_app(engine, authenticator(), settings=settings, routers=(proof_router(KEYS),))


def ask(engine: Engine, path: str, user: str = "ann", *roles: str, **query: Any) -> Answer:
    return AsgiClient(app_of(engine), user, roles).get(path, **query)


def test_an_owner_gets_a_receipt_that_proves_all_of_an_order(engine: Engine) -> None:
    answer = ask(engine, f"receipts/{ORDER}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-disposition"] == f'attachment; filename="receipt-{ORDER}.json"'
    proven = verify_receipt(read_receipt(answer.body), PUBLIC)
    assert [one.fields["event"] for one in proven.executions] == ["accepted", "filled", "cancelled"]
    assert proven.head.number == 7
    early = verify_receipt(read_receipt(ask(engine, f"receipts/{ORDER}", block=6, after=1).body), PUBLIC)
    assert [one.fields["event"] for one in early.executions] == ["filled", "cancelled"]
    assert early.head.number == 6
    first = verify_receipt(read_receipt(ask(engine, f"receipts/{ORDER}", block=4).body), PUBLIC)
    assert "cancelled" not in [one.fields["event"] for one in first.executions], "later blocks tell of that"
    assert first.head.number == 4


def test_anothers_order_has_no_receipt_and_an_auditor_has_all(engine: Engine) -> None:
    others, none = ask(engine, f"receipts/{ORDER}", "ben"), ask(engine, "receipts/999", "ben")
    assert (others.status, none.status) == (404, 404)
    assert others.json["code"] == none.json["code"] == "unknown_order"
    assert ask(engine, f"receipts/{ORDER}", "ben", "admin").status == 404
    assert ask(engine, f"receipts/{ORDER}", "").status == 401
    for role in ("auditor", "compliance"):
        assert ask(engine, f"receipts/{ORDER}", "carla", role).body == ask(engine, f"receipts/{ORDER}").body


def test_heads_and_the_proof_between_them_are_everybodys(engine: Engine) -> None:
    old = read_signed_head(ask(engine, "ledger/head", "ben", block=3).body)
    new = read_signed_head(ask(engine, "ledger/head", "ben").body)
    assert ask(engine, "ledger", "ben").json["head"] == new.members()
    proof = read_consistency_proof(ask(engine, "ledger/consistency", "ben", old=3, new=7).body)
    check_consistency(old.verified(PUBLIC), new.verified(PUBLIC), proof)
    assert ask(engine, "ledger/keys", "ben").body.decode() == KEY_LIST


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("ledger/head", {"block": 8}, 404, "unknown_block"),
        ("ledger/head", {"block": 0}, 400, "bad_request"),
        ("ledger/consistency", {"old": 3}, 400, "bad_request"),
        ("ledger/consistency", {"old": 3, "new": 8}, 404, "unknown_block"),
        ("ledger/consistency", {"old": 4, "new": 3}, 400, "bad_request"),
        (f"receipts/{ORDER}", {"block": 1, "after": 1}, 404, "unknown_order"),
        (f"receipts/{ORDER}", {"after": 3}, 404, "unknown_order"),
        ("receipts/x", {}, 400, "bad_request"),
    ],
)
def test_what_is_refused_is_named(engine: Engine, path: str, query: dict[str, int], status: int, code: str) -> None:
    answer = ask(engine, path, **query)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_record_that_was_changed_gives_no_receipt_but_says_so(engine: Engine) -> None:
    table = schema.execution
    change = update(table).where(table.c.position == 60)
    with engine.begin() as connection:
        connection.execute(change.values(remaining=19))
    answer = ask(engine, f"receipts/{ORDER}")
    with engine.begin() as connection:
        connection.execute(change.values(remaining=20))
    assert (answer.status, answer.json["code"]) == (500, "record_changed")
    assert "block 5: one of its leaves 0 to 15 was changed" in answer.json["detail"]
    assert ask(engine, f"receipts/{ORDER}").status == 200


def test_the_document_has_the_paths(engine: Engine) -> None:
    paths = ask(engine, "openapi.json", "").json["paths"]
    assert {"/v1/receipts/{order_id}", "/v1/ledger/head", "/v1/ledger/consistency", "/v1/ledger/keys"} <= set(paths)
    assert str(LEAVES_MAX) in str(paths["/v1/receipts/{order_id}"])
