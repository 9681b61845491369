"""An upgrade of the engines: the standby first, while orders come and none is lost or carried out by other rules."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.wire.errors import MalformedMessage
from services.matching import Engine
from services.matching.__main__ import ExitCode
from services.matching.command_log import decode_entry
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import encode_commands
from shared.logs.engine_version import ENGINE_VERSION, BeginVersion
from shared.logs.stream_keys import COMMANDS_FIELD
from shared.store_errors import LaterRelease
from tests.integration.engine_process import KEYS, Engines, Trader, engines_on, eventually

LATER = ENGINE_VERSION + 1


@pytest.fixture
def engines(redis_url: str, tmp_path: Path) -> Iterator[Engines]:
    with engines_on(redis_url, tmp_path) as engines:
        yield engines


@pytest.fixture
def trader(redis_url: str) -> Iterator[Trader]:
    trader = Trader(redis_url)
    yield trader
    trader.close()


@pytest.mark.needs_redis
def test_the_standby_of_a_later_release_takes_over_and_one_of_before_stops(engines: Engines, trader: Trader) -> None:
    leader = engines.start_leading()
    first = trader.trade()
    later = engines.start(release=LATER)
    eventually(lambda: later.told("waiting for the lease"))
    second = trader.trade()
    leader.send_signal(signal.SIGTERM)
    assert leader.exit_code() == ExitCode.STOPPED
    eventually(lambda: later.told('"leading"'))
    third = trader.trade()
    trade_ids = [packet.trades[0].trade_id for packet in (first, second, third)]
    assert trade_ids == [1, 2, 3]
    assert first.epoch == third.epoch, "nothing was lost, and nobody starts anew"
    before = engines.start()
    assert before.exit_code() == ExitCode.LATER_RELEASE
    assert before.told(f"engine version {LATER}"), before.log.read_text()
    assert trader.trade().trades[0].trade_id == 4, "the market went on meanwhile"


def test_a_version_that_is_not_known_is_no_entry_to_pass_over() -> None:
    data = {COMMANDS_FIELD: encode_commands([BeginVersion("leader-1", 1, LATER)])}
    with pytest.raises(LaterRelease, match=f"engine version {LATER} holds, this release knows {ENGINE_VERSION}"):
        decode_entry(KEYS.commands, b"5-0", data)


def test_a_version_never_goes_back() -> None:
    engine = Engine()
    for number, version in enumerate((ENGINE_VERSION, 0), 1):
        engine.apply(BeginVersion("leader-1", number, version), 1)
    assert engine.version == ENGINE_VERSION
    assert decode_checkpoint(encode_checkpoint(Checkpoint(engine, 1, "store"))).engine.version == ENGINE_VERSION


def test_a_checkpoint_of_a_later_release_is_refused() -> None:
    engine = Engine()
    engine.version = LATER
    with pytest.raises(MalformedMessage, match="which a later release wrote"):
        decode_checkpoint(encode_checkpoint(Checkpoint(engine, 1, "store")))
