"""One small day of a company's market, with everything in it that a ledger writes; and its record in a database."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import (
    BANK,
    ISSUER,
    MarketState,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_writer import LedgerWriter
from services.ledger.aio.migration import migrate
from services.ledger.aio.recorder import Recorder
from services.ledger.proof.block_chain import BlockChain
from services.ledger.proof.signing_keys import HeadSigner, VerifyingKeys
from services.ledger.schema import ledger_info
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.logs.commands import (
    CancelOrder,
    Confirm,
    ListInstrument,
    PlaceOrder,
    PlaceSpecial,
    Propose,
    ProposedAction,
    ReadMarket,
    ReplaceOrder,
    SetMarketState,
    Tick,
)
from shared.logs.engine_version import ENGINE_VERSION, BeginVersion
from shared.logs.feed_entry import decode_feed_entry
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.mass_quote import MassQuote
from shared.logs.packet import FeedId
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetRule
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule
from tests.integration.ledger.small_ledger import SALTS
from tests.property.recorded_market import Recording

DAY: Final = "2026-11-20"
DAY_MS: Final = 1_795_132_800_000
"""Where it begins, UTC."""
ACME: Final = Instrument("ACME", name="Acme", price_max=1_000_000, quantity_max=10_000)
IDEA: Final = Instrument("IDEA-7", "internal", "An idea", tick_size="0.000001", lot_size=10)
SIGNER: Final = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYS: Final = VerifyingKeys({SIGNER.key_id: SIGNER.public_key})
USERS: Final = ("ann", "bob", "cat")


class RecordedDay:
    """A leader at work; each command is an entry of the log, a second after the one before unless told otherwise."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.engine.begin_epoch(881)
        self.recording = Recording(PacketBuilder(self.engine))
        self.ms = DAY_MS + 8 * 3_600_000
        self.marks: list[tuple[Any, ...]] = []
        self._number = 0
        self.recording.take(marker=True)
        self.mark()

    def does(self, kind: Any, *fields: Any, after_ms: int = 1000) -> None:
        self.ms += after_ms
        self._number += 1
        self.recording.apply(kind("gateway", self._number, *fields), self.ms)

    def takes(self) -> None:
        """End a packet."""
        self.recording.take()

    def mark(self) -> None:
        data = encode_checkpoint(Checkpoint(self.engine, self.recording.term, "store"))
        engine = self.engine
        sha256 = hashlib.sha256(data).digest()
        self.marks.append((1, engine.position, engine.log_id, engine.time, ENGINE_VERSION, data, sha256))

    def orders(self, user: str, side: Side, price: int, lots: int, symbol: str = "ACME", **rules: Any) -> None:
        self._number += 1
        times = rules.get("time_in_force", TimeInForce.GTC)
        kind = OrderKind.LIMIT if price else OrderKind.MARKET
        self._number -= 1
        name = f"{user}-{self._number + 1}"
        self.does(PlaceOrder, user, symbol, name, side, kind, price, lots, times, False, rules.get("policy", _NEWEST))

    def proposes(self, actor: str, name: str, *actions: Any) -> None:
        self.does(Propose, actor, name, tuple(ProposedAction(*each) for each in actions))


_NEWEST: Final = SelfTradePrevention.CANCEL_NEWEST


def whole_day(rounds: int = 6) -> RecordedDay:
    """Have the day happen: a morning of administration, an opening call, trading, a halt, and the close."""
    day = RecordedDay()
    day.does(BeginVersion, 1)
    _morning(day)
    day.takes()
    opens = DAY_MS * 1000 + 9 * 3_600_000_000
    steps = ((-600, "open_call"), (0, "uncross"), (0, "continuous"), (3600, "close_call"), (3900, "uncross"))
    planned = [ScheduledStep(DAY, opens + second * 1_000_000, step) for second, step in (*steps, (3960, "close"))]
    day.proposes("adam", "p-day", ("set_schedule", SetSchedule("", 0, "", "berlin", "2026.3", tuple(planned))))
    day.does(Confirm, "eve", "p-day")
    day.takes()
    day.ms = DAY_MS + 8 * 3_600_000 + 3_100_000
    day.does(Tick, 0)
    day.orders("ann", Side.BID, 10_200, 50)
    day.orders("bob", Side.ASK, 10_050, 40)
    day.takes()
    day.ms = DAY_MS + 9 * 3_600_000 + 5_000
    day.does(EndCall, "", "ACME", 0, False)
    day.takes()
    for number in range(rounds):
        _round(day, number)
        if number == rounds // 2:
            day.recording.term += 7
            day.recording.take(marker=True)
            day.mark()
    _evening(day)
    return day


def _morning(day: RecordedDay) -> None:
    for listed in (ACME, IDEA):
        day.does(ListInstrument, listed)
    day.does(BeginAccounts, "root", True)
    for user in USERS:
        _gives(day, user, "USD", 500_000_000_000)
        _gives(day, user, "ACME", 500)
    day.takes()
    day.does(SetGroups, "root", "ann", ("board", "staff"))
    day.does(SetLimits, "root", "cat", "", None, Limits(order_quantity_max=400, may_short=20))
    fields = (10_100, 2_000, ((1, 1),), 500, 1_000, 5, 60, 30, 0, 30, 0, "berlin")
    day.does(SetTerms, "root", "ACME", *fields)
    rule = SetRule("", 0, "", "Q4", RuleKind.BLACKOUT, ("board",), ("IDEA-7",), 0, 0, RuleParameters(), True)
    day.proposes("compliance-1", "p-q4", ("set_rule", rule))
    until_us = (DAY_MS + 40 * 3_600_000) * 1000
    cleared = SetClearance("", 0, "", "C-17", "ann", "ACME", Side.ASK, 100, 0, until_us)
    day.proposes("compliance-1", "p-c17", ("set_clearance", cleared))
    day.takes()
    day.does(Confirm, "compliance-2", "p-q4", True)
    day.does(Confirm, "compliance-1", "p-c17", True)
    day.does(Confirm, "compliance-2", "p-c17", True)
    day.orders("ann", Side.BID, 100, 5, "IDEA-7")
    day.takes()


def _gives(day: RecordedDay, user: str, asset: str, amount: int) -> None:
    kind, source = (TransferKind.DEPOSIT, BANK) if asset == "USD" else (TransferKind.GRANT, ISSUER)
    day.does(MakeTransfer, "root", f"{user}-{asset}", kind, asset, source, user, amount, 0, "a start", False)


def _round(day: RecordedDay, number: int) -> None:
    """Quotes, fills, partial fills, replaces, cancels, refusals, a stop."""
    price = 10_080 + number
    day.does(MassQuote, "cat", f"q-{number}", (QuotedPair("ACME", price - 3, 5, price + 3, 5),))
    day.orders("ann", Side.BID, price, 9)
    day.orders("bob", Side.ASK, price - 2, 4)
    day.takes()
    day.orders("bob", Side.ASK, price + 1, 700 if number == 1 else 7)
    day.does(ReplaceOrder, "bob", 0, f"bob-{day._number}", price + 2, 9)
    day.orders("bob", Side.ASK, 0, 3, time_in_force=TimeInForce.IOC)
    day.does(CancelOrder, "ann", 0, f"ann-{day._number - 4}")
    day.takes()
    special = (0, 0, 0, "", 0, "")
    stop = (price - 20, *special[1:])
    limit = (OrderKind.LIMIT, price - 25, 2, TimeInForce.GTC, False, _NEWEST)
    day.does(PlaceSpecial, "cat", "ACME", f"stop-{number}", Side.ASK, *limit, *stop)
    last = (OrderKind.LIMIT, price - 8, 3, TimeInForce.DAY, False, _NEWEST)
    day.does(PlaceSpecial, "ann", "ACME", f"day-{number}", Side.BID, *last, *special)
    day.orders("ann", Side.BID, 99_999, 1)
    day.does(CancelOrder, "bob", 0, "nothing")
    day.does(Tick, 0)
    day.takes()


def _evening(day: RecordedDay) -> None:
    halt = ("set_market_state", SetMarketState("", 0, "IDEA-7", MarketState.HALTED, "news pending"))
    day.proposes("adam", "p-halt", halt)
    day.does(ReadMarket, "eve", 0)
    day.takes()
    for second in (3600, 3905, 3961, 3990):
        day.ms = DAY_MS + 9 * 3_600_000 + second * 1000
        day.does(Tick, 0)
        if second == 3600:
            day.orders("ann", Side.BID, 10_090, 6)
            day.orders("bob", Side.ASK, 10_080, 6)
        if second == 3905:
            day.does(EndCall, "", "ACME", 0, False)
        day.takes()
    day.mark()


def recorded_in(url: str, day: RecordedDay, marks: Sequence[int] | None = None) -> None:
    """
    Have the ledger's own writer write a day.

    Args:
        url: Of a database that is not there yet.
        day: Which.
        marks: Which of its marks are kept; None: all.
    """
    address = database_url(url)
    migrate(address)
    with open_engine(address, writes=True).connect() as connection:
        with connection.begin():
            owner = [{"name": "product", "value": "test"}, {"name": "shard", "value": "0"}]
            connection.execute(ledger_info.insert(), owner)
        writer = LedgerWriter(connection, 0, lambda _: BlockChain("test", 0, SALTS, SIGNER))
        recorder = Recorder(writer)
        log, feed = deque(day.recording.entries), day.recording.feed
        for first in range(0, len(feed), 5):  # five packets a block
            entries = [decode_feed_entry("feed", *stored) for stored in feed[first : first + 5]]
            recorder.record(entries, log)
        for number, row in enumerate(day.marks):
            if marks is None or number in marks:
                writer.write_mark(row)
    assert FeedId.parse(feed[-1][0]).position == day.engine.position
