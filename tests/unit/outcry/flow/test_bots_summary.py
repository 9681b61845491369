"""What a crowd says at its end."""

from __future__ import annotations

from openoutcry.wire.types import Code
from outcry.flow.aio.bots import Bots
from outcry.flow.aio.bots_command import summary
from outcry.flow.market_tape import TapeCounts


def test_bots_say_what_they_did() -> None:
    """They ended without a word, whatever had come of it."""
    bots = Bots("redis://127.0.0.1:1/0", rate=200, hot=False, seed=1)
    bots.tape.changes, bots.tape.trades, bots.commands_sent = 12_300, 460, 30_000
    bots.tape.refused[Code.BUSY] = 2
    bots.special.told = lambda: {"stops": 1_200, "stops triggered": 3}  # type: ignore[method-assign]
    assert summary(bots, TapeCounts(300, 0, 0, 60, 0), 60.0).splitlines() == [
        "12,000 book changes (200/s) and 400 trades in 60.0 s; 30,000 commands sent in all",
        "1,200 stops, 3 stops triggered",
        "2 refused by the engine: busy",
    ]
