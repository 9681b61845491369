"""Checks one token as a gateway with the same settings would; for people, by `outcry token check`."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any

from openoutcry.wire.errors import ConfigurationError
from services.gateway.aio.settings import GatewaySettings
from shared.aio.key_source import KeyPlace, read_secret
from shared.aio.settings import load_settings
from shared.token_keys import TokenKeys, shared_key
from shared.token_report import TokenReport, report


async def check_token(token: str, now: float, given: Mapping[str, Any]) -> TokenReport:
    """
    Tell whom a token names, and what is wrong with it.

    Args:
        token: As it came.
        now: Unix time in seconds.
        given: Options of the command, by the setting's name; None means not given.

    Raises:
        ConfigurationError: If the settings are wrong.
    """
    settings = load_settings(GatewaySettings, **given)
    return report(token, await _keys(settings), settings.audience(), now)


async def _keys(settings: GatewaySettings) -> TokenKeys | str:
    """Return the keys, or a sentence why there are none."""
    try:
        if not settings.jwks:
            return shared_key(read_secret(settings.secret_file))
        return await KeyPlace(settings.jwks).read()
    except (ConfigurationError, OSError, http.client.HTTPException) as error:
        return f"there are no keys to check it with: {str(error) or type(error).__name__}"
