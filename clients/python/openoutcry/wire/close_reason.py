"""The reason in a WebSocket close frame: at most 123 bytes of UTF-8. Source: RFC 6455, section 5.5."""

from __future__ import annotations

from typing import Final

REASON_BYTES_MAX: Final = 123
"""A control frame holds 125 bytes, and the code takes two."""


def close_reason(text: str) -> str:
    """Return the text, cut at its end to what a close frame holds; letters stay whole, a lone surrogate becomes "?"."""
    return text.encode("utf-8", "replace")[:REASON_BYTES_MAX].decode("utf-8", "ignore")
