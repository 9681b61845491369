"""The interface's document: as JSON, and as a page that needs nothing from anywhere else."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from services.ledger.queries.document_page import document_page, style_policy
from services.ledger.queries.path_document import SCHEMAS, SECURITY

TITLE = "OpenOutcry: the ledger"
VERSION = "1"


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an interface."""
    found = get_openapi(
        title=TITLE,
        version=VERSION,
        routes=app.routes,
        summary="The record of the market: who may see what, page by page.",
    )
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(SCHEMAS)
    components["securitySchemes"] = SECURITY
    return found


def describe(app: FastAPI) -> None:
    """Add the document's two paths, for everybody: it tells nothing that a market would hide."""
    made = document(app)
    page = document_page(made)

    async def as_json() -> Response:
        return JSONResponse(made)

    async def as_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": style_policy()})

    app.add_api_route("/v1/openapi.json", as_json, methods=["GET"], include_in_schema=False)
    app.add_api_route("/v1/docs", as_page, methods=["GET"], include_in_schema=False)
