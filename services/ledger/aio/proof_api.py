"""The interface's paths of proofs: receipts of one's own orders, heads, what two of them have in common, public keys.

They are answered however old the ledger's place is: what is proven does not become untrue.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from services.ledger import schema
from services.ledger.aio.api_reading import LedgerRead
from services.ledger.aio.ledger_api import LedgerApi, asked
from services.ledger.aio.proof_keys import ProofKeys
from services.ledger.aio.proof_store import consistency_proof, record_name, signed_head
from services.ledger.aio.receipt_store import make_receipt
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.receipt import LEAVES_MAX
from services.ledger.proof.signed_head import SignedHead
from services.ledger.queries.lineage import AsOf
from services.ledger.queries.path_document import documented
from services.ledger.queries.problem import Problem, bad_request, not_found
from services.ledger.queries.proof_document import AFTER, PROOF_PATHS
from services.ledger.queries.viewer import visible
from shared.identity import Identity

Answerer = Callable[[LedgerRead, AsOf, Identity, dict[str, Any]], Response]


def proof_router(keys: ProofKeys) -> Callable[[LedgerApi], APIRouter]:
    """Return what adds the paths to an interface."""

    def receipt(read: LedgerRead, as_of: AsOf, identity: Identity, values: dict[str, Any]) -> Response:
        size = _block(values.get("block"), as_of)
        order_id = values.pop("order_id")
        rows = _executions(read, identity, order_id, values.get("after", AFTER.schema["default"]))
        if size < as_of.block:  # in the newest head everything is, or the record was changed
            rows = _told_by(read, size, rows)
        if not rows:
            text = f"you have no order {order_id} of which block {size} or one before it tells"
            raise not_found("unknown_order", "order_id", text)
        shown, more = rows[:LEAVES_MAX], rows[LEAVES_MAX:]
        try:
            made = make_receipt(read.connection, keys.salts, _head(read, size), size, shown)
        except NotProven as error:
            raise _changed(error) from error
        headers = {"Content-Disposition": f'attachment; filename="receipt-{order_id}.json"'}
        if more:
            last = schema.execution.columns.keys().index("user_seq")
            headers["Link"] = f'</v1/receipts/{order_id}?after={shown[-1][last]}>; rel="next"'
        return _file(made.to_file(), headers)

    def head(read: LedgerRead, as_of: AsOf, _identity: Identity, values: dict[str, Any]) -> Response:
        return _file(_head(read, _block(values.get("block"), as_of)).to_file())

    def consistency(read: LedgerRead, as_of: AsOf, _identity: Identity, values: dict[str, Any]) -> Response:
        old, new = _block(values["old"], as_of), _block(values["new"], as_of)
        if old > new:
            raise bad_request("old", "must not be after new")
        try:
            return _file(consistency_proof(read.connection, old, new).to_file())
        except NotProven as error:
            raise _changed(error) from error

    def key_list(_read: LedgerRead, _as_of: AsOf, _identity: Identity, _values: dict[str, Any]) -> Response:
        return _file(keys.key_list.encode())

    made: dict[str, Answerer] = {
        "receipts/{order_id}": receipt,
        "ledger/head": head,
        "ledger/consistency": consistency,
        "ledger/keys": key_list,
    }

    def router(api: LedgerApi) -> APIRouter:
        found = APIRouter()
        for path, answerer in made.items():
            document = PROOF_PATHS[path]
            found.add_api_route(f"/v1/{path}", _path(api, path, answerer), **documented(path, document))
        return found

    return router


def _path(api: LedgerApi, path: str, answerer: Answerer) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        identity, values = api.admit(request, PROOF_PATHS[path].parameters)

        def work() -> Response:
            with api.database.read() as read:
                return answerer(read, read.as_of or api.fresh(read), identity, values)

        return await api.in_thread(work)

    return answer


def _told_by(read: LedgerRead, size: int, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Leave out what later blocks tell."""
    block = schema.block
    end = select(block.c.history, block.c.last_position).where(block.c.number == size).limit(1)
    place = next((tuple(row.values()) for row in read.rows(end)), (0, 0))
    return [row for row in rows if row[:2] <= place]


def _executions(read: LedgerRead, identity: Identity, order_id: int, after: int) -> list[tuple[Any, ...]]:
    """Return what the asker may see of an order, one row more than a receipt holds."""
    table = schema.execution
    statement = (
        select(table)
        .where(
            visible(table, asked(read, identity, {}).viewer),
            read.lineage.current(table.c),
            table.c.order_id == order_id,
            table.c.user_seq > after,
        )
        .order_by(table.c.history, table.c.position, table.c.ordinal)
        .limit(LEAVES_MAX + 1)
    )
    return [tuple(row.values()) for row in read.rows(statement)]


def _head(read: LedgerRead, size: int) -> SignedHead:
    found = signed_head(read.connection, *record_name(read.connection), size)
    if found is None:
        raise Problem(HTTPStatus.NOT_IMPLEMENTED, "not_signed", f"nobody has signed the head of block {size}")
    return found


def _block(number: int | None, as_of: AsOf) -> int:
    number = as_of.block if number is None else number
    if not 1 <= number <= as_of.block:
        raise not_found("unknown_block", "block", f"the record has {as_of.block} blocks")
    return number


def _changed(error: NotProven) -> Problem:
    text = f"the record does not prove what it says: {error}; outcry ledger verify tells operators more"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "record_changed", text)


def _file(data: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(data, headers=headers, media_type="application/json")
