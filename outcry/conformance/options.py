"""The options of the kit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from openoutcry.wire.errors import ConfigurationError


class ConformanceOptions(NamedTuple):
    """A run of the kit."""

    urls: Sequence[str]
    """Gateways of one exchange, such as ws://127.0.0.1:8101/v1/stream; with two, more can be proven."""
    tokens: Sequence[str] = ()
    token_file: Path | None = None
    """One token a line."""
    secret_file: Path | None = None
    """Key of the exchange's tokens: users are made from it, and expired tokens can be tried."""
    instrument: str | None = None
    """Where to place orders; None takes the one with the widest spread."""
    only: str = ""
    """Pattern of the names of checks; "" is all of them."""

    def checked(self) -> ConformanceOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        if not self.urls:
            raise ConfigurationError("name at least one gateway, such as ws://127.0.0.1:8101/v1/stream")
        for url in self.urls:
            if not url.startswith(("ws://", "wss://")):
                raise ConfigurationError(f"a gateway's URL begins with ws:// or wss://, not {url!r}")
        if not (self.tokens or self.token_file or self.secret_file):
            raise ConfigurationError("give --secret-file, --token-file or --token: the kit needs users of its own")
        return self
