"""What has come to its end is delisted for everybody, and what followed it by name has ended."""

from __future__ import annotations

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status
from openoutcry.wire.types import MarketState
from services.gateway.replica import Changes, MarketReplica
from shared.logs.packet import PACKET_VERSION, FeedId, Packet


def test_a_status_of_delisted_ends_what_follows_the_instrument() -> None:
    """It stays known: accounts have traded it, and a late joiner is told its state."""
    market = MarketReplica()
    listed = Packet(PACKET_VERSION, 0, 0, 1, "1-0", 5, [], [], [], [], [], [Instrument("OPT")])
    market.apply(FeedId(1, 1), listed, 5, Changes())
    changes = Changes()
    over = Status("OPT", MarketState.DELISTED, "expired", 9)
    market.apply(FeedId(1, 2), Packet(PACKET_VERSION, 0, 1, 2, "2-0", 9, [], [], [], [], [over], []), 9, changes)
    assert (changes.delisted, changes.statuses) == (["OPT"], [over])
    assert market.instruments["OPT"].status() == over
