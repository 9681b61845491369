"""The benchmark of the door runs: every way of it, with users who check every digest. Nothing here looks at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.door.__main__ import WAYS, main
from benchmarks.door.haproxy import haproxy
from benchmarks.fan_out.build import NoCompiler, program
from benchmarks.fan_out.peers.environment import NotInstalled


def test_a_tiny_run_measures_every_way(tmp_path: Path) -> None:
    try:
        program("users", tls=True)
        haproxy()
    except (NoCompiler, NotInstalled) as error:
        pytest.skip(str(error))
    results = tmp_path / "results.json"
    assert main(["--tiny", "--json", str(results)]) == 0
    [table] = json.loads(results.read_text(encoding="utf-8"))["tables"]
    assert [row[0] for row in table["rows"]] == [way.title for way in WAYS]
