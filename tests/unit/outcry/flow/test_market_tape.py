from __future__ import annotations

from openoutcry.wire.messages import Trade
from openoutcry.wire.types import Code, NoSide, Side
from outcry.flow.market_tape import MarketTape, TapeCounts
from shared.logs.events import BookChange, Outcome
from shared.logs.packet import PACKET_VERSION, Packet


def packet(changes: list[BookChange], outcomes: list[Outcome] | None = None) -> Packet:
    return Packet(PACKET_VERSION, 99, 0, 1, "1-0", 0, changes, [], [], outcomes or [], [], [])


def test_a_merged_change_counts_all_that_it_merges() -> None:
    """Otherwise a busy engine, which merges more, would seem to do less."""
    tape = MarketTape("bots")
    tape.add(packet([BookChange("A", 10, 17, [], [], 0), BookChange("B", 1, 2, [], [], 0)]))
    tape.add(packet([BookChange("A", 17, 18, [], [], 0)]))
    assert tape.counts == TapeCounts(changes=9, deltas=3, packets=2, trades=0, auction_trades=0)
    assert tape.seqs == {"A": 18, "B": 2}
    assert tape.epoch == 99


def test_counts_what_was_refused_of_its_own_alone() -> None:
    tape = MarketTape("bots")
    mine = Outcome("bots", 1, Code.UNKNOWN_ORDER, "", 0, 0)
    tape.add(packet([], [mine, mine._replace(source="gateway"), mine._replace(code=Code.OK)]))
    assert tape.refused == {Code.UNKNOWN_ORDER: 1}


def test_trades_of_auctions_are_counted_apart() -> None:
    tape = MarketTape("bots")
    trades = [Trade("A", 1, n, 0, 100, 1, side) for n, side in ((1, Side.BID), (2, NoSide.NONE), (3, NoSide.NONE))]
    tape.add(packet([])._replace(trades=trades))
    assert (tape.counts.trades, tape.counts.auction_trades) == (3, 2)
