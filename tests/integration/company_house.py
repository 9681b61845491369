"""A company's exchange for stories: one engine, two gateways, people by name and role, and patience with a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from openoutcry.aio.market import Market
from openoutcry.wire.types import BANK, ISSUER
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions

SECOND_US: Final = 1_000_000
WITHIN_S: Final = 20.0


@contextmanager
def company_on(folder: Path, engines: int = 1, ledger: str | None = None) -> Iterator[Stack]:
    """Run an exchange while the block lasts, with a ledger in this database if one is named."""
    options = StackOptions(gateways=2, redis_url=None, port=None, engines=engines, ledger=ledger)
    with Stack(options, folder, lambda _: None) as running:
        asyncio.run(_start(running))
        yield running


async def _start(stack: Stack) -> None:
    await stack.start(StopSignal())


async def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so; fail with its name if it takes too long."""
    give_up = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < give_up, what
        await asyncio.sleep(0.01)


def given(user: str, asset: str, amount: int, available_from: int = 0) -> dict[str, Any]:
    """Return the transfer that gives a user money, in millionths of USD, or lots."""
    kind, source = ("deposit", BANK) if asset == "USD" else ("grant", ISSUER)
    named = {"transfer_id": f"{user}-{asset}", "kind": kind, "debit": source, "credit": user}
    return {"action": "make_transfer", **named, "asset": asset, "amount": amount, "available_from": available_from}


async def begin(admin: Market, *actions: dict[str, Any], four_eyes: bool = False) -> None:
    """Begin accounts, and do what comes with them; one person is enough, unless told otherwise."""
    await admin.propose("begin", [{"action": "begin_accounts", "four_eyes": four_eyes}])
    reply = await admin.propose("begin-all", list(actions))
    assert reply.data["state"] == ("proposed" if four_eyes else "done")
