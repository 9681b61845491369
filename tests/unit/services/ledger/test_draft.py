"""Where a transaction ends: its memory is bounded, however far the ledger is behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ledger import draft as module
from services.ledger.draft import BYTES_MAX, COMMANDS_MAX, Draft
from services.ledger.fork import WriterPlace
from services.ledger.rows import Memory

PLACE = WriterPlace(0, 1, 7, 1, 0, "0-0", "0-0", 0, 0, b"")
LEDGER = Path(__file__).parents[4] / "docs" / "ledger.md"


@pytest.mark.parametrize(
    ("commands", "size", "is_full"), [(1, 1, False), (COMMANDS_MAX, 1, True), (1, BYTES_MAX, True)]
)
def test_a_draft_is_full_at_either_limit(commands: int, size: int, is_full: bool) -> None:
    draft = Draft(PLACE, Memory())
    draft.rows.commands, draft._bytes = commands - 1, size - 1
    assert not draft.is_full
    draft.rows.commands, draft._bytes = commands, size
    assert draft.is_full == is_full


def test_the_document_names_the_limit() -> None:
    """150 MiB of memory and the time of a sync were measured with it."""
    assert f"up to {module.COMMANDS_MAX:,} commands" in LEDGER.read_text(encoding="utf-8")
