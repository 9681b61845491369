"""What is said of a proof that does not hold."""

from __future__ import annotations

from openoutcry.wire.errors import OpenOutcryError


class NotProven(OpenOutcryError):
    """A receipt, head or consistency proof does not prove what it says; the text names what is wrong."""
