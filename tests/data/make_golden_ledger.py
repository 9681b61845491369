"""Write the ledger of one small day by this release's rules: `python -m tests.data.make_golden_ledger`.

There is one for each engine version, and it is never written again: every later release must verify it as it is.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from shared.logs.engine_version import ENGINE_VERSION
from tests.integration.ledger.recorded_day import recorded_in, whole_day

FOLDER = Path(__file__).parent


def golden_path(version: int) -> Path:
    return FOLDER / f"golden_ledger_{version}.sqlite"


if __name__ == "__main__":
    path = golden_path(ENGINE_VERSION)
    if path.exists():
        raise SystemExit(f"{path} is there already; a golden ledger is never written again")
    recorded_in(f"sqlite:///{path}", whole_day())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("VACUUM")
    print(f"{path}: {path.stat().st_size:,} bytes")  # noqa: T201 - a command
