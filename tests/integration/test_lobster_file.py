"""Recorded flow as it comes from others' hands."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.flow.aio.lobster_file import LobsterFile

LINES = b"34200.1,1,5,18,5853300,1\n34200.2,3,5,18,5853300,1,r\xc3\xa9sum\xc3\xa9\n"


@pytest.mark.parametrize("name", ["day.csv", "day.csv.gz", "day"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_by_what_it_holds(tmp_path: Path, name: str, mark: bytes, *, packed: bool) -> None:
    """Not by what it is called; with the mark that programs on Windows set, and remarks in any letters."""
    if name.endswith(".gz") and not packed:
        return
    path = tmp_path / name
    path.write_bytes(gzip.compress(mark + LINES, mtime=0) if packed else mark + LINES)
    with LobsterFile(path) as file:
        assert [message.order_id for message in file] == [5, 5]
        assert file.progress() == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(LINES, mtime=0)[:-9], "no whole gzip file"),
        (LINES + b"34200.3,1,\xff,18,5853300,1\n", "no text file of LOBSTER messages"),
        (b"\x00" * 100, "must have 6 columns"),
    ],
)
def test_a_damaged_file_is_told_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(content)
    with LobsterFile(path) as file, pytest.raises(ConfigurationError, match=said):
        list(file)
    path.write_bytes(b"")
    with LobsterFile(path) as file:
        assert list(file) == []
