"""The README's programs run as they stand there. The client of a market is run by `test_up`, beside what it needs."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.readme import printed, program


def test_the_fan_out_in_one_process_runs_as_pasted(tmp_path: Path) -> None:
    snapshot, delta = printed(program("broadcast_order_book_update"), tmp_path)
    assert '"type":"snapshot"' in snapshot
    assert '"type":"delta"' in delta
