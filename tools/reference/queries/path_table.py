"""The ledger's paths as OpenAPI and as a table, from the interface itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import create_engine

from services.ledger.aio.api import make_app
from services.ledger.aio.api_document import document
from services.ledger.aio.proof_api import proof_router
from services.ledger.aio.proof_keys import ProofKeys
from shared.identity import Authenticator
from shared.key_ring import KeyRing
from tools.reference.operators.tables import placed

OPENAPI: Final = "openapi.json"
LEDGER: Final = "ledger.md"
MARKERS: Final = "paths"


def openapi() -> dict[str, Any]:
    """Return the document of an interface with all its paths; nobody asks this one anything."""
    no_keys = cast("ProofKeys", None)
    return document(make_app(create_engine("sqlite://"), Authenticator(KeyRing(None)), routers=[proof_router(no_keys)]))


def rendered(made: Mapping[str, Any], ledger: str) -> dict[str, str]:
    """
    Return the text of each file by its name in the docs.

    Args:
        made: What `openapi` returned.
        ledger: The text of `ledger.md` as it stands.
    """
    as_json = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return {OPENAPI: as_json, LEDGER: placed(ledger, MARKERS, table(made))}


def table(made: Mapping[str, Any]) -> str:
    """Return the table of paths."""
    rows = [_row(path, methods["get"]) for path, methods in sorted(made["paths"].items())]
    head = "| `GET /v1/…` | what | parameters | who |\n| --- | --- | --- | --- |\n"
    return f"\n{head}{''.join(rows)}\n"


def write(folder: Path) -> None:
    """Write the files of a checkout's docs."""
    for name, text in rendered(openapi(), (folder / LEDGER).read_text(encoding="utf-8")).items():
        (folder / name).write_text(text, encoding="utf-8")


def _row(path: str, operation: Mapping[str, Any]) -> str:
    names = ", ".join(
        f"`{parameter['name']}`" for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
    )
    who = operation["description"].removeprefix("For the roles ").removeprefix("For ").rstrip(".")
    return f"| `{path.removeprefix('/v1/')}` | {operation['summary']} | {names} | {who} |\n"
