"""Whose lease it is, by the name that the engine gave itself."""

from __future__ import annotations

import pytest

from outcry.stack.aio.leadership import holder_pid


@pytest.mark.parametrize(
    ("lease", "pid"),
    [
        (b"host-4711-1a2b3c4d", 4711),
        (b"a-host-with-42-in-it-4711-1a2b3c4d", 4711),
        (b"host-4711-12345678", 4711),
        (None, None),
        (b"", None),
        (b"4711-1a2b3c4d", None),
        (b"somebody else", None),
        (b"host-pid-1a2b3c4d", None),
    ],
)
def test_the_process_id_is_the_second_word_from_the_end(lease: bytes | None, pid: int | None) -> None:
    assert holder_pid(lease) == pid
