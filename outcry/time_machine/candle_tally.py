"""Candles made again from the trades of a replay, and held against those that the ledger has.

A segment knows all trades of a minute only if the minute lies within it. The candles of the minutes at its edges go to
whoever has the other segments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.record import MarkRow, Record
from outcry.time_machine.row_comparison import A_ROW, NO_ROW
from outcry.time_machine.time_text import moment_text
from services.ledger.candles import MINUTE_US, CandleRow, Candles, candle_key
from services.ledger.fork import WriterPlace

CLOSED_MAX: Final = 2_000
"""Candles that are complete before they are compared."""


class CandleTally:
    """
    The candles of one segment.

    Args:
        record: The ledger's.
        begins: Time of its mark, µs.
    """

    def __init__(self, record: Record, begins: int) -> None:
        self._record = record
        self._first = begins - begins % MINUTE_US
        self._rows: dict[tuple[str, int], CandleRow] = {}
        self._candles = Candles()
        self._now = self._first

    def add(self, history: int, position: int, trades: Sequence[tuple[Any, ...]]) -> Iterator[Difference]:
        """Take rows of `trade`, in order; compares what is complete once that is much. O(rows)."""
        if trades:
            self._candles.read(self._candles.unknown(trades), ())
            self._rows.update({row[:2]: row for row in self._candles.take(trades)})
            self._now = max(self._now, candle_key(trades[-1])[1])
        if len(self._rows) > CLOSED_MAX:
            yield from self._compare(history, position)

    def end(self, history: int, position: int) -> Iterator[Difference]:
        """Compare all that is complete."""
        yield from self._compare(history, position)

    def edges(self) -> list[CandleRow]:
        """Return the candles of the first minute and of the last."""
        return list(self._rows.values())

    def _compare(self, history: int, position: int) -> Iterator[Difference]:
        closed = {key: row for key, row in self._rows.items() if self._first < row.start < self._now}
        self._rows = {key: row for key, row in self._rows.items() if key not in closed}
        self._candles = Candles()
        self._candles.read(self._rows, self._rows.values())
        by_instrument: defaultdict[str, dict[int, CandleRow]] = defaultdict(dict)
        for row in closed.values():
            by_instrument[row.instrument][row.start] = row
        for instrument, wanted in by_instrument.items():
            recorded = self._record.candles(instrument, min(wanted), max(wanted))
            held = {row[1]: row for row in recorded}
            for start in sorted(held.keys() | wanted.keys()):
                yield from _differences(history, position, instrument, start, held.get(start), wanted.get(start))


def edge_findings(
    record: Record, first: MarkRow, place: WriterPlace, edges: Sequence[Sequence[CandleRow]]
) -> list[Difference]:
    """
    Return what is different at the edges of the segments, in order.

    What was before the first segment, or behind the last, is not known: where it matters nothing is compared.
    """
    rows: dict[tuple[str, int], CandleRow] = {}
    for part in edges:
        for row in part:
            before = rows.get(row[:2])
            rows[row[:2]] = row if before is None else _joined(before, row)
    found: list[Difference] = []
    for (instrument, start), row in rows.items():
        is_cut = first.position and start <= first.time
        for recorded in record.candles(instrument, start, start) or (None,):
            is_later = recorded is not None and recorded[10] > row.last_trade_id
            if not is_cut and not is_later:
                found += _differences(place.history, place.position, instrument, start, recorded, row)
    return found


def _joined(before: CandleRow, after: CandleRow) -> CandleRow:
    return CandleRow(
        before.instrument,
        before.start,
        before.open,
        max(before.high, after.high),
        min(before.low, after.low),
        after.close,
        before.volume + after.volume,
        before.trades + after.trades,
        str(int(before.value) + int(after.value)),
        before.first_trade_id,
        after.last_trade_id,
        before.auction or after.auction,
    )


def _differences(
    history: int, position: int, instrument: str, start: int, recorded: Any, wanted: CandleRow | None
) -> Iterator[Difference]:
    key = f"{instrument} {moment_text(start)}"
    if recorded is None or wanted is None:
        told = (NO_ROW, A_ROW) if recorded is None else (A_ROW, NO_ROW)
        yield Difference(history, position, "candle_1m", key, "", *told)
        return
    for field, left, right in zip(CandleRow._fields, recorded, wanted, strict=True):
        if left != right:
            yield Difference(history, position, "candle_1m", key, field, shown(left), shown(right))
