"""What the screen shows at one moment: taken from the latest state, whatever came in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Status
from outcry.terminal.account_rows import ListRow
from outcry.terminal.delays import Delay
from outcry.terminal.ladder_rows import LadderRow
from outcry.terminal.standing import ConnectionWords
from outcry.terminal.ticket_check import TicketSetting


@dataclass(frozen=True, slots=True)
class Picture:
    """A moment."""

    instrument: Instrument
    standing: ConnectionWords
    delay: Delay | None
    is_stale: bool
    """Whether the book cannot be vouched for."""
    status: Status | None
    auction: Auction | None
    bids: Sequence[LadderRow]
    """Best first."""
    asks: Sequence[LadderRow]
    setting: TicketSetting
    last: int
    """Price of the last trade, ticks; 0: none is known."""
    lists: dict[str, Sequence[ListRow]] = field(default_factory=dict)
    """Rows by the list's name."""
    account_is_stale: bool = False
