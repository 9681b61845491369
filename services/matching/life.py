"""What becomes of instruments that end by themselves: the stages of their last way."""

from __future__ import annotations

import enum


class Life(enum.StrEnum):
    """What has become of an instrument that ends by itself."""

    TRADING = ""
    """Nothing yet."""
    ENDING = "expired"
    """Its orders end."""
    PENDING = "pending_settlement"
    """Nobody knows its settlement price yet, or somebody cannot pay."""
    SETTLING = "settlement"
    """Its holders are paid, some with each command."""
    OVER = "over"
    """It is held by nobody."""
