"""What a replay says at its end."""

from __future__ import annotations

from pathlib import Path

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Trade
from openoutcry.wire.types import Side
from outcry.flow.aio.replay import Replay
from outcry.flow.aio.replay_command import summary
from outcry.flow.lobster_orders import LobsterOrders
from shared.logs.packet import PACKET_VERSION, Packet


def a_replay() -> Replay:
    """One that has begun, and sent nothing."""
    replay = Replay("redis://127.0.0.1:1/0", Path("day.csv"), "NEW", None)
    replay.orders = LobsterOrders(Instrument("NEW"), replay.source)
    replay._is_prepared = True
    return replay


def test_trades_are_those_of_its_instrument() -> None:
    """Those of the whole market were told as its own, and a book that nobody had touched as one at seq 0."""
    replay = a_replay()
    trades = [Trade(symbol, 1, 1, 1, 100, 5, Side.BID) for symbol in ("NEW", "OTHER", "OTHER")]
    made = Packet(PACKET_VERSION, 1, 0, 1, "1-0", 1, [], trades, [], [], [], [])
    replay.tape.add(made)
    replay.observe(made)
    assert summary(replay, 1.0).splitlines()[1] == "NEW made 1 trades and its book did not change"
    replay.tape.seqs["NEW"] = 1_234
    assert summary(replay, 1.0).splitlines()[1] == "NEW made 1 trades and is at seq 1,234"
