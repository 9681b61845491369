"""What the interface's document says of the paths of proofs, which are there where the ledger has keys."""

from __future__ import annotations

from typing import Any, Final

from services.ledger.proof.receipt import LEAVES_MAX, RECEIPT_FORMAT
from services.ledger.proof.signed_head import CONSISTENCY_FORMAT, HEAD_FORMAT
from services.ledger.queries.parameter import INTEGER_MAX, whole
from services.ledger.queries.path_document import ORDER_ID, PathDocument

BLOCK: Final = whole("block", 1, INTEGER_MAX, "By the head after this block; without it, the newest.")
AFTER: Final = whole(
    "after", 0, INTEGER_MAX, f"Executions with a higher user_seq; a receipt has {LEAVES_MAX} at most.", default=0
)
OLD: Final = whole("old", 1, INTEGER_MAX, "Block of the earlier head.", required=True)
NEW: Final = whole("new", 1, INTEGER_MAX, "Block of the later head.", required=True)
_TEXT: Final = {"type": "string"}
_HASHES: Final = {"type": "array", "items": _TEXT}
_SIGNED: Final = dict.fromkeys(("head", "key_id", "signature"), _TEXT)


def _file(file_format: str, **members: Any) -> dict[str, Any]:
    properties = {"format": {"type": "string", "const": file_format}, **members}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"application/json": schema}


PROOF_PATHS: Final = {
    "receipts/{order_id}": PathDocument(
        "An order's executions with what proves them, for `outcry receipt verify`. Keep the file as it is.",
        (ORDER_ID, BLOCK, AFTER),
        _file(RECEIPT_FORMAT, **_SIGNED, blocks={"type": "array", "items": {"type": "object"}}),
        codes=(404, 500, 501),
    ),
    "ledger/head": PathDocument("The record's signed head.", (BLOCK,), _file(HEAD_FORMAT, **_SIGNED), codes=(404, 501)),
    "ledger/consistency": PathDocument(
        "That the record of one head begins with the record of another.",
        (OLD, NEW),
        _file(CONSISTENCY_FORMAT, old_size={"type": "integer"}, new_size={"type": "integer"}, path=_HASHES),
        codes=(404, 500),
    ),
    "ledger/keys": PathDocument(
        "The public keys by which heads are signed, oldest first. Better take them from somewhere else.",
        (),
        {"application/json": {"type": "object", "properties": {"keys": {"type": "array"}}, "required": ["keys"]}},
    ),
}
"""Behind `/v1/`."""
