"""A block of commands holds the log's entries verbatim, and what is none is named."""

from __future__ import annotations

import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.errors import MalformedMessage
from services.ledger.command_block import decode_entries, encode_entries, entry_place

_IDS = st.builds(lambda ms, number: f"{ms}-{number}".encode(), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
_FIELDS = st.dictionaries(st.sampled_from([b"c", b"d", b""]), st.binary(max_size=20), min_size=1)


@given(st.lists(st.tuples(_IDS, _FIELDS), max_size=8))
def test_entries_come_back_as_they_were(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
    assert decode_entries(encode_entries(entries)) == entries


def test_the_same_entries_give_the_same_bytes() -> None:
    entries = [(b"5-0", {b"c": b"x"}), (b"5-1", {b"other": b"y", b"c": b""})]
    assert encode_entries(entries) == encode_entries(list(entries))


def test_an_id_is_two_numbers_that_compare_as_the_log_is_ordered() -> None:
    assert entry_place(b"9-18446744073709551615") == (9, 2**64 - 1)
    assert entry_place(b"10-0") > entry_place(b"9-1")


def _packed(value: object) -> bytes:
    return zlib.compress(msgpack.packb(value))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "cut"),
        (encode_entries([(b"1-1", {b"c": b"x"})])[:-1], "cut"),
        (encode_entries([]) + b"x", "behind"),
        (b"\x00\x01\x02", "header"),
        (zlib.compress(b"\xc1"), "FormatError"),
        (_packed({}), "for each entry"),
        (_packed([b"1-1"]), "for each entry"),
        (_packed([b"1", b""]), "no id"),
        (_packed([b"01-1", b""]), "no id"),
        (_packed([1, b""]), "no id"),
        (_packed([b"1-1", 5]), "no content"),
        (_packed([b"1-1", {b"c": 5}]), "no content"),
    ],
)
def test_what_is_no_block_is_named(data: bytes, what: str) -> None:
    with pytest.raises(MalformedMessage, match=what):
        decode_entries(data)


def test_a_block_that_inflates_beyond_the_limit_is_refused() -> None:
    bomb = encode_entries([(b"1-1", {b"c": bytes(1_000_000)})])
    assert len(bomb) < 10_000
    with pytest.raises(MalformedMessage, match="larger than 65536 bytes"):
        decode_entries(bomb, 65_536)
