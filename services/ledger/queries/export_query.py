"""Exports: the same rows as the pages', of a day or some days, as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Select

from services.ledger.queries.candle_query import DayClose
from services.ledger.queries.iso_time import DAY_US, day_start
from services.ledger.queries.parameter import FROM, ORDER, ORPHANED, PAGE, TO, Parameter, choice, date
from services.ledger.queries.position_query import POSITIONS, position_statement
from services.ledger.queries.problem import bad_request
from services.ledger.queries.record_catalogue import EXPORTED
from services.ledger.queries.record_query import Asked, RecordQuery, record_statement

DAYS_MAX: Final = 31
FORMAT: Final = choice("format", ("csv", "parquet"), "Of the file.", default="csv")
DAY: Final = date("day", "The rows of this trading day; or give `from` and `to`.")
_NOT_OF_FILES: Final = {parameter.name for parameter in (*PAGE, ORDER)}


class Export(NamedTuple):
    """One kind of them."""

    query: RecordQuery
    parameters: tuple[Parameter, ...]
    statement: Callable[[Asked], Select[Any]]
    is_of_times: bool
    """Whether it takes `from` and `to`."""


def _record_export(query: RecordQuery) -> Export:
    own = tuple(parameter for parameter in query.parameters if parameter.name not in _NOT_OF_FILES)
    return Export(query, (*own, DAY, FORMAT), lambda asked: record_statement(query, asked, None), is_of_times=True)


def _position_export() -> Export:
    own = tuple(parameter for parameter in POSITIONS.parameters if parameter.name not in _NOT_OF_FILES)
    return Export(POSITIONS, (*own, FORMAT), lambda asked: position_statement(asked, None), is_of_times=False)


EXPORTS: Final = {"positions": _position_export(), **{query.path: _record_export(query) for query in EXPORTED}}
assert {FROM.name, TO.name, ORPHANED.name} <= {parameter.name for parameter in EXPORTS["trades"].parameters}


def check_times(values: Mapping[str, Any]) -> None:
    """
    Return if an export says of which day or times it is to be.

    Raises:
        Problem: If it does not, or asks for too many days.
    """
    times = [name for name in ("from", "to") if name in values]
    if "day" in values and times:
        raise bad_request(times[0], "is given beside day; give either")
    if "day" in values:
        return
    if len(times) < 2:
        missing = "to" if times == ["from"] else "from"
        raise bad_request(missing, "is missing; an export needs from and to, or day")
    if values["to"] - values["from"] > DAYS_MAX * DAY_US:
        raise bad_request("to", f"is more than {DAYS_MAX} days after from", limit=DAYS_MAX)


def times_of_day(day: str, closes: Sequence[DayClose]) -> tuple[int, int]:
    """
    Return [from, to) of a trading day: behind the close before it, up to its own; µs.

    A day that has not closed begins behind the last close. Without any closes, and before the first, it is one of UTC.
    """
    start, end = day_start(day), day_start(day) + DAY_US
    before = [close for close in closes if close.day < day]
    own = [close for close in closes if close.day == day]
    if own:
        end = own[-1].time + 1
        start = min(start, end)
    if before and closes and (own or day > closes[-1].day):
        start = before[-1].time + 1
    return start, max(start, end)
