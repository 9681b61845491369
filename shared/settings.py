"""Reading settings: the environment's `OUTCRY_…` variables, and the options of a command, which win."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from shared.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)


def load_settings(kind: type[S], **given: Any) -> S:
    """
    Read the settings of a service.

    Args:
        kind: Which.
        given: Options of its command, by the setting's name; None means not given.

    Raises:
        ConfigurationError: Names every setting that is wrong, its rule and the value.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [
            f"OUTCRY_{'_'.join(map(str, found['loc'])).upper()}: {found['msg']}, not {found['input']!r}"
            for found in error.errors(include_url=False)
        ]
        raise ConfigurationError("; ".join(problems)) from error
