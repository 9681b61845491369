"""Which of two checkpoints is gone by, and what is said of the other."""

from __future__ import annotations

from zlib import crc32

import msgpack
import pytest

from services.matching import Engine
from services.matching.recovery.checkpoint import (
    CHECKPOINT_VERSION,
    VERSIONS_READ,
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    read_head,
)
from services.matching.recovery.checkpoint_pair import KeptCheckpoints, RefusedCheckpoint, choose
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry

KEYS = StreamKeys(3)


def stored(position: int, shard: int = 3) -> bytes:
    engine = Engine()
    engine.position = position
    return encode_checkpoint(Checkpoint(engine, 7, "store", shard))


def damaged(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def of_version(version: int) -> bytes:
    """Whole, and made by a program that we know nothing of."""
    content = msgpack.packb((3, 7, "store", 1, 99, "5-0", "and", "more"))
    return bytes(msgpack.packb((version, crc32(content), content)))


def chosen(kept: KeptCheckpoints) -> tuple[int | None, list[RefusedCheckpoint]]:
    """The position that is gone by; a recovery and a leader who asks for the head alone must choose the same."""
    choice, head = choose(KEYS, kept, decode_checkpoint), choose(KEYS, kept, read_head)
    assert [refused.key for refused in choice.refused] == [refused.key for refused in head.refused]
    if choice.found is None:
        return None, choice.refused
    assert head.found is not None
    assert head.found.position == choice.found.engine.position
    return choice.found.engine.position, choice.refused


def test_the_newest_is_taken_and_nothing_said() -> None:
    assert chosen(KeptCheckpoints(stored(20), stored(10))) == (20, [])


def test_a_market_that_has_just_begun_has_none() -> None:
    """No error: there is nothing to be lost."""
    assert choose(KEYS, KeptCheckpoints(), decode_checkpoint).best() is None


def test_without_a_newest_one_the_previous_is_taken() -> None:
    """Somebody has deleted it; nothing is damaged."""
    assert chosen(KeptCheckpoints(None, stored(10))) == (10, [])


def test_a_damaged_newest_is_refused_by_name_and_position() -> None:
    """A person must learn which key it was; what it says of itself is told, but not relied on."""
    position, [refused] = chosen(KeptCheckpoints(damaged(stored(20)), stored(10)))
    assert position == 10
    assert (refused.key, refused.position) == (KEYS.checkpoint, 20)
    assert "checksum" in refused.reason


@pytest.mark.parametrize("version", [VERSIONS_READ[0] - 1, CHECKPOINT_VERSION + 1])
def test_a_foreign_version_is_refused(version: int) -> None:
    """An engine of yesterday or of tomorrow wrote it: nothing is guessed."""
    position, [refused] = chosen(KeptCheckpoints(of_version(version), stored(10)))
    assert position == 10
    read = " and ".join(map(str, VERSIONS_READ))
    assert f"version {version}, this program reads {read}" in refused.reason


def test_another_shards_is_refused() -> None:
    """Copied from another market by mistake: whole, and wrong."""
    position, [refused] = chosen(KeptCheckpoints(stored(20, shard=0), stored(10)))
    assert position == 10
    assert refused.reason == "it is of shard 0, and this is shard 3"


@pytest.mark.parametrize("newest", [b"", b"\xc1", damaged(stored(20))])
def test_two_bad_ones_are_an_error_that_names_both(newest: bytes) -> None:
    """To begin with an empty market would be to forget all orders."""
    choice = choose(KEYS, KeptCheckpoints(newest, damaged(stored(10))), decode_checkpoint)
    assert [refused.key for refused in choice.refused] == [KEYS.checkpoint, KEYS.previous_checkpoint]
    with pytest.raises(CorruptEntry, match=r"oo:\{3\}:checkpoint is corrupt.*oo:\{3\}:checkpoint:previous"):
        choice.best()


def test_a_bad_one_alone_is_an_error() -> None:
    with pytest.raises(CorruptEntry, match=r"oo:\{3\}:checkpoint is corrupt"):
        choose(KEYS, KeptCheckpoints(b"\xc1"), read_head).best()
