"""A price of one's own is found though whoever looks for it has asked too often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Reply, Snapshot
from openoutcry.wire.types import Code
from outcry.conformance.aio.pit import Pit
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.expectation import Failed


class HastyClient:
    """Whose requests are beyond the rate until it has waited so often; a bid at 100 stands alone."""

    def __init__(self, waits: int) -> None:
        self.waits = waits
        self.accepted_ops: list[str] = []

    async def ask(self, op: str, **_: Any) -> Reply:
        if self.waits:
            return Reply(1, ok=False, code=Code.RATE_LIMITED, text="slow down", data={})
        self.accepted_ops.append(op)
        return Reply(1, ok=True, code="", text="", data={})

    async def listen_for(self, seconds: float) -> None:
        self.waits -= 1

    async def hear(self, kind: type[Snapshot]) -> Snapshot:
        return Snapshot("ACME", 1, 1, 0, 1, [(100, 5, 1)], [], 0)

    def forget(self) -> None: ...


def pit(client: HastyClient) -> Pit:
    return Pit(cast("CheckTrader", SimpleNamespace(client=client)), Instrument("ACME"))


async def test_whoever_asked_too_often_waits_and_asks_again() -> None:
    """A run of checks that trade, in a market that moves, is beyond 20 requests a second; that is no check's fault."""
    client = HastyClient(waits=5)
    assert await pit(client).free_price() == 101
    assert client.accepted_ops == ["subscribe", "unsubscribe"]


async def test_whoever_is_never_let_in_gives_up() -> None:
    with pytest.raises(Failed, match="rate_limited"):
        await pit(HastyClient(waits=1_000)).free_price()
