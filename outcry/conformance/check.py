"""One check: one sentence of docs/protocol.md that is to be proven."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple


class Check(NamedTuple):
    """One thing to prove; `aio.registry` knows how."""

    name: str
    """Module and function, such as `connection.offering_neither_is_refused`."""
    section: str
    """Heading in docs/protocol.md."""
    sentence: str
    """What it proves, word for word as it stands there."""
    seconds: float
    """Its deadline, for each attempt; beyond it the check has failed."""
    users: int
    """How many users it needs for itself."""
    gateways: int
    """How many addresses of the same exchange it needs."""
    is_contended: bool
    """It trades at a price of its own: alone among the checks, and again when somebody else came between."""

    @property
    def anchor(self) -> str:
        """Where its sentence stands."""
        return "docs/protocol.md#" + re.sub(r"[^a-z0-9-]", "", self.section.lower().replace(" ", "-"))


def chosen(checks: Iterable[Check], pattern: str) -> list[Check]:
    """Return the checks whose name holds a word, or matches a pattern with `*` and `?`; "" is all of them."""
    if not set(pattern) & set("*?["):
        pattern = f"*{pattern}*"
    return [each for each in checks if fnmatchcase(each.name, pattern)]
