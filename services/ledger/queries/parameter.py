"""Parameters of queries: one table says how each is read and how the interface's document describes it.

Everything is refused by name: a parameter that the path does not have, one given twice, one of another form.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from openoutcry.wire.instrument import SYMBOL
from services.ledger.queries.iso_time import DAY_PATTERN, TIME_PATTERN, TimeWithoutZone, read_day, read_time
from services.ledger.queries.problem import Problem, bad_request, shown

INTEGER_MAX: Final = 2**63 - 1
"""What both databases hold."""
USER_PATTERN: Final = r"^~?[A-Za-z0-9._@+-]{1,64}$"
"""A user, or an account of the exchange itself."""
SYMBOL_PATTERN: Final = f"^{SYMBOL.pattern}$"
CODE_PATTERN: Final = "^[a-z_]{1,40}$"


class Parameter(NamedTuple):
    """One of them."""

    name: str
    meaning: str
    schema: dict[str, Any]
    """As JSON Schema has it."""
    read: Callable[[str], Any]
    """Raises ValueError with the rule."""
    required: bool = False
    place: str = "query"
    """Or `path`."""
    example: str | int | None = None


def matched(name: str, pattern: str, meaning: str, rule: str, **options: Any) -> Parameter:
    """Make one that is text of a form; `rule` says the form in words."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if compiled.fullmatch(text) is None or text.endswith("\n"):
            raise ValueError(f"must be {rule}")
        return text

    return Parameter(name, meaning, {"type": "string", "pattern": pattern}, read, **options)


def symbol(meaning: str, name: str = "instrument", **options: Any) -> Parameter:
    """Make one that is an instrument's symbol."""
    rule = "1 to 24 of A-Z 0-9 . _ - with a letter or digit first"
    return matched(name, SYMBOL_PATTERN, meaning, rule, example="ACME", **options)


def person(name: str, meaning: str) -> Parameter:
    """Make one that is a user's name."""
    rule = "1 to 64 letters, digits and . _ @ + -, and perhaps ~ before them"
    return matched(name, USER_PATTERN, meaning, rule)


def whole(name: str, low: int, high: int, meaning: str, *, default: int | None = None, **options: Any) -> Parameter:
    """Make one that is a whole number, bounds included."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    if default is not None:
        schema["default"] = default

    def read(text: str) -> int:
        if re.fullmatch("0|[1-9][0-9]{0,18}", text) is None or not low <= (found := int(text)) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return found

    return Parameter(name, meaning, schema, read, **options)


def choice(name: str, options: Sequence[str], meaning: str, *, default: str = "", **more: Any) -> Parameter:
    """Make one that is one of some words."""
    schema: dict[str, Any] = {"type": "string", "enum": list(options)}
    if default:
        schema["default"] = default

    def read(text: str) -> str:
        if text not in options:
            raise ValueError(f"must be one of {', '.join(options)}")
        return text

    return Parameter(name, meaning, schema, read, **more)


def flag(name: str, meaning: str) -> Parameter:
    """Make one that is true or false."""
    said = choice(name, ("true", "false"), meaning)
    return said._replace(read=lambda text: said.read(text) == "true", schema={"type": "boolean"})


def moment(name: str, meaning: str, **options: Any) -> Parameter:
    """Make one that is a time with an offset or Z."""
    schema = {"type": "string", "pattern": TIME_PATTERN, "maxLength": 32}
    return Parameter(name, meaning, schema, read_time, example="2026-11-20T10:31:02.5Z", **options)


def date(name: str, meaning: str) -> Parameter:
    """Make one that is a date."""
    return Parameter(name, meaning, {"type": "string", "pattern": DAY_PATTERN}, read_day, example="2026-11-20")


FROM: Final = moment("from", "Not before this time.")
TO: Final = moment("to", "Before this time.")
LIMIT: Final = whole("limit", 1, 1_000, "Rows of a page.", default=100)
CURSOR: Final = matched(
    "cursor", "^[A-Za-z0-9_-]{1,600}$", "Where the page begins: `next` of the page before.", "`next` of the page before"
)
ORDER: Final = choice("order", ("asc", "desc"), "The oldest first, or the newest.", default="asc")
ORPHANED: Final = flag("orphaned", "With the rows of histories that the market has left; for auditor and compliance.")
PAGE: Final = (LIMIT, CURSOR)


def read_parameters(parameters: Sequence[Parameter], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """
    Return the values by name; those that were not given are not in it.

    Raises:
        Problem: `bad_request` or `time_without_zone`; names the parameter.
    """
    known = {parameter.name: parameter for parameter in parameters}
    found: dict[str, Any] = {}
    for name, text in given:
        if name not in known:
            raise _unknown(name, known)
        if name in found:
            raise bad_request(name, "is given twice")
        found[name] = read_one(known[name], text)
    for parameter in parameters:
        if parameter.required and parameter.name not in found:
            raise bad_request(parameter.name, "is missing")
    if "from" in found and "to" in found and found["from"] > found["to"]:
        raise bad_request("from", "must not be after to")
    return found


def read_one(parameter: Parameter, text: str) -> Any:
    """
    Return one value.

    Raises:
        Problem: If it is not of the form.
    """
    try:
        return parameter.read(text)
    except TimeWithoutZone as error:
        text_ = f"{parameter.name}: {error}"
        raise Problem(HTTPStatus.BAD_REQUEST, "time_without_zone", text_, parameter.name, value=shown(text)) from error
    except ValueError as error:
        limit = parameter.schema.get("maximum")
        raise bad_request(parameter.name, str(error), limit=limit, value=text) from error


def _unknown(name: str, known: Iterable[str]) -> Problem:
    nearest = difflib.get_close_matches(name[:64], sorted(known), 1)
    hint = f"; did you mean {nearest[0]}?" if nearest else f"; there are {', '.join(sorted(known)) or 'none'}"
    return bad_request(name or "(empty)", f"is no parameter of this path{hint}")
