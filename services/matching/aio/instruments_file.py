"""The file that names a market's instruments."""

from __future__ import annotations

from pathlib import Path

from services.matching.written_listing import read_listing
from shared.errors import ConfigurationError
from shared.instrument import Instrument
from shared.market_listing import DEFAULT_LISTING


def read_instruments(path: Path | None) -> tuple[Instrument, ...]:
    """
    Return the instruments to list.

    Args:
        path: JSON list of maps with the fields of `shared.instrument`; None gives the ten of `shared.market_listing`.

    Raises:
        ConfigurationError: If the file cannot be read or breaks a rule; names the file and the rule.
    """
    if path is None:
        return DEFAULT_LISTING
    try:
        return read_listing(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, ConfigurationError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
