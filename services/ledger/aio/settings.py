"""The ledger's settings: environment variables `OUTCRY_…`, files of secrets, or flags of its command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode
from sqlalchemy.engine import URL

from services.ledger.aio.database import database_url
from services.ledger.aio.ledger_api import STALE_S
from shared.aio.settings import ServiceSettings
from shared.key_address import checked_key_place
from shared.token_claims import Audience

ORIGINS_MAX: Final = 64
"""Of pages that may ask; each is compared with each request's."""


def _checked_database(text: str) -> str:
    try:
        database_url(text)
    except ValueError as error:
        raise ValueError(str(error)) from None
    return text


def _read_names(text: object) -> object:
    return tuple(each.strip() for each in text.split(",") if each.strip()) if isinstance(text, str) else text


def _checked_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if len(origins) > ORIGINS_MAX:
        raise ValueError(f"{len(origins)} origins, the limit is {ORIGINS_MAX}")
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}" or not parts.hostname:
            raise ValueError(
                f"an origin is http:// or https://, a host and perhaps a port, and nothing more: {origin!r}"
            )
    return origins


class LedgerSettings(ServiceSettings):
    """The settings of one ledger."""

    ledger_database: Annotated[str, AfterValidator(_checked_database)] = "sqlite:///outcry-ledger.db"
    """Where the record is: `sqlite:///PATH` or `postgresql://USER@HOST:PORT/DATABASE`. An SQLite file that is not there
    is made; tables of PostgreSQL are made by `outcry ledger migrate`."""
    ledger_password: SecretStr | None = None
    """Password of the database's user, if the URL holds none. A file in the secrets' folder is better."""
    ledger_product: str = "outcry"
    """Name of the exchange in what the ledger signs."""
    ledger_keys: Path | None = None
    """Folder of what it proves with (`outcry ledger keys new`). Empty: `PATH.keys` beside an SQLite file, made with it;
    of PostgreSQL the two files that follow."""
    ledger_key_file: Path | None = None
    """File of the private key (Ed25519, PEM) that signs heads, where there is no folder of keys; before it, the older
    keys' public ones (`deploy/rotate-ledger-key`)."""
    ledger_salt_file: Path | None = None
    """File of the keys of salts, one a line in 64 hexadecimal digits, the oldest first; likewise."""
    ledger_host: str = "127.0.0.1"
    """Address of the interface, of metrics and of health."""
    ledger_port: int = Field(default=0, ge=0, le=65_535)
    """Port of all of them (`/v1/…`, `/metrics`, `/healthz`, `/readyz`). 0 serves none."""
    ledger_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_read_names), AfterValidator(_checked_origins)
    ] = ()
    """Where the trading page comes from, if that is not where the interface is: `https://HOST[:PORT]`, several with
    commas between. Browsers let pages of no other origin ask."""
    ledger_stale_s: float = Field(default=STALE_S, ge=1.0, le=86_400.0)
    """Age of the last command written at which answers are refused as `stale`."""
    ledger_hold_packets: int = Field(default=2_000_000, ge=0)
    """As the engine has it: how full that is shows in a metric."""
    ledger_hold_entries: int = Field(default=5_000_000, ge=0)
    """Likewise."""
    secret_file: Path = Path("outcry-secret")
    """File that holds the key of HS256 tokens, at least 32 bytes. It is not read if `JWKS` is set."""
    jwks: Annotated[str, AfterValidator(checked_key_place)] = ""
    """As of a gateway: public keys of the identity provider, whose tokens let users ask."""
    token_audience: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_read_names)] = ()
    """As of a gateway."""
    token_issuer: str = ""
    """As of a gateway."""

    def audience(self) -> Audience:
        """Return for whom tokens must be."""
        return Audience(self.token_audience, self.token_issuer)

    def url(self) -> URL:
        """Return where the record is, with the password."""
        url = database_url(self.ledger_database)
        if self.ledger_password is not None and url.get_backend_name() == "postgresql" and not url.password:
            url = url.set(password=self.ledger_password.get_secret_value().strip())
        return url
