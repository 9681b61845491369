"""Shows a URL without the secrets in it."""

from __future__ import annotations

import re
from typing import Final

_CREDENTIALS: Final = re.compile(r"(://).*@|([?&](?:password|username)=)[^&]*")


def redacted(url: str) -> str:
    """Return a URL without user and password, whatever else is wrong with it."""
    return _CREDENTIALS.sub(lambda found: f"{found[1] or found[2]}***{'@' if found[1] else ''}", url)
