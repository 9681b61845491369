"""`python -m tools.reference.protocol`: write `docs/messages.md` and `protocol` of a checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tools.reference.protocol.rendering import rendered

ROOT: Final = Path(__file__).parents[3]
VECTORS: Final = ROOT / "protocol" / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the wire vectors of one file; the examples are theirs."""
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Write the files."""
    for name, text in rendered(vectors("messages.json"), vectors("requests.json")).items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
