"""The price of an auction: one price at which most lots change hands.

Owns the rule, and nothing of orders. B(p) are the lots bid at p or above, those of market bids among them; S(p) the
lots asked at p or below; E(p) the smaller of both; d(p) = B(p) - S(p). Candidates are every limit, one step inside each
limit (above a bid, below an ask), and the reference price. Of these:

1. the largest E; if it is 0 there is no price;
2. of those, the least |d|;
3. if d is above 0 in all that are left, the highest; if it is below 0 in all, the lowest;
4. else the reference, or what is nearest to it; without a reference the lowest. If d has both signs, only the highest
   price with d above 0 and the lowest with d below 0 count.

docs/decisions/0017 says why these are the candidates. B falls and S rises with the price. So only the levels that trade
are looked at, and one more on each side: the lots meet from the best levels on, and where they part is the price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from openoutcry.wire.tick_table import NO_TABLE, TickTable
from openoutcry.wire.types import PRICE_MAX

Lots: TypeAlias = tuple[int, int]
"""Price and lots of one level."""


class AuctionPrice(NamedTuple):
    """What an uncrossing would come to."""

    price: int
    """Ticks; 0: none."""
    volume: int
    """Lots that trade."""
    surplus: int
    """Lots that are left over at this price: above 0 of bids, below 0 of asks."""


NO_PRICE: Final = AuctionPrice(0, 0, 0)


def auction_price(
    bids: Sequence[Lots],
    asks: Sequence[Lots],
    market_bids: int = 0,
    market_asks: int = 0,
    reference: int = 0,
    ticks: TickTable = NO_TABLE,
    price_max: int = PRICE_MAX,
) -> AuctionPrice:
    """
    Return price, volume and surplus of an auction; `NO_PRICE` if nothing trades.

    Args:
        bids: Price and lots of each level, the best first.
        asks: Likewise.
        market_bids: Lots of all bids without a limit.
        market_asks: Likewise.
        reference: Price in ticks, of the table; 0: none.
        ticks: The table that says which prices there are.
        price_max: The highest of them; no limit and no reference is above it.

    Cost: O(levels that trade), 0.1 µs each; of each side one more is looked at.
    """
    return price_of(Meeting(bids, asks, market_bids, market_asks), reference, ticks, price_max)


class Meeting:
    """
    The best lots of both sides meet, market orders before all; the last level of a side counts whole.

    Args:
        bids: As `auction_price`, like the others. They may be the best levels alone, if one of each is left over.
        asks: Likewise.
        bid_lots: Of all bids without a limit.
        ask_lots: Likewise.
        at_bid: How many of `bids` have been taken, and are among `bid_lots`, as those before them that are not given.
        at_ask: Likewise.
    """

    __slots__ = ("ask_lots", "asks_taken", "bid_lots", "bids_taken", "last_ask", "last_bid", "next_ask", "next_bid")

    def __init__(
        self,
        bids: Sequence[Lots],
        asks: Sequence[Lots],
        bid_lots: int,
        ask_lots: int,
        at_bid: int = 0,
        at_ask: int = 0,
    ) -> None:
        bid_count, ask_count = len(bids), len(asks)
        while True:
            if bid_lots > ask_lots:
                if at_ask == ask_count or (at_bid and asks[at_ask][0] > bids[at_bid - 1][0]):
                    break
                ask_lots += asks[at_ask][1]
                at_ask += 1
            elif bid_lots < ask_lots:
                if at_bid == bid_count or (at_ask and bids[at_bid][0] < asks[at_ask - 1][0]):
                    break
                bid_lots += bids[at_bid][1]
                at_bid += 1
            else:
                if at_bid == bid_count or at_ask == ask_count or bids[at_bid][0] < asks[at_ask][0]:
                    break
                bid_lots += bids[at_bid][1]
                ask_lots += asks[at_ask][1]
                at_bid += 1
                at_ask += 1
        self.bid_lots, self.ask_lots, self.bids_taken, self.asks_taken = bid_lots, ask_lots, at_bid, at_ask
        # The last level of each side that is needed, and the next one, which is not; None: there is none.
        self.last_bid = bids[at_bid - 1] if at_bid else None
        self.last_ask = asks[at_ask - 1] if at_ask else None
        self.next_bid = bids[at_bid] if at_bid < bid_count else None
        self.next_ask = asks[at_ask] if at_ask < ask_count else None


def price_of(met: Meeting, reference: int, ticks: TickTable, price_max: int) -> AuctionPrice:
    """Return price, volume and surplus once the lots have met; O(1). The arguments are those of `auction_price`."""
    volume = min(met.bid_lots, met.ask_lots)
    if not volume:
        return NO_PRICE
    surplus = met.bid_lots - met.ask_lots
    if surplus > 0:
        return _of_excess_bids(met, volume, surplus, reference, ticks, price_max)
    if surplus < 0:
        return _of_excess_asks(met, volume, surplus, reference, ticks)
    return _of_equal_lots(met, volume, reference, ticks, price_max)


def _of_excess_bids(
    met: Meeting, volume: int, surplus: int, reference: int, ticks: TickTable, price_max: int
) -> AuctionPrice:
    """All asks that can trade do: the highest price that leaves the fewest bids over."""
    if met.last_bid is not None:
        return AuctionPrice(met.last_bid[0], volume, surplus)
    # Market bids alone are too many. All asks trade, and above the best bid nobody else is left over.
    price = max(reference, 0 if met.last_ask is None else met.last_ask[0])
    if met.next_bid is not None:
        best, lots = met.next_bid
        price = max(price, _above(best, ticks, price_max), best)
        if price == best:
            surplus += lots
    return AuctionPrice(price, volume, surplus) if price else NO_PRICE


def _of_excess_asks(met: Meeting, volume: int, surplus: int, reference: int, ticks: TickTable) -> AuctionPrice:
    """All bids that can trade do: the lowest price that leaves the fewest asks over."""
    if met.last_ask is not None:
        return AuctionPrice(met.last_ask[0], volume, surplus)
    prices = [reference, 0 if met.last_bid is None else met.last_bid[0]]
    if met.next_ask is not None:
        best, _ = met.next_ask
        prices += [ticks.step_down(best), best]
    price = min(filter(None, prices), default=0)
    if met.next_ask is not None and price == met.next_ask[0]:
        surplus -= met.next_ask[1]
    return AuctionPrice(price, volume, surplus) if price else NO_PRICE


def _of_equal_lots(met: Meeting, volume: int, reference: int, ticks: TickTable, price_max: int) -> AuctionPrice:
    """As many lots are bid as asked: any price between the last levels, and between the next ones if those are near."""
    low = 0 if met.last_ask is None else met.last_ask[0]
    high = 0 if met.last_bid is None else met.last_bid[0]
    # A next level within these prices is one whose lots would be left over there.
    bid = met.next_bid if met.next_bid is not None and met.next_bid[0] >= low else None
    ask = met.next_ask if met.next_ask is not None and (not high or met.next_ask[0] <= high) else None
    lowest, highest = low, high
    has_room = True
    if bid is not None:
        lowest = _above(bid[0], ticks, price_max)
        has_room = lowest != 0
    if ask is not None:
        highest = ticks.step_down(ask[0])
        has_room = has_room and highest != 0
    if has_room and (not lowest or not highest or lowest <= highest):
        price = _nearest(reference, lowest, highest)
        return AuctionPrice(price, volume, 0) if price else NO_PRICE
    if ask is None or (bid is not None and bid[1] < ask[1]):
        assert bid is not None
        return AuctionPrice(bid[0], volume, bid[1])
    if bid is None or ask[1] < bid[1]:
        return AuctionPrice(ask[0], volume, -ask[1])
    price = _nearest(reference, bid[0], ask[0])
    return AuctionPrice(price, volume, bid[1] if price == bid[0] else -ask[1])


def _above(price: int, ticks: TickTable, price_max: int) -> int:
    """Return the next price; 0: there is none."""
    above = ticks.step_up(price)
    return above if above <= price_max else 0


def _nearest(reference: int, lowest: int, highest: int) -> int:
    """Return the price from `lowest` to `highest` (0: no such bound) that is nearest to the reference."""
    if not reference:
        return lowest or highest
    if lowest and reference < lowest:
        return lowest
    return highest if highest and reference > highest else reference
