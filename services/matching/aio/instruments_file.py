"""The file that names a market's instruments."""

from __future__ import annotations

from pathlib import Path

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.written_listing import read_listing


def read_instruments(path: Path | None) -> tuple[Instrument, ...]:
    """
    Return the instruments to list.

    Args:
        path: JSON list of maps with the fields of `openoutcry.wire.instrument`; None gives those of `default_listing`.

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
