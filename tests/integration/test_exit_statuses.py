"""Every exit status of the engine, and the way out of it that docs/operations.md names."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from services.matching.__main__ import ExitCode
from shared.logs.commands import Tick
from shared.logs.packet import PACKET_VERSION, PLAIN_VERSION, FeedId
from tests.integration.engine_process import KEYS, Engines, Trader, engines_on, eventually

pytestmark = pytest.mark.needs_redis

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


@pytest.fixture
def engines(redis_url: str, tmp_path: Path) -> Iterator[Engines]:
    with engines_on(redis_url, tmp_path) as engines:
        yield engines


@pytest.fixture
def trader(redis_url: str) -> Iterator[Trader]:
    trader = Trader(redis_url)
    yield trader
    trader.close()


def ended(engines: Engines, trader: Trader, status: ExitCode, **settings: object) -> str:
    """Start an engine that ends with this status; its log."""
    trader.free_lease()
    engine = engines.start(**settings)
    assert engine.exit_code() == status, engine.log.read_text()
    return engine.log.read_text()


def trimmed_past_the_checkpoint(engines: Engines, trader: Trader) -> int:
    """A market of two trades whose engines are dead and whose log begins behind the second; its epoch."""
    engine = engines.start_leading(CHECKPOINT_INTERVAL_S=1_000)
    trader.trade()
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == ExitCode.STOPPED
    engine = engines.start_leading(CHECKPOINT_INTERVAL_S=1_000)
    epoch = trader.trade().epoch
    engine.kill()
    trader.append(Tick("somebody", 1))
    trader.redis.xtrim(KEYS.commands, maxlen=1, approximate=False)
    return epoch


def test_every_status_is_in_the_document() -> None:
    told = re.findall(r"^\| engine \| (\d+) \|", OPERATIONS, re.MULTILINE)
    assert {int(status) for status in told} == {1, *ExitCode}


def test_5_of_a_trimmed_log_is_left_by_accepting_the_loss(engines: Engines, trader: Trader) -> None:
    """Seen: both engines ended with 5 for ever, and nothing said how to go on."""
    epoch = trimmed_past_the_checkpoint(engines, trader)
    assert "the log no longer has it" in ended(engines, trader, ExitCode.CORRUPT)
    trader.free_lease()
    engine = engines.start(ACCEPT_LOSS="true")
    eventually(lambda: engine.told('"leading"'))
    assert engine.told("accepted as lost")
    packet = trader.trade()
    assert packet.epoch != epoch
    assert packet.trades[0].trade_id == 2, "the second trade was lost, the first was not"
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == ExitCode.STOPPED
    engines.start_leading()
    assert trader.trade().epoch == packet.epoch


def test_a_log_of_which_nothing_is_lost_needs_no_way_out(engines: Engines, trader: Trader) -> None:
    """Trimmed to nothing, at the very entry of the checkpoint: its last id says that nothing came after it."""
    engine = engines.start_leading()
    epoch = trader.trade().epoch
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == ExitCode.STOPPED
    trader.redis.xtrim(KEYS.commands, maxlen=0, approximate=False)
    engines.start_leading()
    assert trader.trade().epoch == epoch


def test_what_no_engine_wrote_at_the_feeds_end_costs_a_fail_over_and_no_more(engines: Engines, trader: Trader) -> None:
    """One entry ended the leader with 3 and every other engine with 5, until somebody deleted it."""
    engine = engines.start_leading()
    epoch = trader.trade().epoch
    standby = engines.start()
    eventually(lambda: standby.told("standing by"))
    last_id, last = list(trader.feed().items())[-1]
    for number, fields in enumerate(({"x": "y"}, last), 1):  # not ours, and a copy of what is
        trader.redis.xadd(KEYS.feed, fields, id=f"{FeedId.parse(last_id).term + 10**12}-{number}")
    assert engine.exit_code() == ExitCode.FENCED
    trader.free_lease()
    eventually(lambda: standby.told('"leading"'))
    assert standby.told("passed over")
    assert trader.trade().epoch == epoch
    another = engines.start()
    eventually(lambda: another.told("standing by") or another.process.poll() is not None)
    assert another.process.poll() is None, "it reads back over the entry"


def test_5_of_a_newer_release_s_packets_which_are_no_rubbish(engines: Engines, trader: Trader) -> None:
    """Users have been told what they say: an engine that went on behind them would tell them other things."""
    engine = engines.start_leading()
    trader.trade()
    engine.kill()
    last_id, last = list(trader.feed().items())[-1]
    _, *rest = msgpack.unpackb(last[b"p"])
    term, position = FeedId.parse(last_id)
    rest[1:3] = position, position + 1
    newer = {"p": msgpack.packb([PACKET_VERSION + 1, *rest]), "t": last[b"t"]}
    trader.redis.xadd(KEYS.feed, newer, id=f"{term}-{position + 1}")
    log = ended(engines, trader, ExitCode.CORRUPT)
    assert f"packet version {PACKET_VERSION + 1}, this program reads {PLAIN_VERSION} to {PACKET_VERSION}" in log
    assert list(trader.feed())[-1] == f"{term}-{position + 1}"


def test_5_of_a_feed_whose_ids_are_used_up_is_left_by_renaming_it(engines: Engines, trader: Trader) -> None:
    """No order is lost: the command log is all there."""
    engine = engines.start_leading()
    trader.trade()
    trader.redis.xadd(KEYS.feed, {"x": "y"}, id=f"{2**64 - 1}-5")
    assert engine.exit_code() == ExitCode.FENCED
    trader.redis.xdel(KEYS.feed, f"{2**64 - 1}-5")  # which brings no id back
    assert "rename the feed away" in ended(engines, trader, ExitCode.CORRUPT)
    trader.redis.rename(KEYS.feed, f"{KEYS.prefix}away")
    trader.free_lease()
    engines.start_leading()
    assert trader.trade().trades[-1].trade_id == 2


def test_5_of_both_checkpoints_is_left_by_a_new_market(engines: Engines, trader: Trader) -> None:
    engine = engines.start_leading()
    epoch = trader.trade().epoch
    engine.kill()
    for key in (KEYS.checkpoint, KEYS.previous_checkpoint):
        trader.redis.set(key, b"damaged")
    for settings in ({}, {"ACCEPT_LOSS": "true"}):
        assert f"{KEYS.checkpoint} is corrupt" in ended(engines, trader, ExitCode.CORRUPT, **settings)
    trader.redis.delete(*trader.redis.scan_iter(f"{KEYS.prefix}*"))
    engines.start_leading()
    packet = trader.trade()
    assert (packet.epoch != epoch, packet.trades[0].trade_id) == (True, 1)


@pytest.mark.parametrize("key", [KEYS.commands, KEYS.feed])
def test_4_of_a_key_of_another_type_is_left_by_renaming_it(engines: Engines, trader: Trader, key: str) -> None:
    engine = engines.start_leading(UNREACHABLE_MAX_S=0.5)
    trader.trade()
    trader.redis.set(key, "x")
    assert engine.exit_code() == ExitCode.STORE_UNAVAILABLE
    assert engine.told("WRONGTYPE")
    trader.redis.rename(key, "away")
    trader.free_lease()
    if key == KEYS.commands:
        assert "commands" in ended(engines, trader, ExitCode.CORRUPT)
    trader.free_lease()
    engine = engines.start(ACCEPT_LOSS="true")
    eventually(lambda: engine.told('"leading"'))
    eventually(lambda: trader.trade().trades)  # refused until what the checkpoint lacks is listed again


def test_3_is_left_by_starting_again(engines: Engines, trader: Trader) -> None:
    engine = engines.start_leading()
    trader.redis.set(KEYS.lease, "another", px=3_000)
    assert engine.exit_code() == ExitCode.FENCED
    engines.start_leading()
    assert trader.trade().trades


def test_2_names_what_to_mend(engines: Engines, trader: Trader) -> None:
    assert "LEASE_MS" in ended(engines, trader, ExitCode.MISCONFIGURED, LEASE_MS="soon")
