"""A crowd at one day of a market: users whose commands are written into the log as a gateway writes them.

The day is compressed into seconds: an opening call, trading, a closing call, the close.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.commands import CancelOrder, Command, PlaceOrder, encode_commands
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetTerms
from shared.logs.session_commands import ScheduledStep, SetSchedule
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys

SYMBOLS: Final = ("ACME", "ACME-RSU27")
IN_ENTRY_MAX: Final = 8
CANCEL_SHARE: Final = 0.35
MEMORY: Final = 5_000
"""Orders among which one to cancel is chosen; some of them are gone by then."""
REFERENCE: Final = 10_000
_STEPS: Final = ((0.1, "open_call"), (0.25, "uncross"), (0.25, "continuous"), (0.85, "close_call"), (0.95, "uncross"))
_STP: Final = SelfTradePrevention.CANCEL_NEWEST
_KEYS: Final = StreamKeys()


class Crowd:
    """
    The day's commands.

    Args:
        url: Of the store.
        seconds: How long the day is.
        rate: Commands a second.
        users: How many trade.
    """

    def __init__(self, url: str, seconds: float, rate: float, users: int) -> None:
        self._users = [f"user-{number:03}" for number in range(users)]
        self._redis = Redis.from_url(url)
        self._seconds = seconds
        self._rate = rate
        self._number = self._number_before = 0
        self._random = Random(17)

    def trade(self) -> None:
        """Trade from now to the end of the day; waits out a store that is away, and repeats what was not answered."""
        funding = list(self._funding())
        for first in range(0, len(funding), IN_ENTRY_MAX):
            self._append(funding[first : first + IN_ENTRY_MAX])
        began, self._number_before = time.time(), self._number
        self._append(list(self._plan(began)))
        placed: list[tuple[str, str]] = []
        while (passed := time.time() - began) < self._seconds:
            if self._number - self._number_before > passed * self._rate:
                time.sleep(0.01)
                continue
            self._append([self._next(placed) for _ in range(self._random.randint(1, IN_ENTRY_MAX))])
        self._redis.close()

    def _funding(self) -> Iterator[Command]:
        yield BeginAccounts(*self._name(), "adam", False)
        for user in self._users:
            yield self._gives(user, TransferKind.DEPOSIT, "USD", BANK, 10**15)
            for symbol in SYMBOLS:
                yield self._gives(user, TransferKind.GRANT, symbol, ISSUER, 10**6)

    def _gives(self, user: str, kind: TransferKind, asset: str, source: str, amount: int) -> Command:
        name = f"{user}-{asset}"
        return MakeTransfer(*self._name(), "adam", name, kind, asset, source, user, amount, 0, "a start", False)

    def _plan(self, began: float) -> Iterator[Command]:
        for symbol in SYMBOLS:
            yield SetTerms(*self._name(), "adam", symbol, REFERENCE, 0, calendar="short")
        day = time.strftime("%Y-%m-%d", time.gmtime(began))
        times = [(began + share * self._seconds, step) for share, step in (*_STEPS, (0.97, "close"))]
        steps = tuple(ScheduledStep(day, int(at * 1_000_000), step) for at, step in times)
        yield SetSchedule(*self._name(), "adam", "short", "2026.3", steps)

    def _next(self, placed: list[tuple[str, str]]) -> Command:
        random = self._random
        if placed and random.random() < CANCEL_SHARE:
            user, order = placed.pop(random.randrange(max(0, len(placed) - MEMORY), len(placed)))
            return CancelOrder(*self._name(), user, 0, order)
        user, order = random.choice(self._users), f"o{self._number + 1}"
        placed.append((user, order))
        side = random.choice((Side.BID, Side.ASK))
        price = REFERENCE + random.randint(-30, 5) * (1 if side is Side.BID else -1)
        return PlaceOrder(
            *self._name(), user, random.choice(SYMBOLS), order, side, OrderKind.LIMIT, price, random.randint(1, 9),
            TimeInForce.GTC, False, _STP,
        )  # fmt: skip

    def _name(self) -> tuple[str, int]:
        self._number += 1
        return "crowd", self._number

    def _append(self, commands: list[Command]) -> None:
        fields = {COMMANDS_FIELD: encode_commands(commands)}
        while True:
            try:
                self._redis.xadd(_KEYS.commands, fields)  # type: ignore[arg-type]  # bytes are values too
            except (RedisError, OSError):
                time.sleep(0.1)
            else:
                return
