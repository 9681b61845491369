"""What the interface's document (OpenAPI) says of each path, from the tables by which it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from openoutcry.wire.instrument import Instrument
from services.ledger.queries.candle_query import CANDLES
from services.ledger.queries.export_query import EXPORTS, Export
from services.ledger.queries.member import Shape, row_schema
from services.ledger.queries.order_query import ORDERS
from services.ledger.queries.parameter import PAGE, Parameter, moment, symbol, whole
from services.ledger.queries.position_query import POSITIONS, RESULTS
from services.ledger.queries.problem import MEDIA_TYPE
from services.ledger.queries.record_catalogue import PAGED
from services.ledger.queries.viewer import ENGINE_READERS

SYMBOL: Final = symbol("Its symbol.", "symbol", required=True, place="path")
ORDER_ID: Final = whole("order_id", 1, 2**63 - 1, "Its number.", required=True, place="path")
BOOK_PARAMETERS: Final = (
    SYMBOL,
    moment("at", "After the last command at or before this time. Either this or `position`."),
    whole("position", 1, 2**63 - 1, "After the command of this number."),
    whole("depth", 1, 1_000, "Levels of each side.", default=10),
)
AS_OF: Final[dict[str, Any]] = {
    "type": "object",
    "description": "How far the ledger is.",
    "properties": {"epoch": {"type": "integer"}, "position": {"type": "integer"}, "time": {"type": "string"}},
    "required": ["epoch", "position", "time"],
    "additionalProperties": False,
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence that names field, rule and limit."},
        "code": {"type": "string", "description": "For programs."},
        "field": {"type": "string"},
        "limit": {"type": "integer"},
        "value": {"type": ["string", "integer"]},
    },
    "required": ["type", "title", "status", "detail", "code"],
    "additionalProperties": False,
}
SCHEMAS: Final = {"AsOf": AS_OF, "Problem": PROBLEM}
SECURITY: Final = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_INCOMPLETE: Final = {"type": "boolean", "description": "Whether the answer touches a gap of the record."}
_CODES: Final = {
    304: "Nothing has changed since the `ETag` that was sent.",
    400: "A parameter is unknown, missing, repeated, or not of its form.",
    401: "The token names nobody.",
    403: "The token's roles do not allow it.",
    404: "It is not there, or is somebody else's.",
    405: "It is asked by GET.",
    429: "Above the user's rate.",
    500: "The record does not prove what it says; operators must look.",
    501: "This exchange lacks the part that would answer it.",
    503: "The ledger is too old, busy, or its database does not answer; ask again.",
}


class PathDocument(NamedTuple):
    """What is said of one path."""

    summary: str
    parameters: tuple[Parameter, ...]
    answer: Mapping[str, Any]
    """By media type, schemas of what 200 brings."""
    readers: frozenset[str] | None = None
    codes: tuple[int, ...] = ()
    """Beside those that each path has."""


def documented(path: str, document: PathDocument | None = None) -> dict[str, Any]:
    """Return what `add_api_route` is told of a path; of one that is not always there, by a document of its own."""
    document = document or PATHS[path]
    codes = sorted({400, 401, 403, 405, 429, 503, *document.codes})
    return {
        "methods": ["GET"],
        "summary": document.summary,
        "description": _who(document.readers),
        "operation_id": path.replace("/", "_").replace("{", "").replace("}", ""),
        "response_model": None,
        "responses": {
            200: {
                "description": "Found.",
                "content": {key: {"schema": value} for key, value in document.answer.items()},
            },
            **{code: _refusal(code) for code in codes},
        },
        "openapi_extra": {
            "parameters": [described(parameter) for parameter in document.parameters],
            "security": [{"token": []}],
        },
    }


def described(parameter: Parameter) -> dict[str, Any]:
    """Return a parameter as OpenAPI has it."""
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": parameter.schema,
    }
    return found if parameter.example is None else {**found, "example": parameter.example}


def _who(readers: frozenset[str] | None) -> str:
    return "For everybody." if readers is None else f"For the roles {' and '.join(sorted(readers))}."


def _refusal(code: int) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _CODES[code]}
    if code != 304:  # it has no body
        found["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return found


def _body(**properties: Any) -> dict[str, Any]:
    members = {"as_of": {"$ref": "#/components/schemas/AsOf"}, "incomplete": _INCOMPLETE, **properties}
    schema = {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}
    return {"application/json": schema}


def _page(row: Mapping[str, Any]) -> dict[str, Any]:
    following = {"type": ["string", "null"], "description": "The cursor of the next page; null: this is the last."}
    return _body(rows={"type": "array", "items": row}, next=following)


def _rows(shape: Shape) -> dict[str, Any]:
    return _body(rows={"type": "array", "items": row_schema(shape)})


_INTEGER: Final = {"type": "integer"}
_TEXT: Final = {"type": "string"}
_OR_NULL: Final = {"type": ["string", "null"]}
_DEFINITION: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("symbol", "kind", "name", "currency", "tick_size"), _TEXT),
        **dict.fromkeys(("lot_size", "price_max", "quantity_max", "history", "position"), _INTEGER),
        **{name: {"type": ["object", "null"]} for name in ("option", "session")},
    },
    "required": [*Instrument._fields, "history", "position"],
    "additionalProperties": False,
}
_GAP: Final = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("history", "above", "up_to"), _INTEGER),
        "why": _TEXT,
        "after": _TEXT,
        "before": _OR_NULL,
    },
}
_LEDGER: Final = _body(
    history=_INTEGER,
    block=_INTEGER,
    chain={**_TEXT, "description": "The last block's chain value, hexadecimal."},
    lag_s={"type": "number", "description": "Seconds since the last command that is written."},
    gaps={"type": "array", "items": _GAP},
    head={
        "type": ["object", "null"],
        "description": "The head after the last block: what is signed, hexadecimal, and by whom; null: nobody signs.",
        "properties": dict.fromkeys(("head", "key_id", "signature"), _TEXT),
    },
)


def _exported(export: Export) -> PathDocument:
    answer = {"text/csv": _TEXT, "application/vnd.apache.parquet": {"type": "string", "format": "binary"}}
    return PathDocument(
        f"{export.query.summary} As a file.", export.parameters, answer, export.query.readers, (404, 501)
    )


PATHS: Final[dict[str, PathDocument]] = {
    "instruments": PathDocument("What is listed.", PAGE, _page(_DEFINITION), codes=(304,)),
    "instruments/{symbol}": PathDocument("One instrument.", (SYMBOL,), _body(instrument=_DEFINITION), codes=(304, 404)),
    **{
        query.path: PathDocument(
            query.summary, query.parameters, _page(row_schema(query.shape)), query.readers, (304, 404)
        )
        for query in (*PAGED, ORDERS, POSITIONS, RESULTS)
    },
    "orders/{order_id}": PathDocument(
        "One order.", (ORDER_ID,), _body(order=row_schema(ORDERS.shape)), codes=(304, 404)
    ),
    "candles": PathDocument(CANDLES.summary, CANDLES.parameters, _rows(CANDLES.shape), codes=(304, 404)),
    "books/{symbol}": PathDocument(
        "A book of the past.", BOOK_PARAMETERS, _body(book={"type": "object"}), ENGINE_READERS, (404, 501)
    ),
    **{f"export/{name}": _exported(export) for name, export in EXPORTS.items()},
    "ledger": PathDocument("How far the ledger is, what it lacks, and the head of its chain.", (), _LEDGER),
}
"""Behind `/v1/`."""
