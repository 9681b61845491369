"""The gateway's settings: environment variables `OUTCRY_…`, files of secrets, or flags of its command."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from services.gateway.limits import GatewayLimits
from shared.aio.settings import ServiceSettings
from shared.key_address import checked_key_place
from shared.redis_url import checked_redis_url
from shared.token_bucket import Rate
from shared.token_claims import Audience
from shared.web_origin import checked_origin, checked_origins


def read_ports(text: int | str) -> range:
    """
    Read a port, or a range such as `8101-8110`, both ends included.

    Raises:
        ValueError: If it is neither.
    """
    first, dash, last = str(text).partition("-")
    try:
        ports = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        ports = range(0)
    if not ports or not 0 <= ports[0] <= ports[-1] <= 65_535 or (dash and not ports[0]):
        raise ValueError("must be a port, 0 to 65535, or a range of them such as 8101-8110")
    return ports


def _checked_port(text: int | str) -> int | str:
    ports = read_ports(text)
    return ports[0] if len(ports) == 1 else str(text)


def _read_names(text: object) -> object:
    return tuple(each.strip() for each in text.split(",") if each.strip()) if isinstance(text, str) else text


def _read_networks(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip())


def _checked_ledger(text: str) -> str:
    return text if text in ("", "/") else checked_origin(text)


def _checked_zone(text: str) -> str:
    try:
        return text and ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Zurich") from None


class GatewaySettings(ServiceSettings):
    """The settings of one gateway replica."""

    feed_url: Annotated[str, AfterValidator(lambda url: url and checked_redis_url(url))] = ""
    """Replica of that Redis from which feed and snapshots are read, in the same forms; with `redis+sentinel://` any
    replica of the service. Users and passwords are those of `REDIS_URL` unless it names its own. Empty: the primary."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int | str, BeforeValidator(_checked_port)] = 8101
    """Port to listen on. 0 takes a free one and prints it; `8101-8110` takes the first that is free."""
    secret_file: Path = Path("outcry-secret")
    """File that holds the key of HS256 tokens, at least 32 bytes. It is not read if `JWKS` is set."""
    jwks: Annotated[str, AfterValidator(checked_key_place)] = ""
    """Public keys of the identity provider, a JSON Web Key Set: a file, or an `https://` URL (on this machine `http://`
    too). Tokens are then RS256, ES256 or EdDSA. Empty takes HS256, by `SECRET_FILE`."""
    token_audience: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_read_names)] = ()
    """Audience that a token's `aud` must name, or several with commas between. Empty refuses tokens with `aud`."""
    token_issuer: str = ""
    """Issuer that a token's `iss` must name, letter by letter. Empty accepts any."""
    pace_ms: float = Field(default=10.0, ge=0, le=1000)
    """Shortest time between two flushes of channels without an interval."""
    connections_max: int = Field(default=15_000, ge=1)
    """Connections to this replica; beyond it, clients are sent to another (4004)."""
    connection_age_max_s: float = Field(default=0.0, ge=0)
    """Age at which, or up to a fifth earlier, a connection is sent away to a replica with more room. 0 is never."""
    accepts_per_second: float = Field(default=1_000.0, gt=0)
    """Handshakes that are answered. Others get HTTP 503 with Retry-After, and clients wait."""
    trade_without_roles: bool = True
    """Whether users may enter orders whose tokens have no claim `roles`, as those of a development are. Set it to false
    where an identity provider gives roles: then whoever has none is a viewer."""
    accepts_burst: int = Field(default=2_000, ge=1)
    """Handshakes that are answered at once, after a quiet time."""
    tls_cert: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = None
    """PEM file of a certificate, those that signed it behind it. With it the gateway speaks TLS 1.3 and nothing else on
    its port, health and metrics too. Empty: TLS ends before the gateway, or nowhere."""
    tls_key: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = None
    """PEM file of that certificate's private key, not encrypted."""
    io_uring: bool = True
    """Whether a flush is one system call for all of its listeners: where the kernel has io_uring, Linux 6.0 or later,
    and nobody forbids it. Otherwise it is one for each. Most containers forbid it."""
    drain_delay_s: float = Field(default=0.0, ge=0, le=3_600)
    """After SIGTERM, time for balancers to see that `/readyz` is 404, before anyone is sent away."""
    drain_s: float = Field(default=5.0, gt=0, le=3_600)
    """After that, time for clients to leave. Then the process ends."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_read_networks)] = ()
    """Networks, with commas between, whose PROXY protocol and X-Forwarded-For count, such as `10.0.0.0/8,::1`."""

    page_folder: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = None
    """Folder of the trading page's built files. Empty: those of the wheel, or what `make web` has built in a copy of
    the sources; where there are none, no page is served."""
    page_ledger_url: Annotated[str, AfterValidator(_checked_ledger)] = ""
    """Origin where the page asks for the record, such as `https://record.example.com`; `/` is the page's own, as behind
    the shipped haproxy. Empty: there is no ledger."""
    page_oidc_issuer: str = Field(default="", pattern=r"^(https?://[^\s;,'\"]+)?$")
    """Issuer at which the page's users log in (OpenID Connect, code flow with PKCE). Empty: they paste a token."""
    page_oidc_client_id: str = "openoutcry"
    """The page's client at that issuer: a public one, whose redirect is the page's own address."""
    page_oidc_scope: str = "openid"
    """What the page asks the issuer for; it names whatever makes the issuer put the audience into tokens."""
    page_oidc_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_read_names), AfterValidator(checked_origins)
    ] = ()
    """Origins of the issuer's other addresses, with commas between, where they are not the issuer's own."""
    page_zone: Annotated[str, AfterValidator(_checked_zone)] = ""
    """IANA time zone of the exchange, such as `Europe/Zurich`, that the page shows beside the user's own."""
    page_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_read_names), AfterValidator(checked_origins)
    ] = ()
    """Origins of pages, with commas between, that may open a stream beside a gateway's own. Programs need none."""

    def page_ledger(self) -> str | None:
        """Return where the page asks for the record; "" is its own origin, None: there is none."""
        return {"": None, "/": ""}.get(self.page_ledger_url, self.page_ledger_url)

    def audience(self) -> Audience:
        """Return for whom tokens must be."""
        return Audience(self.token_audience, self.token_issuer)

    def limits(self) -> GatewayLimits:
        """Return the gateway's limits, as far as they can be set."""
        return GatewayLimits(
            connections=self.connections_max,
            connection_age_s=self.connection_age_max_s or float("inf"),
            accepts=Rate(self.accepts_per_second, self.accepts_burst),
            trades_without_roles=self.trade_without_roles,
        )
