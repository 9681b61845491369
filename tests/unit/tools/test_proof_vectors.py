"""The proofs' vectors are what the code says today, and what verifiers in other languages were built on."""

from __future__ import annotations

from tools.reference.proofs.proof_vectors import rendered_proofs
from tools.reference.vectors import FOLDER


def test_vector_files_are_current() -> None:
    """A changed byte here breaks verifiers that are out there, and receipts that people keep: only a new format may."""
    for name, text in rendered_proofs().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text
