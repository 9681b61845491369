"""Who signs heads: Ed25519 keys, and the list of the public ones.

A key's id is the beginning of SHA-256 of its public key: it says where to look, the signature says who signed. The list
is a JSON Web Key Set without `alg`: programs disagree on that name ("EdDSA", "Ed25519"), and none needs it. Keys are
added and never taken out, so old heads can be verified.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openoutcry.wire.errors import ConfigurationError

SIGNATURE_BYTES: Final = 64
KEYS_MAX: Final = 1_000
_KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
"""Of an id, which is told in hexadecimal digits."""


class HeadSigner:
    """
    The ledger's private key.

    Args:
        private_key: As loaded from its file.
    """

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._key = private_key
        self.public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = key_id_of(self.public_key)

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of a signature; the same data always gives the same. About 50 µs."""
        return self._key.sign(data)


class VerifyingKeys(NamedTuple):
    """Public keys by their ids, oldest first."""

    by_id: Mapping[str, bytes]

    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        """Tell whether the key of that id, which must be known, signed the data."""
        try:
            Ed25519PublicKey.from_public_bytes(self.by_id[key_id]).verify(signature, data)
        except InvalidSignature:
            return False
        return True


def key_id_of(public_key: bytes) -> str:
    """Return the id of a public key: 16 hexadecimal digits."""
    return hashlib.sha256(public_key).hexdigest()[: 2 * KEY_ID_BYTES]


def write_key_list(public_keys: list[bytes]) -> str:
    """Return the list that is published, oldest first."""
    keys = [{"kty": "OKP", "crv": "Ed25519", "kid": key_id_of(key), "x": _unpadded(key)} for key in public_keys]
    return json.dumps({"keys": keys}, indent=1) + "\n"


def read_verifying_keys(text: str) -> VerifyingKeys:
    """
    Read what a verifier was given: the published list, or one key in 64 hexadecimal digits.

    Raises:
        ConfigurationError: If it is neither, or a key's id is not its own; which is named.
    """
    if re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*", text):
        key = bytes.fromhex(text)
        return VerifyingKeys({key_id_of(key): key})
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("the public key is neither a list of keys (JSON) nor 64 hexadecimal digits") from error
    if not isinstance(keys, list) or not 0 < len(keys) <= KEYS_MAX:
        raise ConfigurationError(f"a list of public keys has 1 to {KEYS_MAX}")
    return VerifyingKeys(dict(_listed(number, key) for number, key in enumerate(keys)))


def _listed(number: int, key: Any) -> tuple[str, bytes]:
    if not isinstance(key, dict) or (key.get("kty"), key.get("crv")) != ("OKP", "Ed25519"):
        raise ConfigurationError(f"public key {number} is not of Ed25519")
    x = key.get("x")
    if not isinstance(x, str) or not re.fullmatch("[A-Za-z0-9_-]{43}", x):
        raise ConfigurationError(f"public key {number}: x must be {_KEY_BYTES} bytes in base64url")
    public_key = base64.urlsafe_b64decode(x + "=")
    if key.get("kid") != key_id_of(public_key):
        raise ConfigurationError(f"public key {number}: kid must be {key_id_of(public_key)}, which is not what it says")
    return key_id_of(public_key), public_key


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
