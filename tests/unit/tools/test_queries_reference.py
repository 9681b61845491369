"""What the documents say that the ledger can be asked is what it can be asked."""

from __future__ import annotations

import json
from typing import Any

from services.ledger.queries.path_document import PATHS
from services.ledger.queries.proof_document import PROOF_PATHS
from tools.reference.queries.__main__ import DOCS
from tools.reference.queries.path_table import LEDGER, openapi, rendered


def test_documents_are_current() -> None:
    """Stale? Run `make docs`."""
    made = rendered(openapi(), (DOCS / LEDGER).read_text(encoding="utf-8"))
    for name, text in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, name


def test_every_path_is_in_it_and_every_integer_has_its_bounds() -> None:
    made = openapi()
    assert set(made["paths"]) == {f"/v1/{path}" for path in (*PATHS, *PROOF_PATHS)}
    for path, methods in made["paths"].items():
        assert set(methods) == {"get"}
        for parameter in methods["get"].get("parameters", ()):
            schema = parameter["schema"]
            assert schema["type"] != "integer" or {"minimum", "maximum"} <= set(schema), (path, parameter["name"])
            assert schema["type"] != "string" or {"enum", "pattern"} & set(schema), (path, parameter["name"])
            assert parameter["description"].endswith("."), (path, parameter["name"])
        assert {"400", "401", "403", "405", "429", "503"} <= set(methods["get"]["responses"])
        assert methods["get"]["security"] == [{"token": []}]


def test_what_it_refers_to_is_in_it() -> None:
    made = openapi()

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in made["components"]["schemas"]}
    assert references(made) <= known
    assert json.loads(json.dumps(made)) == made
