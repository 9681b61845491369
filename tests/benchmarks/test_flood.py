"""The benchmark of floods runs, and its honest user lives through them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.flood.__main__ import main
from benchmarks.flood.kinds import KINDS
from tests.e2e.command import needs_server

GIVES_UP_MS = 3_000
"""A client whose heartbeat is so late believes its books no longer."""


@needs_server
def test_orders_and_heartbeats_go_on_while_somebody_floods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures are the benchmark's on a quiet machine; here it is that nobody is refused, and no client gives up."""
    results = tmp_path / "results.json"
    main(["--tiny", "--only", "pings,continuations", "--mebibytes", "2", "--json", str(results)])
    [table] = json.loads(results.read_text(encoding="utf-8"))["tables"]
    assert "flood" in capsys.readouterr().out
    for row in table["rows"]:
        told = dict(zip(table["columns"], row, strict=True))
        assert told["MiB sent"] > 0
        assert told["refused"] == 0
        assert told["latest heartbeat ms"] < GIVES_UP_MS


def test_every_flood_is_named_once_and_bounded() -> None:
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)
    assert all(len(kind.chunk) <= 512 * 1024 for kind in KINDS.values())
