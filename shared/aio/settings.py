"""Reading settings: environment `OUTCRY_…`, files of the secrets' folder, and the options of a command, which win.

One environment serves all roles: each knows the names of all settings, uses its own, and refuses names that nobody
knows, since a mistyped setting would silently have its default. All problems are named at once.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.redacted_url import redacted
from shared.redis_url import checked_redis_url

PREFIX: Final = "OUTCRY_"
SECRETS_DIRECTORY: Final = Path("/run/secrets")
"""Where secrets are looked for, unless OUTCRY_SECRETS_DIR names another folder; it need not exist."""
ROLE_SETTINGS: Final = frozenset(
    {
        "accept_loss",
        "accepts_burst",
        "accepts_per_second",
        "batch_commands_max",
        "cancel_grace_s",
        "clock_skew_max_s",
        "checkpoint_interval_s",
        "command_entries_max",
        "connection_age_max_s",
        "connections_max",
        "drain_delay_s",
        "drain_s",
        "durability",
        "feed_packets_max",
        "feed_url",
        "host",
        "instruments_file",
        "io_uring",
        "jwks",
        "lease_ms",
        "ledger_database",
        "ledger_hold_entries",
        "ledger_hold_packets",
        "ledger_host",
        "ledger_key_file",
        "ledger_keys",
        "ledger_origins",
        "ledger_password",
        "ledger_port",
        "ledger_product",
        "ledger_salt_file",
        "ledger_stale_s",
        "log_level",
        "metrics_host",
        "metrics_port",
        "open_orders_max",
        "order_ids_max",
        "orders_met_max",
        "pace_ms",
        "page_folder",
        "page_ledger_url",
        "page_oidc_client_id",
        "page_oidc_issuer",
        "page_oidc_origins",
        "page_oidc_scope",
        "page_origins",
        "page_zone",
        "port",
        "redis_password",
        "redis_url",
        "redis_username",
        "replicas_min",
        "secret_file",
        "shard",
        "snapshot_interval_s",
        "tls_cert",
        "tls_key",
        "token_audience",
        "token_issuer",
        "trade_without_roles",
        "traces_ratio",
        "traces_url",
        "trusted_proxies",
        "unreachable_max_s",
    }
)
"""The settings of all roles together; services do not import each other, so a test holds this against their classes."""
OTHER_VARIABLES: Final = frozenset({"secrets_dir", "test_run", "token", "url"})
"""What else may stand in the environment: the folder of secrets, and what the command's clients and tests use."""

Check = Callable[[Any], object]
"""Raises ConfigurationError if a setting's value, right in itself, cannot serve: a file that cannot be read."""

S = TypeVar("S", bound=BaseSettings)


class ServiceSettings(BaseSettings):
    """The settings of every role."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True, hide_input_in_errors=True
    )

    redis_url: Annotated[str, AfterValidator(checked_redis_url)] = "redis://127.0.0.1:6379/0"
    """Where the logs are: `redis://`, `rediss://` (TLS), `unix://`, or `redis+sentinel://host:port,host:port/service/db`."""
    redis_username: str | None = None
    """Redis user, if the URL names none."""
    redis_password: SecretStr | None = None
    """Redis password, if the URL holds none. A file in the secrets' folder is better."""
    shard: int = Field(default=0, ge=0)
    """Number of the market, if several share that Redis."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest severity that is logged."""
    traces_url: str = Field(default="", pattern="^(https?://.+)?$")
    """Where traces of orders go by OTLP over HTTP, such as `http://collector:4318/v1/traces`. Empty is off. Needs the
    extra `otel`."""
    traces_ratio: float = Field(default=0.01, ge=0, le=1)
    """Share of orders that are traced. It must be the same in all roles, else traces have holes."""

    @property
    def redis_credentials(self) -> tuple[str | None, str | None]:
        """User and password for Redis beside the URL's own, which win."""
        password = self.redis_password
        return self.redis_username, None if password is None else password.get_secret_value()


class _Alone(BaseSettings):
    model_config = ServiceSettings.model_config


def load_settings(
    kind: type[S],
    checks: Mapping[str, Check] | None = None,
    stands_for: Mapping[str, str] | None = None,
    **given: Any,
) -> S:
    """
    Read the settings of a service.

    Args:
        kind: Which.
        checks: By the setting's name; made even if other settings are wrong.
        stands_for: A setting to the one whose check is needless where it is set.
        given: Options of its command, by the setting's name; None means not given.

    Raises:
        ConfigurationError: Names every setting that is wrong or unknown, its rule, and its value unless it is secret.
    """
    problems = list(_unknown(os.environ))
    sources = {name: value for name, value in given.items() if value is not None}
    directory = Path(os.environ.get(f"{PREFIX}SECRETS_DIR", SECRETS_DIRECTORY))
    if directory.is_dir():
        sources["_secrets_dir"] = directory
    try:
        settings = kind(**sources)
    except ValidationError as error:
        problems += [_told(kind, found) for found in error.errors(include_url=False)]
    except OSError as error:
        problems.append(f"{error.filename}: cannot be read ({error.strerror})")
    needless = {other for name, other in (stands_for or {}).items() if _alone(kind, name, sources)}
    needed = {name: check for name, check in (checks or {}).items() if name not in needless}
    problems += _failed(kind, needed, sources)
    if problems:
        raise ConfigurationError("; ".join(problems))
    return settings


def variable(setting: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + setting.upper()


def _unknown(environment: Mapping[str, str]) -> Iterable[str]:
    known = {variable(name) for name in ROLE_SETTINGS | OTHER_VARIABLES}
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            nearest = difflib.get_close_matches(name.upper(), sorted(known), 1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            yield f"{name}: there is no such setting{hint}"


def _failed(kind: type[BaseSettings], checks: Mapping[str, Check], sources: Mapping[str, Any]) -> Iterable[str]:
    for name, check in checks.items():
        value = _alone(kind, name, sources)
        try:
            if value is not None:
                check(value)
        except ConfigurationError as error:
            yield f"{variable(name)}: {error}"


def _alone(kind: type[BaseSettings], name: str, sources: Mapping[str, Any]) -> Any:
    """Read one setting, since the others may be wrong; None if this one is, which is reported already."""
    field = kind.model_fields[name]
    alone = create_model("Alone", __base__=_Alone, **{name: (field.annotation, field)})  # type: ignore[call-overload]
    try:
        return getattr(alone(**sources), name)
    except (ValidationError, OSError):
        return None


def _told(kind: type[BaseSettings], found: Mapping[str, Any]) -> str:
    name = "_".join(map(str, found["loc"][:1]))
    field = kind.model_fields.get(name)
    given = repr(found["input"])
    is_secret = (field is not None and "Secret" in str(field.annotation)) or (
        name.endswith("url") and "://" not in given
    )
    value = "what it is" if is_secret else redacted(given)
    return f"{variable(name)}: {found['msg'].removeprefix('Value error, ')}, not {value}"
