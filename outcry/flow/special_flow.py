"""Those of a crowd who ask more of the exchange: stops, orders of a day or till a moment, minimums, and quotes.

Owns what they ask next, and that little of it is left behind; leaves to the crowd where its prices are, and to callers
when. Other users than the rest of the crowd, so nobody's self-trade prevention is met. Deterministic, as `OrderFlow`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import PAIRS_MAX, QuotedPair
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import CancelOrder, Command, PlaceSpecial
from shared.logs.mass_quote import MassQuote

SPECIAL_SHARE: Final = 0.02
"""Of the crowd's commands, where the market keeps accounts."""
SPECIAL_USERS: Final = tuple(f"bot-special-{n:02}" for n in range(10))
QUOTERS: Final = tuple(f"bot-quoter-{n:02}" for n in range(3))
OPEN_MAX: Final = 100
"""Orders that may be open; beyond, the oldest is cancelled."""
NEAR: Final = 30
"""Ticks from the middle at most of what waits in the book, or for a price."""
THROUGH: Final = 200
"""Ticks beyond the middle that a taking order may pay."""
EXPIRES_S_MAX: Final = 8
SECOND_US: Final = 1_000_000


class BelievedBook(NamedTuple):
    """A book, as the crowd believes it to be."""

    instrument: Instrument
    mid: int
    """Ticks."""
    quantities: Sequence[int]
    """Lots of one order: one of these."""


class SpecialFlow:
    """
    Their next commands, without end.

    Args:
        source: Of the commands.
        next_number: Gives their numbers, which are those of the whole crowd.
        random: Of all choices.
    """

    def __init__(self, source: str, next_number: Callable[[], int], random: Random) -> None:
        self._source = source
        self._tag = source[-8:]
        self._next_number = next_number
        self._random = random
        self._open: deque[tuple[str, str]] = deque()  # user and client order id, the oldest first

    def command(self, places: Sequence[BelievedBook], now_us: int) -> Command:
        """
        Return the next command.

        Args:
            places: Where trading is continuous; at least one.
            now_us: µs since 1970; some orders end a few seconds after.
        """
        if len(self._open) >= OPEN_MAX:
            user, name = self._open.popleft()
            return CancelOrder(self._source, self._next_number(), user, 0, name)
        choice = self._random.random()
        if choice < 0.3:
            return self._quote(places)
        place = places[int(self._random.random() * len(places))]
        side = Side.BID if self._random.random() < 0.5 else Side.ASK
        near = 1 + int(self._random.random() * NEAR)
        if choice < 0.6:
            return self._stop(place, side, near)
        if choice < 0.75:
            return self._waits(place, side, near, TimeInForce.DAY)
        if choice < 0.9:
            end_us = now_us + int((0.5 + self._random.random() * EXPIRES_S_MAX) * SECOND_US)
            return self._waits(place, side, near, TimeInForce.GTD, end_us)
        through = THROUGH if side is Side.BID else -THROUGH
        return self._order(place, side, place.mid + through, TimeInForce.IOC, minimum=min(place.quantities))

    def _stop(self, place: BelievedBook, side: Side, near: int) -> PlaceSpecial:
        """Buy if it rises, or sell if it falls; at what there is, within its protection."""
        trigger = place.mid + near if side is Side.BID else place.mid - near
        return self._order(place, side, 0, TimeInForce.GTC, trigger=_within(place.instrument, trigger), is_open=True)

    def _waits(
        self, place: BelievedBook, side: Side, near: int, time_in_force: TimeInForce, expires_at: int = 0
    ) -> PlaceSpecial:
        price = place.mid - near if side is Side.BID else place.mid + near
        return self._order(place, side, price, time_in_force, expires_at=expires_at, is_open=True)

    def _quote(self, places: Sequence[BelievedBook]) -> MassQuote:
        """Quote up to PAIRS_MAX books around their middles; who quoted before quotes anew."""
        number = self._next_number()
        first = int(self._random.random() * len(places))
        chosen = [*places[first:], *places[:first]][:PAIRS_MAX]
        pairs = []
        for place in chosen:
            near = 1 + int(self._random.random() * NEAR)
            bid = _within(place.instrument, place.mid - near)
            ask = _within(place.instrument, place.mid + near)
            if bid < ask:
                lots = self._lots(place)
                pairs.append(QuotedPair(place.instrument.symbol, bid, lots, ask, lots))
        user = QUOTERS[int(self._random.random() * len(QUOTERS))]
        return MassQuote(self._source, number, user, f"{self._tag}-{number}", tuple(pairs))

    def _order(
        self,
        place: BelievedBook,
        side: Side,
        price: int,
        time_in_force: TimeInForce,
        *,
        trigger: int = 0,
        expires_at: int = 0,
        minimum: int = 0,
        is_open: bool = False,
    ) -> PlaceSpecial:
        number = self._next_number()
        user, name = SPECIAL_USERS[int(self._random.random() * len(SPECIAL_USERS))], f"{self._tag}-{number}"
        if is_open:
            self._open.append((user, name))
        return PlaceSpecial(
            source=self._source,
            number=number,
            user=user,
            instrument=place.instrument.symbol,
            client_order_id=name,
            side=side,
            kind=OrderKind.LIMIT if price else OrderKind.MARKET,
            price=_within(place.instrument, price) if price else 0,
            quantity=self._lots(place),
            time_in_force=time_in_force,
            post_only=False,
            self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
            trigger=trigger,
            protection_bp=0,
            expires_at=expires_at,
            expires_on="",
            minimum=minimum,
            clearance="",
        )

    def _lots(self, place: BelievedBook) -> int:
        return place.quantities[int(self._random.random() * len(place.quantities))]


def _within(instrument: Instrument, price: int) -> int:
    return min(max(price, 1), instrument.price_max)
