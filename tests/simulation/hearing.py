"""What one simulated user hears beside its books, compared with what the feed has told.

Owns the question whether a trade may be missing: only where the exchange has said so, or nothing was promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openoutcry.events import (
    ExecutionSeen,
    StatusChanged,
    SubscriptionAccepted,
    TickerChanged,
    TradeSeen,
    TradesMissing,
    TransferSeen,
)
from openoutcry.wire.types import MarketState

if TYPE_CHECKING:
    from openoutcry.feed_session import FeedSession
    from tests.simulation.history import History


class Hearing:
    """
    One user's ear.

    Args:
        name: The user's.
        history: The truth.
    """

    def __init__(self, name: str, history: History) -> None:
        self._name = name
        self._history = history
        self._trade_epochs: dict[str, int] = {}
        """Instrument to the epoch of its last trade on the present subscription."""
        self._announced: dict[str, int] = {}
        """Instrument to the last trade that was said to be missing."""

    def left(self) -> None:
        """The connection has ended: nothing was promised of what comes until the next one."""
        self._trade_epochs.clear()
        self._announced.clear()

    def check(self, event: object, session: FeedSession) -> None:
        """
        Compare one event of a session whose bytes are as they were sent.

        Raises:
            AssertionError: If the feed has told nothing of the kind.
        """
        told, name = self._history.told, self._name
        match event:
            case ExecutionSeen(execution):
                assert told.knows_execution(name, execution), f"{name} is told of {execution}, which never was"
            case TransferSeen(transfer):
                assert told.knows_transfer(name, transfer), f"{name} is told of {transfer}, which never was"
            case TickerChanged(ticker):
                assert told.knows_ticker(ticker), f"{name} is told {ticker}, which never was"
            case StatusChanged(status) if status.instrument is not None:
                if status.state == MarketState.RESYNCING:
                    self._announced[status.instrument] = int(status.reason.split()[3])
                else:
                    assert told.knows_state(status), f"{name} is told {status}, which never was"
            case SubscriptionAccepted("trades", _):
                self.left()
            case TradesMissing(instrument, first, last):
                followed = self._trade_epochs.get(instrument) == self._epoch(session, instrument)
                is_announced = self._announced.get(instrument, 0) >= last
                assert is_announced or not followed, f"{name} misses trades {first} to {last} of {instrument}"
            case TradeSeen(trade):
                assert told.knows_trade(trade), f"{name} is told {trade}, which never was"
                self._trade_epochs[trade.instrument] = self._epoch(session, trade.instrument)

    def _epoch(self, session: FeedSession, instrument: str) -> int:
        view = session.books.get(instrument)
        return view.book.epoch if view is not None else 0
