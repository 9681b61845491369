"""`python -m tools.reference.queries`: write `docs/openapi.json`, and the table of paths in `docs/ledger.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.reference.queries.path_table import write

DOCS: Final = Path(__file__).parents[3] / "docs"

if __name__ == "__main__":
    write(DOCS)
