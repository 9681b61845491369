"""The whole state as bytes; tests/property shows that a decoded engine continues identically."""

from __future__ import annotations

from zlib import crc32

import msgpack
import pytest

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.types import MarketState, SelfTradePrevention, Side
from services.matching.floor import EngineConfig
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import (
    CHECKPOINT_VERSION,
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    read_config,
)
from shared.logs.commands import SetMarketState
from tests.unit.services.matching.flow import Desk


def checkpoint_of(desk: Desk) -> bytes:
    take_changes(desk.engine)
    return encode_checkpoint(Checkpoint(desk.engine, 7, "store"))


def test_keeps_who_wrote_it_and_where_the_log_stands() -> None:
    """Recovery needs the term to rise above, the store to recognise, the place to read on from."""
    desk = Desk(open_orders_max=5)
    desk.engine.epoch, desk.engine.log_id = 99, "5-1"
    engine, term, store_id, shard = decode_checkpoint(checkpoint_of(desk))
    assert (term, store_id, shard) == (7, "store", 0)
    assert (engine.epoch, engine.log_id, engine.position, engine.time) == (99, "5-1", 1, desk.time)
    assert engine.config.open_orders_max == 5


def test_its_rules_are_read_without_the_orders() -> None:
    """A verification needs those of the mark where it ends, and none of its thousands of orders."""
    desk = Desk(open_orders_max=5)
    assert read_config(checkpoint_of(desk)) == desk.engine.config
    desk.engine._config = tuple(desk.engine.config)[:-2]
    assert read_config(checkpoint_of(desk)) == EngineConfig(open_orders_max=5)
    with pytest.raises(MalformedMessage):
        read_config(checkpoint_of(desk)[:-1])


def test_rules_that_a_checkpoint_does_not_know_take_their_default() -> None:
    """A checkpoint from before a rule must be read by whoever takes over with it."""
    desk = Desk(orders_met_max=7)
    assert decode_checkpoint(checkpoint_of(desk)).engine.config.orders_met_max == 7
    desk.engine._config = tuple(desk.engine.config)[:-2]
    assert decode_checkpoint(checkpoint_of(desk)).engine.config == EngineConfig()


def test_keeps_queues_in_order_of_priority() -> None:
    """An order that was replaced stands behind younger ones; ids do not tell the queue."""
    desk = Desk()
    for _ in range(3):
        desk.place("ann", Side.ASK, 100, 5, self_trade_prevention=SelfTradePrevention.CANCEL_BOTH, post_only=True)
    book = desk.engine.instruments["ACME"].book
    book.replace(1, quantity=6)
    restored = decode_checkpoint(checkpoint_of(desk)).engine
    again = restored.instruments["ACME"].book
    assert [order.order_id for order in again.asks.levels[100]] == [2, 3, 1]
    assert list(restored.accounts["ann"].orders) == [1, 2, 3]
    assert (again.orders[1].post_only, again.orders[1].self_trade_prevention) == (True, "cancel_both")
    assert (again.seq, again.digest, again.take_change()) == (book.seq, book.digest, None)
    restored.check_invariants()


def test_keeps_the_state_of_markets() -> None:
    """A halt survives its engine."""
    desk = Desk()
    desk.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    market = decode_checkpoint(checkpoint_of(desk)).engine.instruments["ACME"]
    assert (market.state, market.reason, market.state_time) == (MarketState.HALTED, "news", desk.time)
    assert desk.time


def test_keeps_where_the_trades_of_the_epoch_begin() -> None:
    """Whoever loads a snapshot of this epoch, and followed another one, is to know which trades they share."""
    desk = Desk()
    for _ in range(2):
        desk.place("ann", Side.ASK, 100, 1)
        desk.place("bob", Side.BID, 100, 1)
        desk.engine.begin_epoch(desk.engine.epoch + 1)
    desk.place("ann", Side.ASK, 100, 1)
    desk.place("bob", Side.BID, 100, 1)
    market = decode_checkpoint(checkpoint_of(desk)).engine.instruments["ACME"]
    assert (market.epoch_trade_id, market.book.trade_id) == (2, 3)
    state = market.book_state(desk.engine.epoch, "1-1")
    assert (state.epoch_trade_id, state.trade_id, state.state_time) == (2, 3, 0)


def test_keeps_cash_beyond_64_bits() -> None:
    """A few hundred trades at the limits of price and quantity are enough; msgpack's integers end there."""
    desk = Desk()
    desk.place("ann", Side.ASK, 100, 5)
    desk.place("bob", Side.BID, 100, 3)
    desk.engine.accounts["ann"].cash["USD"] = 10**25
    encoded = encode_checkpoint(Checkpoint(desk.engine, 9, "store"))
    again = decode_checkpoint(encoded).engine.accounts["ann"]
    assert again.cash["USD"] == 10**25
    assert again.message().cash == {"USD": f"1{'0' * 19}.000000"}


def test_reads_version_3() -> None:
    """It knew no accounts and no terms; all else is the same."""
    desk = Desk()
    desk.place("ann", Side.ASK, 100, 5, client_order_id="rests")
    written = checkpoint_of(desk)
    fields = msgpack.unpackb(msgpack.unpackb(written)[2])
    fields[9] = [row[:-1] for row in fields[9]]
    content = msgpack.packb(fields[:-3])
    engine = decode_checkpoint(msgpack.packb((3, crc32(content), content))).engine
    engine.check_invariants()
    assert engine.accounting is None
    assert encode_checkpoint(Checkpoint(engine, 9, "store")) == encode_checkpoint(Checkpoint(desk.engine, 9, "store"))


def test_reads_version_2() -> None:
    """An engine of this release goes on from a checkpoint of long ago: no order of its window is carried out twice."""
    desk = Desk()
    desk.place("ann", Side.ASK, 100, 5, client_order_id="rests")
    desk.place("bob", Side.BID, 100, 2, client_order_id="ended")
    version, _, content = msgpack.unpackb(checkpoint_of(desk))
    fields = msgpack.unpackb(content)
    assert version == CHECKPOINT_VERSION
    fields[6] = fields[6][:2]
    [instrument, (state, reason, _), changed_at, statistics, numbers, orders, _] = fields[9][0]
    fields[9] = [[instrument, state, reason, changed_at, statistics, numbers[:2], orders]]
    fields[12] = [("zoe", "gone"), ("ann", "rests"), ("bob", "ended")]
    content = msgpack.packb(fields[:-3])
    engine = decode_checkpoint(msgpack.packb((2, crc32(content), content))).engine
    known = {user: account.accepted_ids for user, account in engine.accounts.items()}
    assert known == {"ann": {"rests": 1}, "bob": {"ended": 0}, "zoe": {"gone": 0}}
    assert engine.client_order_ids.held == 3
    engine.check_invariants()
    assert decode_checkpoint(encode_checkpoint(Checkpoint(engine, 7, "store"))).engine.client_order_ids.held == 3


def test_the_same_state_gives_the_same_bytes() -> None:
    """Two engines can be compared by their checkpoints."""
    assert checkpoint_of(Desk()) == checkpoint_of(Desk())


def test_every_damaged_byte_is_noticed() -> None:
    """A wrong state would be traded on."""
    data = checkpoint_of(Desk())
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]
        with pytest.raises(MalformedMessage):
            decode_checkpoint(damaged)


@pytest.mark.parametrize("data", [b"", b"\xc1", msgpack.packb(5), msgpack.packb((2, 0, b""))])
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    """Another version's too: nothing is guessed."""
    with pytest.raises(MalformedMessage):
        decode_checkpoint(data)
