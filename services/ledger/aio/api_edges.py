"""HTTP's edges: every refusal is problem+json, HEAD is GET without a body, and no page runs anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from services.ledger.queries.problem import MEDIA_TYPE, Problem, bad_request

HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""Of every answer that does not say otherwise: what one user may see is nobody else's to keep."""
ALLOW: Final = "GET, HEAD"
ASKED_WITH: Final = ("Authorization", "If-None-Match")
"""Headers that a page of another origin may send."""
TOLD_WITH: Final = ("ETag", "Retry-After", "Content-Disposition")
"""Headers of the answer that it may read."""
ASKED_AHEAD_S: Final = 600
"""How long a browser keeps what it was told when it asked ahead."""
HEAD_ONLY: Final = "ledger_head_only"
"""In the scope of a request whose answer's body nobody reads."""

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class HttpEdges:
    """
    The outermost layer.

    Args:
        app: What answers.
    """

    def __init__(self, app: Callable[[_Message, _Receive, _Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET", HEAD_ONLY: True}

        async def sent(message: _Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in known)]
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, sent)


def harden(app: FastAPI, origins: Sequence[str] = ()) -> None:
    """
    Put the edges on.

    Args:
        app: With all its paths.
        origins: Of pages that browsers may let ask. A token is in a header that only such a page can set; there are no
            cookies.
    """
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(Exception, _of_bug)
    app.add_middleware(HttpEdges)
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "HEAD"], allow_headers=list(ASKED_WITH),
            expose_headers=list(TOLD_WITH), max_age=ASKED_AHEAD_S,
        )  # fmt: skip


def problem_response(problem: Problem) -> Response:
    """Return the answer that a problem is."""
    return JSONResponse(problem.body(), int(problem.status), problem.headers, MEDIA_TYPE)


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _of_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        text = "the ledger is asked by GET"
        return problem_response(Problem(status, "method_not_allowed", text, headers={"Allow": ALLOW}))
    if status is HTTPStatus.NOT_FOUND:
        return problem_response(Problem(status, "not_found", "there is no such path; /v1/docs lists them"))
    return problem_response(Problem(status, "bad_request", str(error.detail), headers=error.headers))


async def _of_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return problem_response(bad_request(str(first["loc"][-1]), str(first["msg"])))


async def _of_bug(request: Request, error: Exception) -> Response:
    # What went wrong is for operators, not for whoever asked.
    structlog.get_logger().error("a query failed", path=request.url.path, error=type(error).__name__)
    return problem_response(
        Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the query failed; operators know why")
    )
