"""What all paths of the ledger's interface have in common: who is let in, and the threads that wait for the database.

What is asked is read, judged and rendered by `services.ledger.queries`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.ledger.aio.api_access import BOOKS_MAX, EXPORTS_MAX, REQUESTS, Doorkeeper, Slots
from services.ledger.aio.api_reading import SEARCHED_FROM, STATEMENT_S, LedgerDatabase, LedgerRead
from services.ledger.queries.lineage import AsOf
from services.ledger.queries.listing import ListedInstrument
from services.ledger.queries.parameter import Parameter, read_one, read_parameters
from services.ledger.queries.place_search import EVERYWHERE
from services.ledger.queries.problem import not_found, unavailable
from services.ledger.queries.record_query import Asked
from services.ledger.queries.viewer import READERS_OF_ALL, viewer_of
from shared.identity import Identity
from shared.token_bucket import Rate

STALE_S: Final = 60.0
"""Age of the last command written at which answers are refused as `stale`."""
STALE_RETRY_S: Final = 5
READS_MAX: Final = 8
"""Reads of the database at once."""
READS_WAITING_MAX: Final = 64
"""And those that wait for one of them; more are refused as `busy`."""
BOOK_S: Final = 10.0
"""Time for a book of the past."""

T = TypeVar("T")


class BookRequest(NamedTuple):
    """A book of the past that somebody asks for."""

    instrument: str
    at: int | None
    """After the last command at or before this time, µs."""
    position: int | None
    """Or after this one. Just one of the two is given."""
    depth: int
    """Levels of each side."""


BookMaker = Callable[[BookRequest], Awaitable[Mapping[str, Any]]]
"""Makes them; needs an engine, so it comes from outside. Raises `Problem`. What it returns is answered as it is."""


class ApiSettings(NamedTuple):
    """How the interface behaves."""

    origins: tuple[str, ...] = ()
    """Of pages that browsers may let ask, beside the interface's own."""
    stale_s: float = STALE_S
    """Infinite: never, for a record of a market that has ended."""
    statement_s: float = STATEMENT_S
    requests: Rate = REQUESTS
    exports_max: int = EXPORTS_MAX
    searched_from: int = SEARCHED_FROM
    """Position of the ledger from which on times are searched for by halving."""


class LedgerApi:
    """
    What all paths have in common.

    Args:
        database: Where the record is.
        doorkeeper: Lets users in.
        settings: How it behaves.
        book_maker: Makes books of the past; None: there is no engine here.
    """

    def __init__(
        self,
        database: LedgerDatabase,
        doorkeeper: Doorkeeper,
        settings: ApiSettings,
        book_maker: BookMaker | None = None,
    ) -> None:
        self.database = database
        self.doorkeeper = doorkeeper
        self.book_maker = book_maker
        self.exports = Slots(settings.exports_max, "exports")
        self.books = Slots(BOOKS_MAX, "books of the past")
        self._reads = Slots(READS_MAX + READS_WAITING_MAX, "queries")
        self._threads = anyio.CapacityLimiter(READS_MAX)
        self._export_threads = anyio.CapacityLimiter(settings.exports_max)
        self._stale_s = settings.stale_s

    def admit(
        self, request: Request, parameters: Sequence[Parameter], readers: frozenset[str] | None = None
    ) -> tuple[Identity, dict[str, Any]]:
        """
        Return who asks, and the parameters by name.

        Args:
            request: As it came.
            parameters: What it may have.
            readers: Roles that may ask; None: everybody.

        Raises:
            Problem: If it is refused.
        """
        identity = self.doorkeeper.admit(request.headers.getlist("authorization"))
        self.doorkeeper.check_roles(identity, readers, request.url.path.removeprefix("/v1/")[:64])
        of_query = [parameter for parameter in parameters if parameter.place == "query"]
        values = read_parameters(of_query, request.query_params.multi_items())
        for parameter in parameters:
            if parameter.place == "path":
                values[parameter.name] = read_one(parameter, str(request.path_params[parameter.name]))
        self._check_others(identity, values)
        return identity, values

    async def answer(self, request: Request, work: Callable[[LedgerRead, AsOf], Mapping[str, Any]]) -> Response:
        """
        Answer from a fresh view of the ledger, or say that nothing has changed.

        Args:
            request: As it came.
            work: Makes the answer's body, but for `as_of`; in a thread of its own.

        Raises:
            Problem: If it cannot be answered.
        """

        def made() -> Response:
            with self.database.read() as read:
                as_of = self.fresh(read)
                headers = {"ETag": as_of.etag}
                if _is_known(request.headers.getlist("if-none-match"), as_of.etag):
                    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
                return JSONResponse({"as_of": as_of.body(), **work(read, as_of)}, headers=headers)

        return await self.in_thread(made)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """
        Do what waits for the database.

        Raises:
            Problem: `busy` if too many wait.
        """
        with self._reads.taken():
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    async def in_export_thread(self, work: Callable[[], T]) -> T:
        """Do a part of an export: those have threads of their own, one each."""
        return await anyio.to_thread.run_sync(work, limiter=self._export_threads)

    def fresh(self, read: LedgerRead) -> AsOf:
        """
        Return how far the ledger is.

        Raises:
            Problem: `stale` if that is too long ago.
        """
        if read.as_of is None:
            raise unavailable("stale", "the ledger has written nothing yet", STALE_RETRY_S)
        age_s = time.time() - read.as_of.time / 1e6
        if age_s > self._stale_s:
            text = f"the ledger is {age_s:,.0f} s behind, {self._stale_s:g} s at most; /v1/ledger says how far it is"
            raise unavailable("stale", text, STALE_RETRY_S)
        return read.as_of

    def _check_others(self, identity: Identity, values: Mapping[str, Any]) -> None:
        if not identity.roles.isdisjoint(READERS_OF_ALL):
            return
        if values.get("user", identity.user) != identity.user:
            self.doorkeeper.refuse(identity.user, "user: others' rows are seen by auditor and compliance alone")
        if values.get("orphaned"):
            self.doorkeeper.refuse(identity.user, "orphaned: such rows are seen by auditor and compliance alone")


def asked(read: LedgerRead, identity: Identity, values: Mapping[str, Any]) -> Asked:
    """Return a query as the statements want it."""
    bounds = EVERYWHERE
    if not values.get("orphaned"):  # what is orphaned has times of its own
        bounds = read.bounds(values.get("from"), values.get("to"))
    return Asked(viewer_of(identity, read.listing.keys()), read.lineage, values, bounds, read.collation)


def listed_for(read: LedgerRead, query: Asked, symbol: str, field: str = "instrument") -> ListedInstrument:
    """
    Return an instrument that somebody is entitled to see.

    Raises:
        Problem: 404; others are as unknown as what is not listed.
    """
    listed = read.listing.get(symbol)
    if listed is None or (query.viewer.instruments is not None and symbol not in query.viewer.instruments):
        raise not_found("unknown_instrument", field, f"no instrument {symbol} is listed")
    return listed


def _is_known(headers: Sequence[str], etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for header in headers for tag in header.split(",")}
    return etag in tags or "*" in tags
