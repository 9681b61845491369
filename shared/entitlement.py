"""Which instruments a token's user may see and trade: globs of symbols, in the claim `instruments`.

No globs are all instruments: tokens that say nothing of them entitle to everything.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, TypeAlias

Entitlement: TypeAlias = tuple[str, ...]
"""Globs in order of name, each once: `*`, `?` and `[seq]`, as shells have them; letters count as they are."""
EVERYTHING: Final[Entitlement] = ()
NOTHING: Final[Entitlement] = ("",)
"""No symbol is empty."""
REMEMBERED_MAX: Final = 100_000
"""Pairs of an entitlement and a symbol whose answer is remembered."""


def covers(entitlement: Entitlement, symbol: str) -> bool:
    """Tell whether an entitlement is to an instrument; O(1) for what is remembered, else O(globs)."""
    return not entitlement or _matches(entitlement, symbol)


@lru_cache(maxsize=REMEMBERED_MAX)
def _matches(entitlement: Entitlement, symbol: str) -> bool:
    return any(fnmatchcase(symbol, glob) for glob in entitlement)
