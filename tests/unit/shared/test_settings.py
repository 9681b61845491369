"""Settings are refused by name, all at once, and without their secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.redacted_url import redacted
from services.gateway.aio.settings import GatewaySettings
from services.ledger.aio.settings import LedgerSettings
from services.matching.aio.settings import MatchingSettings
from shared.aio.key_source import read_secret
from shared.aio.settings import OTHER_VARIABLES, ROLE_SETTINGS, ServiceSettings, load_settings, variable
from shared.redis_url import checked_redis_url

ROLES = (GatewaySettings, LedgerSettings, MatchingSettings)


def refusal(kind: type[ServiceSettings] = GatewaySettings) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(kind)
    return str(refused.value)


def test_every_role_knows_the_settings_of_all_roles() -> None:
    """The list is kept by hand, since services do not import each other: a setting left out would be refused."""
    assert {name for kind in ROLES for name in kind.model_fields} == ROLE_SETTINGS
    assert not ROLE_SETTINGS & OTHER_VARIABLES


@pytest.mark.parametrize("kind", ROLES)
def test_one_environment_serves_every_role(monkeypatch: pytest.MonkeyPatch, kind: type[ServiceSettings]) -> None:
    monkeypatch.setenv("OUTCRY_PACE_MS", "5")
    monkeypatch.setenv("OUTCRY_LEASE_MS", "700")
    monkeypatch.setenv("OUTCRY_TOKEN", "a client's, and none of ours")
    load_settings(kind)


def test_a_mistyped_name_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would silently be the default."""
    monkeypatch.setenv("OUTCRY_LEASE_MX", "700")
    assert "OUTCRY_LEASE_MX: there is no such setting; did you mean OUTCRY_LEASE_MS?" in refusal()


def test_a_name_in_small_letters_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings themselves are read whatever their case."""
    monkeypatch.setenv("outcry_prot", "1")
    assert "outcry_prot: there is no such setting; did you mean OUTCRY_PORT?" in refusal()


def test_every_problem_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends a deployment wants to restart it once."""
    for name, value in {"PORT": "http", "PACE_MS": "-1", "NOTHING_KNOWN": "1", "TRUSTED_PROXIES": "10/8,x"}.items():
        monkeypatch.setenv(variable(name), value)
    text = refusal()
    assert all(variable(name) in text for name in ("PORT", "PACE_MS", "NOTHING_KNOWN", "TRUSTED_PROXIES"))


def test_files_that_cannot_serve_are_among_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether the others are right or not; each setting is looked at alone."""

    def check(value: Path) -> None:
        raise ConfigurationError(f"cannot read {value}")

    monkeypatch.setenv("OUTCRY_SECRET_FILE", str(tmp_path / "missing"))
    told = f"OUTCRY_SECRET_FILE: cannot read {tmp_path / 'missing'}"
    with pytest.raises(ConfigurationError, match=f"^{told}$"):
        load_settings(GatewaySettings, {"secret_file": check})
    monkeypatch.setenv("OUTCRY_PACE_MS", "-1")
    with pytest.raises(ConfigurationError, match=f"OUTCRY_PACE_MS.*; {told}$"):
        load_settings(GatewaySettings, {"secret_file": check})
    with pytest.raises(ConfigurationError, match="OUTCRY_SECRET_FILE: cannot read given"):
        load_settings(GatewaySettings, {"secret_file": check}, secret_file=Path("given"))


def test_a_wrong_setting_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in itself is not looked at further."""
    monkeypatch.setenv("OUTCRY_TRACES_URL", "collector")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(GatewaySettings, {"traces_url": pytest.fail})
    assert str(refused.value).count("OUTCRY_TRACES_URL") == 1


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stripped, since editors end files with a line's end; the environment wins over a file."""
    (tmp_path / "outcry_redis_password").write_text("of the file\n")
    (tmp_path / "outcry_redis_url").write_text("redis://elsewhere:1/2\n")
    monkeypatch.setenv("OUTCRY_SECRETS_DIR", str(tmp_path))
    settings = load_settings(MatchingSettings)
    assert settings.redis_url == "redis://elsewhere:1/2"
    assert settings.redis_credentials == (None, "of the file")
    monkeypatch.setenv("OUTCRY_REDIS_PASSWORD", "of the environment")
    assert load_settings(MatchingSettings).redis_credentials == (None, "of the environment")


def test_a_folder_of_secrets_need_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUTCRY_SECRETS_DIR", str(tmp_path / "missing"))
    assert load_settings(GatewaySettings).redis_credentials == (None, None)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@host:port/0",
        "redis://ann:s3cret/with@host",
        "http://ann:s3cret@host",
        "s3cret",
        "redis+sentinel://ann:s3cret@host",
        "redis://host:x?password=s3cret",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The line goes to logs that more people read than may know the password."""
    monkeypatch.setenv("OUTCRY_REDIS_URL", url)
    text = refusal()
    assert "OUTCRY_REDIS_URL: " in text
    assert "s3cret" not in text


def test_a_secret_does_not_show_in_what_settings_look_like() -> None:
    assert "s3cret" not in repr(GatewaySettings(redis_password="s3cret"))


@pytest.mark.parametrize(
    "url", ["redis://h", "rediss://ann:pw@h:1/2", "unix:///run/redis.sock", "redis+sentinel://a:1,b/market/3"]
)
def test_the_forms_of_a_url_are_accepted(url: str) -> None:
    assert checked_redis_url(url) == url


def test_a_redacted_url_keeps_what_helps() -> None:
    assert redacted("rediss://ann:pw@h:1/2") == "rediss://***@h:1/2"
    assert redacted("redis://h/0?password=pw&db=1") == "redis://h/0?password=***&db=1"
    assert redacted("redis://h/0") == "redis://h/0"


def test_ports_are_one_or_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_PORT", "9000")
    assert load_settings(GatewaySettings).port == 9000
    assert load_settings(GatewaySettings, port="8101-8110").port == "8101-8110"
    for wrong in ("8110-8101", "0-10", "1-70000", "8101-", "-5"):
        with pytest.raises(ConfigurationError, match=r"OUTCRY_PORT: .*must be a port, 0 to 65535, or a range"):
            load_settings(GatewaySettings, port=wrong)


def test_trusted_proxies_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert [str(each) for each in load_settings(GatewaySettings).trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_a_check_is_left_out_where_another_setting_stands_for_it(tmp_path: Path) -> None:
    """Whose keys are an identity provider's has no secret file, and needs none."""
    missing, checks = tmp_path / "none", {"secret_file": read_secret}
    with pytest.raises(ConfigurationError, match="OUTCRY_SECRET_FILE: cannot read"):
        load_settings(GatewaySettings, checks, {"jwks": "secret_file"}, secret_file=missing)
    settings = load_settings(
        GatewaySettings, checks, {"jwks": "secret_file"}, secret_file=missing, jwks="https://idp.example.com/keys"
    )
    assert settings.jwks == "https://idp.example.com/keys"


@pytest.mark.parametrize("jwks", ["http://idp.example.com/keys", "https://ann:secret@idp.example.com/keys"])
def test_an_address_of_keys_that_anyone_could_answer_for_is_refused(jwks: str) -> None:
    with pytest.raises(ConfigurationError, match="OUTCRY_JWKS: must") as refused:
        load_settings(GatewaySettings, jwks=jwks)
    assert "secret" not in str(refused.value)


def test_audiences_are_read_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_TOKEN_AUDIENCE", "market, exchange")
    monkeypatch.setenv("OUTCRY_TOKEN_ISSUER", "https://idp.example.com")
    audience = load_settings(GatewaySettings).audience()
    assert audience == (("market", "exchange"), "https://idp.example.com")


@pytest.mark.parametrize("origin", ["127.0.0.1:8101", "http://h/", "http://h/page", "*", "null", "ftp://h", "http://"])
def test_an_origin_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    """A browser compares it letter by letter: one with a path would never fit, and nobody would know why."""
    monkeypatch.setenv("OUTCRY_LEDGER_ORIGINS", f"https://outcry.example, {origin}")
    assert "OUTCRY_LEDGER_ORIGINS" in refusal(LedgerSettings)


def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_LEDGER_ORIGINS", "https://outcry.example, http://127.0.0.1:8101")
    assert load_settings(LedgerSettings).ledger_origins == ("https://outcry.example", "http://127.0.0.1:8101")
