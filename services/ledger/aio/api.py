"""The ledger's interface: `GET /v1/…`, made for one database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine

from services.ledger.aio import api_export, api_pages
from services.ledger.aio.api_access import Doorkeeper, RefusalLog, RefusedAccess
from services.ledger.aio.api_document import describe
from services.ledger.aio.api_edges import harden
from services.ledger.aio.api_reading import LedgerDatabase
from services.ledger.aio.ledger_api import ApiSettings, BookMaker, LedgerApi
from shared.identity import Authenticator


def make_app(
    database: Engine,
    authenticator: Authenticator,
    *,
    settings: ApiSettings = ApiSettings(),  # noqa: B008 -- a value
    on_refused: Callable[[RefusedAccess], None] | None = None,
    book_maker: BookMaker | None = None,
    routers: Sequence[Callable[[LedgerApi], APIRouter]] = (),
) -> FastAPI:
    """
    Make the interface.

    Args:
        database: Where the record is; PostgreSQL as a role that may read, or SQLite. It needs 16 connections.
        authenticator: Verifies tokens, as a gateway's does.
        settings: How it behaves.
        on_refused: Told of each access that is refused; must not block and must not raise. None: the log is told.
        book_maker: Makes books of the past.
        routers: More paths, beginning with `/v1/`.
    """
    doorkeeper = Doorkeeper(authenticator, on_refused or RefusalLog(), settings.requests)
    api = LedgerApi(
        LedgerDatabase(database, settings.statement_s, settings.searched_from), doorkeeper, settings, book_maker
    )
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for make_router in (api_pages.router, api_export.router, *routers):
        app.include_router(make_router(api))
    describe(app)
    harden(app, settings.origins)
    return app
