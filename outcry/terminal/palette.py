"""The screen's colours, on its own dark ground with a contrast of 7:1 or more. None says anything alone."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.types import Side

GOOD: Final = "#5fd787"
WARN: Final = "#ffc66d"
BAD: Final = "#ff8095"
CALL: Final = "#7fd4ff"
FAINT: Final = "#a8a8a8"
SIDES: Final = {Side.BID: GOOD, Side.ASK: BAD}
