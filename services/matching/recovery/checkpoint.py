"""The engine's complete state as bytes, and back.

It holds everything that recovery needs beside the tail of the command log: instruments with every queue in order,
accounts, the windows of repetition, when users were last seen, all counters. It has three parts: version, CRC-32 of the
content, and content (msgpack), which begins with the checkpoint's own description. A checkpoint of another version or
with another sum is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgpack

from openoutcry.wire.account import cash_texts, millionths
from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import MarketState
from services.matching.accounts.account import UserAccount
from services.matching.book.order import Order
from services.matching.engine import Engine
from services.matching.floor import EngineConfig
from services.matching.idempotency import ClientOrderIds, OrderIdRows, Sources
from services.matching.presence import Presence
from services.matching.recovery.accounting_rows import accounting_rows, restore_accounting, restore_proposals
from services.matching.recovery.order_rows import made_order, order_row
from services.matching.recovery.parts import part_rows, restore_parts
from services.matching.traded_instrument import TradedInstrument
from shared.trade_statistics import TradeStatistics

CHECKPOINT_VERSION: Final = 5
VERSIONS_READ: Final = (2, 3, 4, CHECKPOINT_VERSION)
"""Version 4 had no named parts. Version 3 knew no accounts of what is held, and no terms. Version 2 held the last 32768
client order ids of the market, without their orders and without time; and of markets neither when their state was set
nor where their trades stood as the epoch began."""
HEAD_BYTES_MAX: Final = 1_024
"""More than the first fields take. Damage may make one of them an array that announces any length, and memory for it is
taken at once: found by fuzzing, 800 MB."""
_MALFORMED: Final = (ValueError, TypeError, msgpack.UnpackException)


class Checkpoint(NamedTuple):
    """An engine at a position, and who wrote it."""

    engine: Engine
    term: int
    """Of the leader that wrote it."""
    store_id: str
    """The store's replication id when it was written: another one now means that the store may have lost its tail."""
    shard: int = 0
    """Whose market it is."""


class CheckpointHead(NamedTuple):
    """What a checkpoint says of itself; its first fields, in this order."""

    shard: int
    term: int
    store_id: str
    epoch: int
    position: int
    """Commands that it holds."""
    log_id: str
    """The command log's last entry that it holds."""


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """
    Pack; O(orders and accounts).

    The engine must be between two packets: changes of books that are in no packet yet would be lost.
    """
    engine = checkpoint.engine
    content = msgpack.packb(
        (
            checkpoint.shard,
            checkpoint.term,
            checkpoint.store_id,
            engine.epoch,
            engine.position,
            engine.log_id,
            engine.config,
            engine.time,
            engine.last_order_id,
            [_market_row(market) for market in engine.instruments.values()],
            [_account_row(account) for account in engine.accounts.values()],
            engine.sources.rows(),
            engine.client_order_ids.rows({user: place for place, user in enumerate(engine.accounts)}),
            (engine.presence.ticks, engine.presence.rows()),
            accounting_rows(engine),
            engine.decisions.proposals.rows(),
            part_rows(engine),
        )
    )
    packed: bytes = msgpack.packb((CHECKPOINT_VERSION, crc32(content), content))
    return packed


def decode_checkpoint(data: bytes) -> Checkpoint:
    """
    Unpack; O(orders and accounts).

    Raises:
        MalformedMessage: If the bytes are not a checkpoint of this version, or have been damaged.
    """
    try:
        version, content = _checked_content(data)
        return _checkpoint(version, msgpack.unpackb(content))
    except (*_MALFORMED, ConfigurationError, LookupError, AttributeError, ArithmeticError, AssertionError) as error:
        # What a wrong value meets first on its way into an engine: whoever made its checksum right knew nothing more.
        raise MalformedMessage(f"no checkpoint: {error!r}") from error


def read_head(data: bytes) -> CheckpointHead:
    """
    Read a checkpoint's first fields alone; O(its bytes) for the sum, and no more than that.

    Raises:
        MalformedMessage: As `decode_checkpoint`.
    """
    try:
        return _head(_checked_content(data)[1])
    except _MALFORMED as error:
        raise MalformedMessage(f"no checkpoint: {error!r}") from error


def read_config(data: bytes) -> EngineConfig:
    """
    Read the rules that a checkpoint's market goes by; as `read_head`.

    Raises:
        MalformedMessage: As `decode_checkpoint`.
    """
    try:
        fields = _first_fields(_checked_content(data)[1])
        for _ in CheckpointHead._fields:
            fields.skip()
        return EngineConfig(*fields.unpack())
    except _MALFORMED as error:
        raise MalformedMessage(f"no checkpoint: {error!r}") from error


def position_told(data: bytes) -> int | None:
    """Return the position that a checkpoint which was refused says it has, if that can be read; for people only."""
    try:
        _, _, content = msgpack.unpackb(data)
        position: object = _head(content).position  # whatever stands there
    except _MALFORMED:
        return None
    return position if isinstance(position, int) else None


def _head(content: bytes) -> CheckpointHead:
    fields = _first_fields(content)
    return CheckpointHead._make(fields.unpack() for _ in CheckpointHead._fields)


def _first_fields(content: bytes) -> msgpack.Unpacker:
    fields = msgpack.Unpacker(max_buffer_size=HEAD_BYTES_MAX)
    fields.feed(content[:HEAD_BYTES_MAX])
    fields.read_array_header()
    return fields


def _checked_content(data: bytes) -> tuple[int, bytes]:
    version, checksum, content = msgpack.unpackb(data)
    if version not in VERSIONS_READ:
        raise ValueError(f"version {version!r}, this program reads {' and '.join(map(str, VERSIONS_READ))}")
    if crc32(content) != checksum:
        raise ValueError("its checksum differs from its content's")
    return version, bytes(content)


def _market_row(market: TradedInstrument) -> tuple[Any, ...]:
    book = market.book
    return (
        market.instrument,
        (market.state, market.reason, market.state_time),
        market.changed_at,
        market.statistics.row(),
        (book.seq, book.trade_id, market.epoch_trade_id),
        # By priority: best price first, and at a price first come first. So placing them again restores the queues.
        [order_row(order) for order in book.by_priority()],
        (market.terms_time, market.reference, market.collar_bp),
    )


def _account_row(account: UserAccount) -> tuple[Any, ...]:
    # Cash outgrows msgpack's 64 bits: a few hundred trades at the limits of price and quantity are enough.
    return account.user, account.user_seq, account.positions, cash_texts(account.cash), account.cancel_on_disconnect


def _checkpoint(version: int, content: list[Any]) -> Checkpoint:
    head = CheckpointHead._make(content[: len(CheckpointHead._fields)])
    if version < 4:
        content = [*content, None, None]
    if version < 5:
        content = [*content, {}]
    config, time, last_order_id, markets, accounts, sources, ids, (ticks, seen), *administration = content[len(head) :]
    accounting, proposals, parts = administration
    engine = Engine(EngineConfig(*config))
    engine.epoch, engine.position, engine.log_id, engine.time = head.epoch, head.position, head.log_id, time
    engine.last_order_id = last_order_id
    engine.sources = Sources((source, number) for source, number in sources)
    engine.presence = Presence(ticks, ((user, tick) for user, tick in seen))
    orders: list[Order] = []
    for row in markets:
        market = _market(_ROWS[version](row))
        engine.instruments[market.instrument.symbol] = market
        orders += market.book.orders.values()
    restore_accounting(engine, accounting)
    restore_proposals(engine, proposals)
    for user, user_seq, positions, cash, cancel_on_disconnect in accounts:
        account = engine.account(user)
        account.user_seq, account.positions = user_seq, positions
        account.cancel_on_disconnect = cancel_on_disconnect
        account.cash = {currency: millionths(amount) for currency, amount in cash.items()}
    for order in sorted(orders, key=_order_id):
        engine.account(order.user).opened(order, engine.instruments[order.instrument], rests=True)
    rows = OrderIdRows._make(ids) if version > VERSIONS_READ[0] else _rows_of_version_2(engine, ids)
    engine.client_order_ids = ClientOrderIds.restored(rows, list(engine.accounts.values()))
    restore_parts(engine, parts)
    return Checkpoint(engine, head.term, head.store_id, head.shard)


def _rows_of_version_2(engine: Engine, ids: list[tuple[str, str]]) -> OrderIdRows:
    """Take the ids as if accepted now, so that they are known for a whole window, and their orders if they rest."""
    accounts = [engine.account(user) for user, _ in ids]
    places = {user: place for place, user in enumerate(engine.accounts)}
    names = [name for _, name in ids]
    order_ids = [account.first_order(name) or 0 for account, name in zip(accounts, names, strict=True)]
    return OrderIdRows([places[account.user] for account in accounts], names, order_ids, [], 0)


def _row_of_version_2(row: list[Any]) -> list[Any]:
    instrument, state, reason, changed_at, statistics, (seq, trade_id), orders = row
    return _row_of_version_3([instrument, (state, reason, 0), changed_at, statistics, (seq, trade_id, 0), orders])


def _row_of_version_3(row: list[Any]) -> list[Any]:
    return [*row, (0, 0, 0)]


_ROWS: Final[dict[int, Callable[[list[Any]], list[Any]]]] = {
    2: _row_of_version_2,
    3: _row_of_version_3,
    4: list,
    CHECKPOINT_VERSION: list,
}


def _market(row: list[Any]) -> TradedInstrument:
    instrument, (state, reason, state_time), changed_at, statistics, numbers, orders, terms = row
    seq, trade_id, epoch_trade_id = numbers
    market = TradedInstrument(Instrument(*instrument).checked())
    market.state, market.reason, market.state_time = MarketState(state), reason, state_time
    market.set_state, market.set_reason = market.state, reason
    market.changed_at, market.epoch_trade_id = changed_at, epoch_trade_id
    market.terms_time, market.reference, market.collar_bp = terms
    last, opening, high, low, volume = statistics
    market.statistics = TradeStatistics(last, opening, high, low, volume)
    market.book.restore([made_order(order) for order in orders], seq, trade_id)
    return market


def _order_id(order: Order) -> int:
    return order.order_id
