"""Looking at an exchange: metrics of all processes, and what gateways tell administrators of their users."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin

from outcry.load.aio.scraper import scrape
from outcry.overview.overview import GatewayUsers, Overview, is_gateway, overview

ASK_SECONDS_MAX: Final = 5.0
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""More is cut off, and then no answer."""


async def looks(urls: Mapping[str, str], token: str, interval_s: float) -> AsyncIterator[Overview]:
    """
    Yield an overview each interval, the first after one.

    Args:
        urls: Of metrics, by a name for each process.
        token: Of an administrator, to be told who is connected; empty: nobody is asked.
        interval_s: Seconds between two looks.
    """
    earlier, at = await scrape(urls), time.monotonic()
    while True:
        await asyncio.sleep(interval_s)
        later, now = await scrape(urls), time.monotonic()
        gateways = {name: urljoin(urls[name], "connections") for name, look in later.items() if is_gateway(look)}
        users = await _users(gateways, token) if token else []
        yield overview(earlier, later, now - at, time.time_ns() // 1_000, users)
        earlier, at = later, now


async def _users(urls: Mapping[str, str], token: str) -> list[GatewayUsers]:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(asyncio.to_thread(_ask, name, url, token)) for name, url in urls.items()]
    return [each.result() for each in asked]


def _ask(name: str, url: str, token: str) -> GatewayUsers:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - http or https, checked
    try:
        with urllib.request.urlopen(request, timeout=ASK_SECONDS_MAX) as answer:  # noqa: S310 - as above
            told: dict[str, Any] = json.loads(answer.read(ANSWER_BYTES_MAX))
        return GatewayUsers(name, told["total"], told["lagging"], told["connections"])
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(200).decode(errors="replace").strip()
        return GatewayUsers(name, fault=f"HTTP {error.code}: {said}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return GatewayUsers(name, fault=f"no answer: {error}")
