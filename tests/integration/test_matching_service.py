"""The engine as a process on a real store: crashes, takeovers, failovers, and how it ends.

What readers of the feed see must never depend on which engine published it, nor on what the store went through.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pytest

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.types import Side
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.recovery.checkpoint import CHECKPOINT_VERSION, decode_checkpoint, read_head
from shared.logs.commands import Tick, decode_commands, encode_commands
from shared.logs.packet import PACKET_VERSION, FeedId, Packet, encode_packet
from shared.logs.snapshots import decode_accounts, decode_book_state, decode_listing
from shared.logs.stream_keys import COMMANDS_FIELD
from tests.integration.engine_process import KEYS, Engines, Trader, engines_on, eventually
from tests.real_redis import RealRedis

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def engines(redis_url: str, tmp_path: Path) -> Iterator[Engines]:
    with engines_on(redis_url, tmp_path) as engines:
        yield engines


@pytest.fixture
def trader(redis_url: str) -> Iterator[Trader]:
    trader = Trader(redis_url)
    yield trader
    trader.close()


@pytest.fixture
def own_engines(redis_server: RealRedis, tmp_path: Path) -> Iterator[Engines]:
    with engines_on(redis_server.url, tmp_path) as engines:
        yield engines


@pytest.fixture
def own_trader(redis_server: RealRedis) -> Iterator[Trader]:
    trader = Trader(redis_server.url)
    yield trader
    trader.close()


def chain_is_unbroken(trader: Trader) -> bool:
    """Every packet follows the one before, and ids say what packets say."""
    position = 0
    for feed_id, packet in zip(trader.feed(), trader.packets(), strict=True):
        assert packet.prev == position, feed_id
        position = packet.position
        assert FeedId.parse(feed_id).position == position
    return True


def test_an_instrument_that_is_written_otherwise_than_it_trades_is_told(
    engines: Engines, trader: Trader, tmp_path: Path
) -> None:
    """Its tick was changed in the file, the engine started again, and nobody told that it trades as before."""
    path = tmp_path / "market.json"
    path.write_text('[{"symbol": "ACME"}, {"symbol": "SAME", "kind": "option", "option": {"strike": 5}}]')
    engine = engines.start_leading(INSTRUMENTS_FILE=path)
    engine.kill()
    trader.free_lease()
    path.write_text(path.read_text().replace('"ACME"', '"ACME", "tick_size": "0.05"'))
    engine = engines.start_leading(INSTRUMENTS_FILE=path)
    eventually(lambda: engine.told("trade by another definition"))
    assert engine.told('"instruments": ["ACME"]')


def test_lists_the_market_and_stores_all_that_a_late_joiner_needs(engines: Engines, trader: Trader) -> None:
    """A gateway that starts later than the engine reads listing, cover and snapshots, and nothing else."""
    engines.start_leading(CHECKPOINT_INTERVAL_S=0.2)
    eventually(lambda: trader.redis.exists(*(KEYS.snapshot(found.symbol) for found in DEFAULT_LISTING)) == 10)
    assert decode_listing(trader.redis.get(KEYS.listing)) == list(DEFAULT_LISTING)
    trader.trade(quantity=4)

    def stored() -> bool:
        state = decode_book_state(trader.redis.get(KEYS.snapshot("ACME")))
        return (state.seq, state.trade_id, state.last, state.volume) == (2, 1, 100, 4)

    eventually(stored)
    eventually(lambda: decode_accounts(trader.redis.get(KEYS.accounts)).get("ann"))
    assert decode_accounts(trader.redis.get(KEYS.accounts))["ann"].positions == {"ACME": -4}
    assert chain_is_unbroken(trader)


def test_time_passes_without_orders(engines: Engines, trader: Trader) -> None:
    """The leader's tick keeps the feed alive and `cover` moving when nobody trades."""
    engines.start_leading(CHECKPOINT_INTERVAL_S="0.1")
    cover = eventually(lambda: trader.redis.get(KEYS.cover))
    later = eventually(lambda: (found := trader.redis.get(KEYS.cover)) != cover and found)
    assert FeedId.parse(later) > FeedId.parse(cover)


def test_a_killed_engine_is_continued(engines: Engines, trader: Trader) -> None:
    """Kill -9 changes nothing that a user sees: epoch, seq, trade ids and resting orders go on."""
    engine = engines.start_leading()
    for _ in range(5):
        trader.trade()
    resting = trader.order("ann", Side.ASK, 120, 7)
    trader.append(resting)
    trader.wait_for(resting)
    engine.kill()
    commands = [trader.order("bob", Side.BID, 120, 7)]
    trader.append(*commands)  # while nobody leads
    trader.free_lease()
    engines.start_leading()
    packet = trader.wait_for(commands[0])
    [trade] = packet.trades
    assert (trade.trade_id, trade.price, trade.quantity) == (6, 120, 7)
    assert [change.seq for change in packet.changes] == [12]
    assert len({packet.epoch for packet in trader.packets()}) == 1
    terms = [FeedId.parse(feed_id).term for feed_id in trader.feed()]
    assert terms == sorted(terms)
    assert len(set(terms)) == 2
    assert chain_is_unbroken(trader)


def test_a_repeated_append_is_applied_once(engines: Engines, trader: Trader) -> None:
    """A gateway that is not sure appends again; the market must not hear it twice, even from another engine."""
    engine = engines.start_leading()
    order = trader.order("ann", Side.ASK, 120, 7)
    trader.append(order)
    trader.append(order)
    trader.wait_for(order)
    engine.kill()
    trader.append(order)
    trader.free_lease()
    engines.start_leading()
    trader.trade()
    outcomes = [outcome for packet in trader.packets() for outcome in packet.outcomes]
    assert sum((outcome.source, outcome.number) == order[:2] for outcome in outcomes) == 1


def test_a_standby_takes_over_and_the_frozen_leader_is_fenced(engines: Engines, trader: Trader) -> None:
    """Two engines that both believe to lead: only the newer one is heard, the other ends with its own status."""
    first = engines.start_leading(LEASE_MS=1_500)
    trader.trade()
    second = engines.start(LEASE_MS=1_500)
    first.send_signal(signal.SIGSTOP)
    eventually(lambda: second.told('"leading"'))
    trader.trade()
    first.send_signal(signal.SIGCONT)
    assert first.exit_code() == 3
    assert first.told("leads") or first.told("goes on without this leader")
    trader.trade()
    assert chain_is_unbroken(trader)
    assert second.process.poll() is None


def test_a_standby_leads_within_two_seconds_of_a_kill(engines: Engines, trader: Trader) -> None:
    """It has applied everything already: epoch, seq, trade ids and resting orders go on, after a pause."""
    first = engines.start_leading()
    second = engines.start()
    eventually(lambda: second.told('"standing by"'))
    for _ in range(50):
        trader.trade()
    resting = trader.order("ann", Side.ASK, 120, 7)
    trader.append(resting)
    trader.wait_for(resting)
    first.kill()
    killed_at = time.monotonic()
    taken = trader.order("bob", Side.BID, 120, 7)
    trader.append(taken)
    packet = trader.wait_for(taken)
    assert time.monotonic() - killed_at < 2.0
    assert [(trade.trade_id, trade.quantity) for trade in packet.trades] == [(51, 7)]
    assert [change.seq for change in packet.changes] == [102]
    assert len({packet.epoch for packet in trader.packets()}) == 1
    assert not second.told("starting again")
    assert not second.told("recovered")
    assert chain_is_unbroken(trader)


def test_a_leader_asked_to_stop_hands_over_at_once(engines: Engines, trader: Trader) -> None:
    """A planned change of leaders waits for no lease."""
    first = engines.start_leading(LEASE_MS=6_000)
    second = engines.start(LEASE_MS=6_000)
    eventually(lambda: second.told('"standing by"'))
    trader.trade()
    first.send_signal(signal.SIGTERM)
    asked_at = time.monotonic()
    trader.trade()
    assert time.monotonic() - asked_at < 2.5  # of a lease of six
    assert first.exit_code() == 0
    assert len({packet.epoch for packet in trader.packets()}) == 1
    assert chain_is_unbroken(trader)


def test_a_standby_that_differs_says_so_and_starts_again(engines: Engines, trader: Trader) -> None:
    """It must never lead another market than the one that users have seen."""
    engines.start_leading()
    second = engines.start()
    eventually(lambda: second.told('"standing by"'))
    trader.trade()
    last = list(trader.feed())[-1]
    term, position = FeedId.parse(last)
    stray = Packet(PACKET_VERSION, 1, position, position, "0-0", 0, (), (), (), (), (), ())
    trader.redis.xadd(KEYS.feed, {"p": encode_packet(stray), "t": 1}, id=f"{term + 1}-{position}")
    eventually(lambda: second.told("the standby differs from the leader"))
    assert second.process.poll() is None


def test_a_standby_heals_a_store_that_failed_together_with_the_leader(
    tmp_path: Path, redis_server: RealRedis, own_engines: Engines, own_trader: Trader
) -> None:
    """What it has followed comes back, same ids and bytes; and since there may have been more, a new epoch begins."""
    first = own_engines.start_leading(CHECKPOINT_INTERVAL_S=0.2, LEASE_MS=3_000)
    second = own_engines.start(LEASE_MS=3_000)
    eventually(lambda: second.told('"standing by"'))
    own_trader.trade()
    redis_server.copy_data(tmp_path / "earlier")
    resting = own_trader.order("ann", Side.ASK, 120, 7)
    own_trader.append(resting)
    own_trader.wait_for(resting)
    before = own_trader.feed()
    first.kill()
    eventually(lambda: second.told('"leading"') or list(own_trader.feed()) == list(before))
    redis_server.kill()
    redis_server.load_data(tmp_path / "earlier")
    redis_server.start()
    own_trader.free_lease()
    eventually(lambda: second.told('"leading"'))
    healed = own_trader.feed()
    assert before.items() <= healed.items()
    taken = own_trader.order("bob", Side.BID, 120, 7)
    own_trader.append(taken)
    assert [trade.quantity for trade in own_trader.wait_for(taken).trades] == [7]
    assert len({packet.epoch for packet in own_trader.packets()}) == 2
    assert chain_is_unbroken(own_trader)


def test_ends_in_good_order_when_asked_to(engines: Engines, trader: Trader) -> None:
    """After SIGTERM the next engine has nothing to apply again and nothing to wait for, but the tick that woke us."""
    engine = engines.start_leading(LEASE_MS=60_000)
    trader.trade()
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == 0
    last = list(trader.feed())[-1]
    assert not trader.redis.exists(KEYS.lease)
    assert trader.redis.get(KEYS.cover).decode() == last
    recovered = decode_checkpoint(trader.redis.get(KEYS.checkpoint)).engine
    assert recovered.position == FeedId.parse(last).position
    left = trader.redis.xrange(KEYS.commands, f"({recovered.log_id}")
    commands = [command for _, fields in left for command in decode_commands(fields[COMMANDS_FIELD])]
    assert [type(command) for command in commands] in ([], [Tick])


@pytest.mark.parametrize("fields", [{"c": b"\x93\x01\x02"}, {"x": b"?"}, {"c": b"\x91\x92\x05\x07"}])
def test_a_garbage_entry_is_skipped_by_leader_standby_and_recovery_alike(
    engines: Engines, trader: Trader, fields: dict[str, bytes]
) -> None:
    """
    One entry that no writer writes once ended both engines. Nobody was told that it would happen, so it does not.

    The standby compares bytes: had it not skipped the same, it would have said so.
    """
    leader = engines.start_leading()
    standby = engines.start()
    eventually(lambda: standby.told("standing by"))
    order, later = trader.order("ann", Side.ASK, 120, 7), trader.order("bob", Side.ASK, 121, 7)
    with trader.redis.pipeline(transaction=True) as together:
        together.xadd(KEYS.commands, {"c": encode_commands([order])})
        together.xadd(KEYS.commands, fields)
        together.xadd(KEYS.commands, {"c": encode_commands([later])})
        _, garbage, _ = together.execute()
    assert trader.wait_for(order).epoch == trader.wait_for(later).epoch
    for engine in (leader, standby):
        eventually(lambda engine=engine: engine.told(garbage.decode()))  # type: ignore[misc]
        assert engine.told("an entry of the command log is skipped")
    leader.kill()
    trader.free_lease()
    eventually(lambda: standby.told("leading"))
    assert not standby.told("differs from the leader")
    standby.kill()
    trader.free_lease()
    engines.start_leading()
    assert trader.trade().epoch == trader.packets()[0].epoch
    assert chain_is_unbroken(trader)


def test_an_entry_that_was_applied_and_is_garbage_now_stops_it(engines: Engines, trader: Trader) -> None:
    """Skipped, it would lead to another market than users were told of, though the positions agree."""
    engine = engines.start_leading(CHECKPOINT_INTERVAL_S=1_000)
    trader.trade()
    trader.trade()
    engine.kill()
    entries = trader.redis.xrange(KEYS.commands)
    trader.redis.delete(KEYS.commands)
    damaged = next(number for number, (_, fields) in enumerate(entries) if b"bob" in fields[b"c"])
    for number, (entry_id, fields) in enumerate(entries):
        trader.redis.xadd(KEYS.commands, {"c": b"garbage"} if number == damaged else fields, id=entry_id)
    trader.append(Tick("somebody", 1), Tick("somebody", 2))
    trader.free_lease()
    again = engines.start()
    assert again.exit_code() == 5
    assert again.told("what was applied cannot be read any more")


def test_a_log_that_cannot_reach_the_feed_stops_it(engines: Engines, trader: Trader) -> None:
    """Recovering to another state than users have seen would be worse than not recovering."""
    engine = engines.start_leading(CHECKPOINT_INTERVAL_S=1_000)
    trader.trade()
    engine.kill()
    trader.redis.delete(KEYS.commands)
    trader.free_lease()
    again = engines.start()
    assert again.exit_code() == 5
    assert again.told("commands are missing")


def test_a_log_trimmed_past_the_checkpoint_stops_it(engines: Engines, trader: Trader) -> None:
    """The entry at which the checkpoint stands proves that nothing after it has been trimmed."""
    engine = engines.start_leading()
    trader.trade()
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == 0
    trader.append(Tick("somebody", 1))
    trader.redis.xtrim(KEYS.commands, maxlen=1, approximate=False)
    again = engines.start()
    assert again.exit_code() == 5
    assert again.told("no longer has it")


def one_byte_flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


def of_another_version(data: bytes) -> bytes:
    _, *rest = msgpack.unpackb(data)
    return bytes(msgpack.packb([CHECKPOINT_VERSION + 1, *rest]))


@pytest.mark.parametrize("damage", [one_byte_flipped, of_another_version])
def test_a_bad_checkpoint_is_refused_by_name_and_the_one_before_it_used(
    engines: Engines, trader: Trader, damage: Callable[[bytes], bytes]
) -> None:
    """Users see a pause: seqs, trade ids, epoch and resting orders go on from an older checkpoint and more commands."""
    engine = engines.start_leading(CHECKPOINT_INTERVAL_S=0.1, COMMAND_ENTRIES_MAX=1)
    positions = iter(range(1, 1_000))
    for _ in range(5):
        trader.trade()
    resting = trader.order("ann", Side.ASK, 120, 7)
    trader.append(resting)
    trader.wait_for(resting)

    def two_that_differ() -> bool:
        trader.append(Tick("somebody", next(positions)))
        kept = trader.redis.mget(KEYS.checkpoint, KEYS.previous_checkpoint)
        newest, previous = (read_head(data).position for data in kept)
        return newest > previous > 0

    eventually(two_that_differ)
    engine.kill()
    before = trader.feed()
    trader.redis.set(KEYS.checkpoint, damage(trader.redis.get(KEYS.checkpoint)))
    trader.free_lease()
    again = engines.start_leading()
    assert again.told(f'"key": "{KEYS.checkpoint}"')
    assert again.told('"level": "error"')
    taken = trader.order("bob", Side.BID, 120, 7)
    trader.append(taken)
    packet = trader.wait_for(taken)
    assert [(trade.trade_id, trade.quantity) for trade in packet.trades] == [(6, 7)]
    assert [change.seq for change in packet.changes] == [12]
    assert len({packet.epoch for packet in trader.packets()}) == 1
    assert before.items() <= trader.feed().items()
    assert chain_is_unbroken(trader)
    # Its successor finds two good ones again.
    again.kill()
    trader.free_lease()
    third = engines.start_leading()
    trader.trade()
    assert not third.told("refused")


def test_two_bad_checkpoints_stop_it(engines: Engines, trader: Trader) -> None:
    """A wrong state is worse than none; both keys are named."""
    engine = engines.start_leading()
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == 0
    for key in (KEYS.checkpoint, KEYS.previous_checkpoint):
        trader.redis.set(key, one_byte_flipped(trader.redis.get(key)))
    again = engines.start()
    assert again.exit_code() == 5
    assert again.told(f"{KEYS.checkpoint} is corrupt")
    assert again.told(KEYS.previous_checkpoint)


def test_a_kill_in_the_middle_of_a_checkpoint_loses_nothing(engines: Engines, trader: Trader) -> None:
    """The child that encodes it ends with its pipe, and what it had stored is never used."""
    engine = engines.start_leading(CHECKPOINT_INTERVAL_S=0)
    for _ in range(5):
        trader.trade()
    engine.kill()
    trader.free_lease()
    again = engines.start_leading(CHECKPOINT_INTERVAL_S=0)
    assert [trade.trade_id for trade in trader.trade().trades] == [6]
    assert not again.told("refused")
    assert not again.told("a checkpoint failed")
    assert chain_is_unbroken(trader)


def test_an_unreachable_store_ends_it_after_its_patience(redis_server: RealRedis, own_engines: Engines) -> None:
    """Whoever watches the process must see it; the exit status says what to do: start it again."""
    engine = own_engines.start_leading(UNREACHABLE_MAX_S=0.5)
    redis_server.kill()
    assert engine.exit_code() == 4
    assert engine.told("Redis has not done its work")
    never = own_engines.start(UNREACHABLE_MAX_S=0.5)
    assert never.exit_code() == 4


def test_goes_on_with_a_store_that_restarts(redis_server: RealRedis, own_engines: Engines, own_trader: Trader) -> None:
    """A restart within the lease that lost nothing changes nothing."""
    engine = own_engines.start_leading(LEASE_MS=60_000)
    own_trader.trade()
    redis_server.kill()
    redis_server.start()
    own_trader.trade()
    assert engine.process.poll() is None
    assert engine.told("restarted or failed over")
    # The leader has vouched for the store in a checkpoint, so its successor need not doubt it.
    engine.kill()
    own_trader.free_lease()
    own_engines.start_leading()
    own_trader.trade()
    assert len({packet.epoch for packet in own_trader.packets()}) == 1
    assert chain_is_unbroken(own_trader)


def test_heals_a_store_that_lost_its_tail(
    tmp_path: Path, redis_server: RealRedis, own_engines: Engines, own_trader: Trader
) -> None:
    """A failover to a late replica: the packets come back with the same ids and bytes, and nothing is applied twice."""
    engine = own_engines.start_leading(LEASE_MS=60_000)
    own_trader.trade()
    redis_server.copy_data(tmp_path / "earlier")
    lost = own_trader.order("ann", Side.ASK, 120, 7)
    own_trader.append(lost)
    own_trader.wait_for(lost)
    own_trader.trade()
    before = own_trader.feed()
    redis_server.kill()
    redis_server.load_data(tmp_path / "earlier")
    redis_server.start()
    eventually(lambda: before.items() <= own_trader.feed().items())
    assert engine.told("sending it again")
    own_trader.append(lost)  # its gateway, having seen the failover, is not sure
    taken = own_trader.order("bob", Side.BID, 120, 7)
    own_trader.append(taken)
    assert [trade.quantity for trade in own_trader.wait_for(taken).trades] == [7]

    # What was healed is whole: another engine recovers from it, with the same history.
    engine.kill()
    own_trader.free_lease()
    own_engines.start_leading()
    own_trader.trade()
    assert len({packet.epoch for packet in own_trader.packets()}) == 1
    assert chain_is_unbroken(own_trader)


def test_heals_a_store_that_was_wiped(engines: Engines, trader: Trader) -> None:
    """As long as the leader remembers everything, so does the feed."""
    engines.start_leading()
    trader.trade()
    before = trader.feed()
    trader.redis.flushall()
    eventually(lambda: before.items() <= trader.feed().items())
    trader.trade()
    assert chain_is_unbroken(trader)
    eventually(lambda: decode_listing(trader.redis.get(KEYS.listing)) == list(DEFAULT_LISTING))


def test_a_store_that_fails_while_nobody_leads_begins_a_new_epoch(
    tmp_path: Path, redis_server: RealRedis, own_engines: Engines, own_trader: Trader
) -> None:
    """Leader and store gone together: there may be packets that nobody knows of, so clients must start anew."""
    engine = own_engines.start_leading()
    own_trader.trade()
    redis_server.copy_data(tmp_path / "earlier")
    own_trader.trade()
    engine.kill()
    redis_server.kill()
    redis_server.load_data(tmp_path / "earlier")
    redis_server.start()
    own_trader.free_lease()
    own_engines.start_leading()
    packet = own_trader.trade()
    assert len({packet.epoch for packet in own_trader.packets()}) == 2
    assert packet.changes[0].prev_seq == 2
    for found in DEFAULT_LISTING:
        assert decode_book_state(own_trader.redis.get(KEYS.snapshot(found.symbol))).epoch == packet.epoch


def test_a_wiped_store_without_a_leader_begins_anew(engines: Engines, trader: Trader) -> None:
    """Terms rise all the same, as the clock does, after a second at the latest: ids of two histories never meet."""
    engine = engines.start_leading()
    trader.trade()
    old = list(trader.feed())[-1]
    engine.kill()
    trader.redis.flushall()
    eventually(lambda: time.time_ns() // 1_000 > FeedId.parse(old).term)  # the random step lies ahead of the clock
    engines.start_leading()
    packet = trader.trade()
    assert FeedId.parse(next(iter(trader.feed()))).term > FeedId.parse(old).term
    assert packet.trades[0].trade_id == 1


def test_refuses_bad_settings_with_a_sentence(tmp_path: Path, engines: Engines) -> None:
    """Misconfiguration has a status of its own, so that nobody restarts it for ever."""
    listing = tmp_path / "listing.json"
    listing.write_text('[{"symbol": "lower case"}]')
    engine = engines.start(INSTRUMENTS_FILE=listing)
    assert engine.exit_code() == 2
    assert engine.told("symbol must be")
    assert engine.told("listing.json")
    engine = engines.start(LEASE_MS="soon")
    assert engine.exit_code() == 2
    assert engine.told("OUTCRY_LEASE_MS")


def test_says_what_it_does() -> None:
    """`--help` names the exit statuses."""
    shown = subprocess.run(
        [sys.executable, "-m", "services.matching", "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    assert "another engine leads" in " ".join(shown.stdout.split())


@pytest.mark.parametrize("how", ["absent", "list", "rubbish"])
def test_the_leader_writes_again_what_late_joiners_miss(engines: Engines, trader: Trader, how: str) -> None:
    """Seen: a snapshot that was deleted stayed away until its book changed."""
    engines.start_leading(CHECKPOINT_INTERVAL_S=1_000)
    names = (KEYS.snapshot("ACME"), KEYS.listing, KEYS.accounts, KEYS.cover, KEYS.checkpoint, KEYS.lease, KEYS.term)
    eventually(lambda: trader.redis.exists(*names) == len(names))
    before = {name: _told(trader, name) for name in names[:2]}
    # Accounts and checkpoints are there or not; with the usual interval they are anew after 5 s whatever is there.
    for name in names[:2] if how == "rubbish" else names:
        value = trader.redis.get(name)
        trader.redis.delete(name)
        if how == "list":
            trader.redis.rpush(name, "x")
        elif how == "rubbish":
            trader.redis.set(name, value[:-1] + bytes([value[-1] ^ 1]))
    eventually(lambda: {name: _told(trader, name) for name in before} == before)
    healed = (KEYS.cover, KEYS.lease, *((KEYS.accounts, KEYS.checkpoint) if how == "absent" else ()))
    eventually(lambda: all(trader.redis.type(name) == b"string" for name in healed))
    assert trader.trade().trades
    assert len({packet.epoch for packet in trader.packets()}) == 1


def _told(trader: Trader, name: str) -> object:
    """What a listing or a snapshot says; None if it cannot be read. Of which packet it is does not matter."""
    if trader.redis.type(name) != b"string":
        return None
    with contextlib.suppress(MalformedMessage):
        if name == KEYS.listing:
            return decode_listing(trader.redis.get(name))
        return decode_book_state(trader.redis.get(name))._replace(feed_id="")
    return None


def test_a_feed_that_was_trimmed_to_nothing_goes_on_at_once(engines: Engines, trader: Trader) -> None:
    """Seen: the market stood for 35 s, since healing appended ids below the last one ever used."""
    leader = engines.start_leading(CHECKPOINT_INTERVAL_S=1_000)
    epoch = trader.trade().epoch
    trader.redis.xtrim(KEYS.feed, maxlen=0, approximate=False)
    before = time.monotonic()
    packet = trader.trade()
    assert time.monotonic() - before < 5.0
    assert (packet.epoch, packet.trades[0].trade_id) == (epoch, 2)
    cover = FeedId.parse(trader.redis.get(KEYS.cover))
    assert cover >= FeedId.parse(next(iter(trader.feed()))), "snapshots hold what is gone"
    assert leader.process.poll() is None


def test_a_feed_whose_last_ids_were_deleted_is_led_again(engines: Engines, trader: Trader) -> None:
    """Somebody wrote into the feed and took it back: the ids stay used, and a new term lies above them."""
    leader = engines.start_leading()
    packet = trader.trade()
    far = f"{FeedId.parse(list(trader.feed())[-1]).term + 10**15}-1"
    trader.redis.xadd(KEYS.feed, {"x": "y"}, id=far)
    trader.redis.xdel(KEYS.feed, far)
    assert leader.exit_code() == 3
    trader.free_lease()
    engines.start_leading()
    assert trader.trade().epoch == packet.epoch
    assert FeedId.parse(list(trader.feed())[-1]) > FeedId.parse(far)
