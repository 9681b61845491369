"""Books of the past for the ledger's interface: each made by a process of its own.

A replay takes a processor for up to seconds, and as much memory as the market had: both are the process's, which is
`outcry book` itself. Whoever waits no longer has it ended. How many there may be at once the interface decides.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from sqlalchemy.engine import URL

from outcry.time_machine.time_text import moment_text
from services.ledger.aio.ledger_api import BookRequest
from services.ledger.queries.problem import Problem

DATABASE: Final = "OUTCRY_LEDGER_DATABASE"
"""How the process is told where the record is: a command line may be listed by anyone."""
_STATUS: Final = {"no_ledger": HTTPStatus.SERVICE_UNAVAILABLE}


class PastBooks:
    """
    Makes them.

    Args:
        database: Where the record is, with the password.
    """

    def __init__(self, database: URL) -> None:
        self._environment = {**os.environ, DATABASE: database.render_as_string(hide_password=False)}

    async def __call__(self, wanted: BookRequest) -> Mapping[str, Any]:
        """
        Return the fields of `told_book.ToldBook`; ends the process when cancelled.

        Raises:
            Problem: What the record does not hold, by the code of `unrecorded.NotRecorded`; `not_replayed` where the
                record is damaged or another release's.
        """
        moment = ["--at", moment_text(wanted.at)] if wanted.at is not None else ["--position", str(wanted.position)]
        flags = [*moment, "--depth", str(wanted.depth), "--json"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "outcry", "book", wanted.instrument, *flags,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )  # fmt: skip
        try:
            said, told = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            book: dict[str, Any] = json.loads(said)
            return book
        raise _problem(wanted, said, told)


def _problem(wanted: BookRequest, said: bytes, told: bytes) -> Problem:
    try:
        refused = json.loads(said)
    except ValueError:
        reason = told.decode(errors="replace").strip()
        structlog.get_logger().error("a book of the past was not made", instrument=wanted.instrument, reason=reason)
        text = "the record does not lead to this moment; its administrator can read why in the ledger's log"
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "not_replayed", text)
    return Problem(_STATUS.get(refused["code"], HTTPStatus.NOT_FOUND), refused["code"], refused["text"])
