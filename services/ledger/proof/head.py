"""Heads: where a record stood after a block, in 184 bytes of a fixed layout, signed.

A head commits to everything before it twice: by the chain value, and by the root of the tree over all chain values.
Two people who hold heads of the same size compare bytes; for others there are consistency proofs. So a ledger that
tells two people different things must sign both, and they can prove it to anybody.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError
from services.ledger.proof.not_proven import NotProven

PRODUCT: Final = "outcry"
"""The exchange's name, where nobody has given it another."""
PRODUCT_BYTES_MAX: Final = 64
_TAG: Final = b"outcry head 001\n"
_LAYOUT: Final = struct.Struct(">16s64sqqqqq32s32s")
HEAD_BYTES: Final = _LAYOUT.size


class Head(NamedTuple):
    """What is signed; integers are 8 bytes big-endian, signed."""

    product: str
    """Of which exchange; up to 64 bytes of UTF-8, filled up with zeros."""
    shard: int
    history: int
    """Number of the history of the last block."""
    number: int
    """Of the last block: how many there are, over all histories; the tree's size."""
    position: int
    """How many commands of the history are in blocks."""
    time: int
    """Of the last of them by the exchange's log, µs since 1970. What the ledger says; nobody witnesses it."""
    chain: bytes
    """The last block's chain value."""
    tree_root: bytes
    """Over the chain values of all blocks."""

    def to_bytes(self) -> bytes:
        """Return what is signed."""
        product = self.product.encode()
        return _LAYOUT.pack(_TAG, product, *self[1:])


def check_product(product: str) -> str:
    """
    Return the name, if heads can hold it.

    Raises:
        ConfigurationError: If it is longer than 64 bytes, empty, or ends in a zero byte.
    """
    if not 0 < len(product.encode()) <= PRODUCT_BYTES_MAX or "\0" in product:
        raise ConfigurationError(f"the product's name must have 1 to {PRODUCT_BYTES_MAX} bytes, none of them zero")
    return product


def read_head(data: bytes) -> Head:
    """
    Read a head's bytes.

    Raises:
        NotProven: If they are none; what is wrong is named.
    """
    if len(data) != HEAD_BYTES:
        raise NotProven(f"the head has {len(data)} bytes, not {HEAD_BYTES}")
    tag, product, *numbers, chain, tree_root = _LAYOUT.unpack(data)
    if tag != _TAG:
        raise NotProven("the head is not one of this version: its first 16 bytes are others")
    try:
        name = product.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise NotProven("the head's product is not text") from error
    head = Head._make((name, *numbers, chain, tree_root))
    if head.number < 1:
        raise NotProven("the head is of no block")
    return head
