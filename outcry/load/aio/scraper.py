"""Reading the metrics of several processes at one moment."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping
from typing import Final

from openoutcry.wire.errors import MalformedMessage
from outcry.load.exposition import Exposition, read_exposition

SCRAPE_SECONDS_MAX: Final = 5.0
SCRAPE_BYTES_MAX: Final = 4 * 1024 * 1024
"""More is cut off, and then no metrics."""


async def scrape(urls: Mapping[str, str]) -> dict[str, Exposition | None]:
    """Read all of them at once; None for one that does not answer in time, or with no metrics."""
    async with asyncio.TaskGroup() as tasks:
        reads = {name: tasks.create_task(asyncio.to_thread(_read, url)) for name, url in urls.items()}
    return {name: read.result() for name, read in reads.items()}


def _read(url: str) -> Exposition | None:
    try:
        with urllib.request.urlopen(url, timeout=SCRAPE_SECONDS_MAX) as answer:  # noqa: S310 - http or https, checked
            text: bytes = answer.read(SCRAPE_BYTES_MAX)
        return read_exposition(text.decode())
    except (OSError, ValueError, MalformedMessage):
        return None  # The report says that it was not reported.
