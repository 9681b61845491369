"""Exports: files that are made while they are sent, from one snapshot, and end with whoever asked for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any, Final, NamedTuple

import anyio
import structlog
from fastapi import APIRouter, Request, Response

from services.ledger.aio.api_edges import HEAD_ONLY
from services.ledger.aio.api_pages import day_closes, finish_positions, lacks_results
from services.ledger.aio.api_reading import LedgerRead, Row
from services.ledger.aio.ledger_api import LedgerApi, asked, listed_for
from services.ledger.queries import csv_file, parquet_file
from services.ledger.queries.export_query import EXPORTS, Export, check_times, times_of_day
from services.ledger.queries.lineage import AsOf
from services.ledger.queries.member import shape_for
from services.ledger.queries.path_document import documented
from services.ledger.queries.position_query import POSITIONS
from services.ledger.queries.problem import Problem
from services.ledger.queries.record_catalogue import TRADES
from services.ledger.queries.record_query import Asked
from shared.identity import Identity

EXPORT_S: Final = 600.0
"""Time of an export in all: its snapshot keeps the database from tidying up."""
PART_S: Final = 60.0
"""Time for a client to take a part."""

_Message = MutableMapping[str, Any]


class _Head(NamedTuple):
    """What is known of an export before its first row."""

    as_of: AsOf
    is_incomplete: bool


def router(api: LedgerApi) -> APIRouter:
    """Return the paths."""
    found = APIRouter()
    for name, export in EXPORTS.items():
        found.add_api_route(f"/v1/export/{name}", _exporter(api, name, export), **documented(f"export/{name}"))
    return found


def _exporter(api: LedgerApi, name: str, export: Export) -> Callable[[Request], Any]:
    async def exported(request: Request) -> Response:
        identity, values = api.admit(request, export.parameters, export.query.readers)
        if export.is_of_times:
            check_times(values)
        kind = values.pop("format", "csv")
        if kind == "parquet":
            parquet_file.check_parquet()
        api.exports.take()
        parts = _parts(api, export, identity, values, kind)
        try:
            head = await api.in_export_thread(lambda: next(parts))
        except BaseException:
            api.exports.give_back()
            raise
        assert isinstance(head, _Head)
        return ExportResponse(api, parts, _headers(name, kind, head))

    return exported


def _headers(name: str, kind: str, head: _Head) -> dict[str, str]:
    return {
        "Content-Type": csv_file.MEDIA_TYPE if kind == "csv" else parquet_file.MEDIA_TYPE,
        "Content-Disposition": f'attachment; filename="{name}-{head.as_of.position}.{kind}"',
        "ETag": head.as_of.etag,
        "OpenOutcry-As-Of": f"{head.as_of.epoch}-{head.as_of.position}",
        "OpenOutcry-Incomplete": "true" if head.is_incomplete else "false",
    }


class ExportResponse(Response):
    """
    A file, sent as it is made.

    If it cannot be made to its end, or is not taken in time, the connection ends without the end of the file, so that
    nobody takes a part for the whole.

    Args:
        api: Whose place it gives back.
        parts: Bytes; closed in any case.
        headers: Of the answer.
    """

    def __init__(self, api: LedgerApi, parts: Iterator[Any], headers: Mapping[str, str]) -> None:
        super().__init__(headers=dict(headers))
        del self.headers["content-length"]
        self._api = api
        self._parts = parts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                with anyio.move_on_after(EXPORT_S):
                    await self._send(scope, send)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._api.in_export_thread(self._parts.close)  # type: ignore[attr-defined]
            self._api.exports.give_back()

    async def _send(self, scope: Any, send: Callable[[_Message], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            while not scope.get(HEAD_ONLY) and (part := await self._next()) is not None:
                with anyio.fail_after(PART_S):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        except (Problem, TimeoutError) as error:
            structlog.get_logger().warning("an export ended early", error=str(error) or "the client did not take it")
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> bytes | None:
        found = await self._api.in_export_thread(lambda: next(self._parts, None))
        assert found is None or isinstance(found, bytes)
        return found


async def _until_gone(receive: Callable[[], Awaitable[_Message]], scope: anyio.CancelScope) -> None:
    """End an export that nobody reads any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _parts(
    api: LedgerApi, export: Export, identity: Identity, values: dict[str, Any], kind: str
) -> Iterator[_Head | bytes]:
    """Yield what is known of it, then the file."""
    with api.database.read() as read:
        as_of = api.fresh(read)
        if "day" in values and export.is_of_times:
            values["from"], values["to"] = times_of_day(values.pop("day"), day_closes(read))
        found = asked(read, identity, values)
        if export.query is TRADES and "instrument" in values:
            listed_for(read, found, values["instrument"])
        is_incomplete = (
            read.lineage.lacks_some(None, None, values["from"], values["to"])
            if export.is_of_times
            else lacks_results(read, found)
        )
        yield _Head(as_of, is_incomplete)
        shape = shape_for(export.query.shape, sees_all=found.viewer.sees_all)
        rows = _finished(read, found, export, read.stream(export.statement(found)))
        if kind == "csv":
            yield from csv_file.csv_parts(shape, rows, read.listing)
        else:
            yield from parquet_file.parquet_parts(
                shape, rows, read.listing, _metadata(as_of, is_incomplete=is_incomplete)
            )


def _finished(read: LedgerRead, found: Asked, export: Export, rows: Iterator[Row]) -> Iterator[Mapping[str, Any]]:
    """Add to positions what other tables know; they are as many as accounts, and read at once."""
    if export.query is not POSITIONS:
        yield from rows
        return
    yield from finish_positions(read, found, list(rows))


def _metadata(as_of: AsOf, *, is_incomplete: bool) -> dict[str, str]:
    return {
        "openoutcry.epoch": str(as_of.epoch),
        "openoutcry.position": str(as_of.position),
        "openoutcry.incomplete": "true" if is_incomplete else "false",
    }
