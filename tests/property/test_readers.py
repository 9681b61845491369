"""Every reader of bytes from outside takes good bytes with a few wrong ones; `make fuzz` looks further."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz.targets import TARGETS, Target

INPUTS = 1_000


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    target = TARGETS[request.param]()
    yield target
    target.close()


@pytest.mark.parametrize("target", TARGETS, indirect=True)
def test_damage_is_told_as_documented(target: Target) -> None:
    """And what is good is read."""
    random = Random(1)
    for seed in target.seeds:
        target.read(seed)
    for _ in range(INPUTS):
        data = bytearray(random.choice(target.seeds))
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(data))
            data[at : at + random.randrange(3)] = random.randbytes(random.randrange(3))
        target.read(bytes(data))


@pytest.mark.parametrize("target", ["handshake"], indirect=True)
@pytest.mark.parametrize("change", [(b"", b""), (b"/v1/stream", b"/healthz"), (b"Upgrade: websocket", b"X: y")])
def test_bytes_behind_a_request_that_are_no_frame_end_the_connection(
    target: Target, change: tuple[bytes, bytes]
) -> None:
    """Found by fuzzing: websockets had failed the connection already, and answering it was an AssertionError."""
    [good] = target.seeds
    target.read(good.replace(*change) + b"\r\n")
