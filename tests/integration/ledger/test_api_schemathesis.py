"""What the interface's document promises holds for whatever is asked: schemathesis against the interface in a server.

It goes on behind the first failure. One of its checks, `positive_data_acceptance`, asks for what OpenAPI cannot say:
that `from` is not after `to`, and that a cursor is one of ours. With EXAMPLES=n it tries n examples of every path, and
all that its phase `coverage` has, which takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.ledger.aio.api import make_app
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.door import make_server
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.aio.proof_api import proof_router
from services.ledger.aio.proof_keys import ProofKeys
from shared.identity import mint_token
from shared.token_bucket import Rate
from tests.asgi_client import SECRET, authenticator
from tests.integration.ledger.recorded_day import KEYS, recorded_in, whole_day
from tests.integration.ledger.small_ledger import SALTS

EXAMPLES = os.environ.get("EXAMPLES")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Over a recorded day, so that its proofs hold."""

    async def book(_wanted: Any) -> dict[str, Any]:
        return {}

    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    recorded_in(url, whole_day())
    engine = open_engine(database_url(url), writes=False)
    settings = ApiSettings(requests=Rate(10_000, 10_000), stale_s=float("inf"))
    keys = ProofKeys(SALTS, KEYS, '{"keys": []}', None)
    app = make_app(engine, authenticator(), settings=settings, book_maker=book, routers=[proof_router(keys)])
    server, listener = make_server(app, "127.0.0.1", 0)
    server.config.loop = "asyncio"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)


@pytest.mark.timeout(1_200 if EXAMPLES else 180)
def test_the_document_holds(server: str, tmp_path: Path) -> None:
    token = mint_token("ann", SECRET, time.time() + 3_600, roles=["auditor"])
    some = [] if EXAMPLES else ["--include-path-regex", "^/v1/(candles|orders/.*|export/audit)$"]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server}/v1/openapi.json"),
            *("-H", f"Authorization: Bearer {token}", "--continue-on-failure", "--no-shrink", "--seed", "1"),
            *("--exclude-checks", "positive_data_acceptance", "-n", EXAMPLES or "3", *some),
            *("--phases", "coverage,fuzzing" if EXAMPLES else "fuzzing"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Tested:" in ran.stdout
