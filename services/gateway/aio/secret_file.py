"""The file that holds the key of the tokens."""

from __future__ import annotations

from pathlib import Path

from openoutcry.wire.errors import ConfigurationError
from services.gateway.authentication import checked_secret


def read_secret(path: Path) -> bytes:
    """
    Return the key.

    Raises:
        ConfigurationError: If the file cannot be read or is too short; says how to make one.
    """
    try:
        return checked_secret(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path} ({error.strerror}); make one with: openssl rand -hex 32 > {path}"
        ) from error
