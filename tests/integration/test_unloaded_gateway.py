"""A gateway that has begun to listen, and knows no market yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from openoutcry.wire.messages import Snapshot
from tests.integration.gateway_house import StoredExchange, gateway_on, until, user_of


async def test_it_takes_nobody_until_it_has_loaded_the_market(redis_url: str, tmp_path: Path) -> None:
    """
    Found by `make fault`: users who came in the first moments were told that what they follow is not listed.

    That is an answer after which nobody asks again. A 503 is one after which clients go elsewhere, or come back.
    """
    async with gateway_on(redis_url, tmp_path, is_fed=False) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with user_of(server):
                pass
        assert refused.value.response.status_code == 503
        exchange = StoredExchange(redis_url, "ACME")
        await exchange.store_snapshots()
        await until(lambda: bool(server.gateway.market.listing))
        async with user_of(server) as ann:
            await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
            assert (await ann.hear(Snapshot)).instrument == "ACME"
        await exchange.redis.aclose()
