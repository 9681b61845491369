"""The gateway's settings: environment variables `OUTCRY_…`, or flags of its command."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """Everything one gateway replica can be told."""

    model_config = SettingsConfigDict(env_prefix="OUTCRY_", extra="ignore")

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Where the command log and the feed are."""
    shard: int = Field(default=0, ge=0)
    """Which market of that Redis."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8101, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and says which."""
    secret_file: Path = Path("outcry-secret")
    """File that holds the key of the tokens, at least 32 bytes."""
    pace_ms: float = Field(default=10.0, ge=0, le=1000)
    """Shortest time between two flushes of channels without an interval, ms."""
    connections_max: int = Field(default=15_000, ge=1)
    """Connections to this replica; beyond it, clients are sent to another."""
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    """Least severity that is logged."""
