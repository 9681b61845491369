"""A market with a share, an option on it, and holders of both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status, Transfer
from openoutcry.wire.types import Code
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import ListInstrument, Tick
from shared.logs.events import Event, PrivateTransfer
from shared.logs.option_commands import Exercise, SetSettlementPrice
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import code, outcome

SHARE = "SHARE"
OPTION = "SHARE-C-120"
DAY = "2027-03-19"
EXPIRES_AT = int(datetime(2027, 3, 19, 16, 35, tzinfo=UTC).timestamp()) * 1_000_000
SECOND_US = 1_000_000


class OptionMarket(Floor):
    """SHARE, in cents, and an option to buy 10 of it a lot at 120.00, which expires on DAY."""

    def __init__(self, **terms: Any) -> None:
        super().__init__()
        self.time = EXPIRES_AT - 3600 * SECOND_US
        self.does(Tick)
        assert code(self.does(ListInstrument, Instrument(SHARE))) is Code.OK
        listed = self.lists(OPTION, **terms)
        assert listed.code is Code.OK, listed

    def lists(self, symbol: str, currency: str = "USD", **terms: Any) -> Any:
        given = {
            "underlying": SHARE,
            "right": "call",
            "strike": 12_000,
            "expiry": DAY,
            "expires_at": EXPIRES_AT,
            "multiplier": 10,
            **terms,
        }
        return outcome(self.does(ListInstrument, Instrument(symbol, "option", currency=currency, option=given)))

    def exercise(self, user: str, lots: int, exercise_id: str = "e1", symbol: str = OPTION) -> list[Event]:
        return self.does(Exercise, user, exercise_id, symbol, lots)

    def settles(self, price: int, day: str = DAY, symbol: str = SHARE) -> list[Event]:
        return self.does(SetSettlementPrice, "root", symbol, day, price)

    def expires(self, after_us: int = 0) -> list[Event]:
        self.time = EXPIRES_AT + after_us
        events = self.does(Tick)
        self.engine.check_invariants()
        return events

    def stored(self) -> None:
        """Go on from a checkpoint."""
        self.engine.take_changed()
        self.engine = decode_checkpoint(encode_checkpoint(Checkpoint(self.engine, 1, "store"))).engine

    def lots(self, user: str, symbol: str = OPTION) -> int:
        holding = self.account(user).holdings.get(symbol)
        return holding.lots if holding is not None else 0


def statuses(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(each.instrument or "", each.state.value, each.reason) for each in events if isinstance(each, Status)]


def moved(events: list[Event], user: str) -> list[tuple[str, str, str]]:
    """Kind, asset and amount of what came to a user, or left."""
    found: list[Transfer] = [
        each.transfer for each in events if isinstance(each, PrivateTransfer) and each.user == user
    ]
    return [(each.kind.value, each.asset, each.amount) for each in found]
