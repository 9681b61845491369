"""`python -m tools.reference.operators`: write the tables of settings and metrics into the docs of a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.reference.operators.tables import write

DOCS: Final = Path(__file__).parents[3] / "docs"

if __name__ == "__main__":
    write(DOCS)
