"""Settings and the file of instruments."""

from __future__ import annotations

from pathlib import Path

import pytest

from openoutcry.wire.errors import ConfigurationError
from services.matching.aio.instruments_file import read_instruments
from services.matching.aio.settings import MatchingSettings
from services.matching.default_listing import DEFAULT_LISTING
from shared.aio.settings import load_settings


def test_the_environment_speaks_and_options_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that is not given is None, and says nothing."""
    monkeypatch.setenv("OUTCRY_SHARD", "3")
    monkeypatch.setenv("OUTCRY_LEASE_MS", "700")
    settings = load_settings(MatchingSettings, shard=4, redis_url=None)
    assert (settings.shard, settings.lease_ms, settings.redis_url) == (4, 700, "redis://127.0.0.1:6379/0")
    assert settings.engine_config().open_orders_max == 1_000
    assert settings.engine_config().orders_met_max == 500


@pytest.mark.parametrize(("name", "value"), [("LEASE_MS", "soon"), ("SHARD", "-1"), ("LOG_LEVEL", "loud")])
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """By the name under which it was given, with its value."""
    monkeypatch.setenv(f"OUTCRY_{name}", value)
    with pytest.raises(ConfigurationError, match=f"OUTCRY_{name}: .*{value}"):
        load_settings(MatchingSettings)


def test_without_a_file_there_is_a_market(tmp_path: Path) -> None:
    """Every command works out of the box."""
    assert read_instruments(None) == DEFAULT_LISTING
    path = tmp_path / "market.json"
    path.write_text('[{"symbol": "GOLD", "tick_size": "0.05"}]')
    [gold] = read_instruments(path)
    assert (gold.symbol, gold.tick_size) == ("GOLD", "0.05")


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"symbol": "x"}]', '[{"symbol": "X", "colour": 1}]'])
def test_a_bad_file_is_named(tmp_path: Path, text: str) -> None:
    """With the rule that it breaks."""
    path = tmp_path / "market.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"market\.json: "):
        read_instruments(path)
    with pytest.raises(ConfigurationError, match="missing"):
        read_instruments(tmp_path / "missing")
