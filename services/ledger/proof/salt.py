"""Salts: 16 bytes for each leaf, which only who holds the key can make again.

Without them a leaf's hash, which stands in the paths of its neighbours' receipts, could be guessed: there are few
prices and few users. A block's key is HMAC-SHA-256 of its place (history, number) under the ledger's key; the salt of
leaf i is AES-256 of i under the block's key, that is: the block's salts are one keystream of counter mode. One HMAC and
one call a block, and still each salt can be made alone. Both are pseudo-random functions, so salts tell nothing of the
key or of each other. A receipt holds the salts of its own leaves; no verifier needs the key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from openoutcry.wire.errors import ConfigurationError

SALT_BYTES: Final = 16
SALT_KEYS_MAX: Final = 1_000
_KEY_BYTES: Final = 32
_PURPOSE: Final = b"outcry salts 01\n"
_ID_PURPOSE: Final = b"outcry salt id1\n"
_PLACE: Final = struct.Struct(">16sqq")
_SALT: Final = struct.Struct("16s")


class SaltKey:
    """
    One key of the ledger's salts.

    Args:
        secret: 32 bytes of chance.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise ConfigurationError(f"a key of salts has {_KEY_BYTES} bytes, not {len(secret)}")
        self._secret = secret
        self.salt_id = hashlib.sha256(_ID_PURPOSE + secret).hexdigest()[:16]
        """Names it in blocks, and tells nothing of it."""

    def stream(self, history: int, number: int, leaves: int) -> Iterator[bytes]:
        """Yield the salts of a block's leaves in order, made in one call. O(leaves)."""
        return chain.from_iterable(_SALT.iter_unpack(self._keystream(history, number, 0, leaves)))

    def some(self, history: int, number: int, first: int, count: int) -> list[bytes]:
        """Return the salts of the leaves from number `first` on. O(count)."""
        return [salt for (salt,) in _SALT.iter_unpack(self._keystream(history, number, first, count))]

    def _keystream(self, history: int, number: int, first: int, count: int) -> bytes:
        key = hmac.digest(self._secret, _PLACE.pack(_PURPOSE, history, number), "sha256")
        counter = modes.CTR(first.to_bytes(SALT_BYTES, "big"))
        return Cipher(algorithms.AES256(key), counter).encryptor().update(bytes(SALT_BYTES * count))


class SaltKeys:
    """
    All keys of the ledger's salts: the last makes new blocks' salts, the others those of older blocks again.

    Args:
        keys: Oldest first, at least one.
    """

    def __init__(self, keys: list[SaltKey]) -> None:
        if not 0 < len(keys) <= SALT_KEYS_MAX:
            raise ConfigurationError(f"there must be 1 to {SALT_KEYS_MAX} keys of salts, not {len(keys)}")
        self.current = keys[-1]
        self.by_id: Mapping[str, SaltKey] = {key.salt_id: key for key in keys}


def read_salt_keys(text: str) -> SaltKeys:
    """
    Read a file of keys: one a line in 64 hexadecimal digits, oldest first.

    Raises:
        ConfigurationError: Which line is none. The line itself is secret, and not told.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        if not re.fullmatch("[0-9a-f]{64}", line):
            raise ConfigurationError(f"the file of salts: line {number} must be 64 hexadecimal digits")
    return SaltKeys([SaltKey(bytes.fromhex(line)) for line in lines])
