"""The scripted server as a process, for tests of clients that are not written in Python.

Prints `{"url": …}` and then does what it is told: one JSON object a line on standard input, answered by one a line on
standard output. Ends when its input ends.

    {"do": "change", "bids": [[9998, 5]], "fault": "LOST"}

Each `do` is a method of `Script` below; the rest of the object are its arguments.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from openoutcry.testing import Fault, ScriptedServer
from openoutcry.wire.messages import Account, Execution
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, MarketState, OrderKind, Side, TimeInForce

Levels = Sequence[tuple[int, int]]


class Script:
    """What can be asked of the server."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server

    async def change(self, bids: Levels = (), asks: Levels = (), fault: str = "NONE") -> None:
        await self.server.change(dict(bids), dict(asks), Fault[fault])

    async def unheard(self, bids: Levels = (), asks: Levels = ()) -> None:
        """Change the book while nobody is told, as if it happened while the connection was away."""
        self.server.market.set(dict(bids), dict(asks))

    async def trade(self, price: int, quantity: int, skip: int = 0) -> None:
        """Print a trade, after `skip` ones that nobody hears of."""
        for _ in range(skip):
            self.server.market.trade(price, quantity)
        await self.server.trade(self.server.market.trade(price, quantity))

    async def execution(self, user_seq: int) -> None:
        """Tell of a fill of 5 at 9,998, with 20 remaining."""
        symbol = self.server.market.symbol
        order = (71, "mine-1", symbol, Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 9_998, 25, 20)
        fill = (9_998, 5, 4, Liquidity.MAKER, Code.OK)
        await self.server.say([Execution(user_seq, ExecutionEvent.FILLED, 1_000, *order, *fill)], "account")

    async def account(self, user: str, user_seq: int) -> None:
        """Set what the next subscriber to the account gets."""
        self.server.market.accounts[user] = Account(user_seq, [], {}, {})

    async def feed(self, state: str, reason: str = "") -> None:
        await self.server.tell_feed(MarketState(state), reason)

    async def ticker(self) -> None:
        await self.server.tell_ticker()

    async def heartbeats(self, on: bool) -> None:
        self.server.has_heartbeat = on

    async def confirm_resume(self, on: bool) -> None:
        self.server.confirms_resume = on

    async def mute(self, op: str) -> None:
        self.server.muted.add(op)

    async def refuse(self, op: str, code: str, text: str) -> None:
        self.server.refusals[op] = (Code(code), text)

    async def accept(self, op: str) -> None:
        self.server.refusals.pop(op, None)

    async def refuse_handshakes(self, status: int | None, text: str = "as the script says") -> None:
        self.server.http_status, self.server.http_text = status, text

    async def send_text(self, text: str) -> None:
        await self.server.send_bytes(text.encode())

    async def goodbye(self, code: int, text: str, reconnect_in_ms: int) -> None:
        await self.server.goodbye(code, text, reconnect_in_ms)

    async def close(self, code: int, reason: str = "") -> None:
        await self.server.close_clients(code, reason)

    async def drop(self) -> None:
        self.server.drop_clients()

    async def new_epoch(self) -> None:
        self.server.market.begin_new_epoch()

    async def seen(self) -> Mapping[str, Any]:
        """Return what the server knows: connections taken, requests by operation, its book."""
        book = self.server.market.book
        return {
            "connections": self.server.connections,
            "requests": self.server.operations(),
            "seq": book.seq,
            "digest": book.digest,
        }


def say(answer: Mapping[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve and obey until standard input ends."""
    async with ScriptedServer(announced_s=1.0) as server:
        script = Script(server)
        say({"url": server.url})
        while line := await asyncio.to_thread(sys.stdin.readline):
            command: dict[str, Any] = json.loads(line)
            answer = await getattr(script, command.pop("do"))(**command)
            say(answer or {})


if __name__ == "__main__":
    asyncio.run(main())
