"""What is listed: the definitions that turn ticks and lots into amounts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from openoutcry.wire.account import tick_value
from openoutcry.wire.instrument import Instrument

TEXTS_MAX: Final = 20_000
"""Prices whose text is remembered."""


class ListedInstrument(NamedTuple):
    """A definition, and where the record has it."""

    instrument: Instrument
    history: int
    position: int

    def price_text(self, ticks: int) -> str:
        """Write a price as decimal text, with all decimals that the tick has."""
        return _price_text(self.instrument.tick_size, ticks)

    def units(self, lots: int) -> int:
        """Return how many units so many lots are."""
        return lots * self.instrument.lot_size

    @property
    def tick_value(self) -> int:
        """What one lot is worth at one tick, millionths."""
        return tick_value(self.instrument)


@lru_cache(TEXTS_MAX)
def _price_text(tick_size: str, ticks: int) -> str:
    return f"{ticks * Decimal(tick_size):f}"


Listing = Mapping[str, ListedInstrument]


def read_listing(rows: Iterable[tuple[int, int, str, str]]) -> dict[str, ListedInstrument]:
    """Return the newest definition of each symbol; rows are (history, position, symbol, definition), in order."""
    found = {}
    for history, position, symbol, definition in rows:
        found[symbol] = ListedInstrument(_instrument(symbol, json.loads(definition)), history, position)
    return dict(sorted(found.items()))


def _instrument(symbol: str, fields: Mapping[str, Any]) -> Instrument:
    known = {name: value for name, value in fields.items() if name in Instrument._fields}
    return Instrument(**(known | {"symbol": symbol}))
