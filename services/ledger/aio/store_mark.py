"""Checkpoints of the store: marks of the ledger's record, and where it goes on when packets are missing."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

import structlog

from openoutcry.wire.account import millionths, tick_value
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from services.ledger.balances import HoldingRow, PurseRow, TradedTerms
from services.ledger.checkpoint_head import MarkHead, read_mark_head
from services.ledger.fork import WriterPlace
from shared.aio.redis_line import RedisLine
from shared.logs.engine_version import ENGINE_VERSION
from shared.logs.snapshots import decode_accounts, decode_listing
from shared.logs.stream_keys import StreamKeys

MARK_COMMANDS: Final = 100_000
"""
A mark each so many commands.

The time machine replays up to so many and one checkpoint of the engine more: 2 s for any moment. A verification of a
part begins at a mark, and several parts are looked at at once. A mark of 20,000 open orders has 3 MB, a tenth of what
the commands take.
"""
MARK_S: Final = 600.0
"""And each so many seconds in which anything changed."""


class StoredMark(NamedTuple):
    """A checkpoint, verbatim."""

    head: MarkHead
    data: bytes

    def row(self) -> tuple[Any, ...]:
        """Return the columns of `mark` behind history and position."""
        sha256 = hashlib.sha256(self.data).digest()
        return self.head.log_id, self.head.time, ENGINE_VERSION, self.data, sha256


class MarketStanding(NamedTuple):
    """Where the market stands by the store's newest checkpoint."""

    mark: StoredMark
    holdings: list[HoldingRow]
    purses: list[PurseRow]
    listing: list[Instrument]

    @property
    def terms(self) -> dict[str, TradedTerms]:
        """Return what money each listed instrument is worth."""
        return {each.symbol: TradedTerms(tick_value(each), each.currency) for each in self.listing}

    def accounts(self, history: int) -> list[tuple[Any, ...]]:
        """Return rows of `gap_account`."""
        at = history, self.mark.head.position
        lots = [(*at, each.user, each.instrument, each.lots, each.cost) for each in self.holdings]
        return lots + [(*at, each.user, each.currency, each.amount, 0) for each in self.purses]

    def place(self, before: WriterPlace | None, history: int, shard: int) -> WriterPlace:
        """Return the place of a ledger that goes on from here."""
        head = self.mark.head
        return WriterPlace(
            shard, history, head.epoch, head.term, head.position, f"{head.term}-{head.position}", head.log_id,
            head.time, before.block if before else 0, before.chain if before else b"",
        )  # fmt: skip


class StoredMarks:
    """
    Reads them.

    Args:
        line: Of nobody else.
        keys: The shard's keys.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys) -> None:
        self._line = line
        self._keys = keys

    async def newest(self) -> StoredMark | None:
        """Return the newest checkpoint; None if there is none, or it was damaged, which its engine reports."""
        (data,) = await self._line.get_values([self._keys.checkpoint])
        return self._read(data)

    async def standing(self) -> MarketStanding | None:
        """Return the newest checkpoint with the accounts of the same moment; None if one of them is missing."""
        keys = [self._keys.checkpoint, self._keys.accounts, self._keys.listing]
        data, accounts_data, listing_data = await self._line.get_values(keys)
        mark = self._read(data)
        if mark is None or accounts_data is None or listing_data is None:
            return None
        try:
            return read_standing(mark, accounts_data, listing_data)
        except MalformedMessage as error:
            structlog.get_logger().error("the store's accounts or listing cannot be read", reason=str(error))
            return None

    def _read(self, data: bytes | None) -> StoredMark | None:
        if data is None:
            return None
        try:
            head = read_mark_head(data)
        except MalformedMessage as error:
            structlog.get_logger().error("a checkpoint of the store cannot be read", reason=str(error))
            return None
        return StoredMark(head, data) if head.shard == self._keys.shard else None


def read_standing(mark: StoredMark, accounts_data: bytes, listing_data: bytes) -> MarketStanding:
    """
    Return how a market stands, from what the store keeps of one moment.

    Raises:
        MalformedMessage: If accounts or listing cannot be read.
    """
    accounts, listing = decode_accounts(accounts_data), decode_listing(listing_data)
    position = mark.head.position
    holdings: list[HoldingRow] = []
    purses: list[PurseRow] = []
    for user, account in accounts.items():
        held = account.holdings
        costs = {symbol: millionths(row[-1]) for symbol, row in held.items()} if held is not None else {}
        holdings += [
            HoldingRow(user, symbol, lots, costs.get(symbol, 0), 0, position)
            for symbol, lots in account.positions.items()
        ]
        if held is not None:
            purses += [PurseRow(user, name, millionths(text), position) for name, text in account.cash.items()]
    return MarketStanding(mark, holdings, purses, listing)
