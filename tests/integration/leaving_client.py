"""A user who has cancel-on-disconnect on and one order, as a process that a test can kill or freeze.

Arguments: the gateways' URLs. Standard input's first line is the token, the second the order's price. Says `ready`.
"""

from __future__ import annotations

import asyncio
import sys

from openoutcry import connect


async def _run(urls: list[str], token: str, price: int) -> None:
    async with connect(urls, token) as market:
        replies = [
            await market.cancel_on_disconnect(),
            await market.order("ACME", side="bid", price=price, quantity=5),
        ]
        print("ready" if all(reply.ok for reply in replies) else replies, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1:], sys.stdin.readline().strip(), int(sys.stdin.readline())))
