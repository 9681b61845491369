"""The file that names a market's instruments."""

from __future__ import annotations

import json
from pathlib import Path

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from services.matching.default_listing import DEFAULT_LISTING


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
        return tuple(Instrument(**row).checked() for row in json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, ConfigurationError) as error:
        raise ConfigurationError(f"{path}: must be a JSON list of instruments; {error}") from error
