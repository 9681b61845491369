"""The ledger's keys, as files of one folder that is its own.

    keys.json         public keys, oldest first; the last one signs. Publish it as it is.
    sign-<id>.pem     private keys. After a rotation the old one may be deleted.
    salts             keys of salts, one a line, oldest first. Without it no receipt can be made any more: keep copies.

The service reads them once, when it begins.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from openoutcry.wire.errors import ConfigurationError
from services.ledger.proof.salt import SaltKeys, read_salt_keys
from services.ledger.proof.signing_keys import HeadSigner, VerifyingKeys, read_verifying_keys, write_key_list

KEY_LIST: Final = "keys.json"
SALTS: Final = "salts"
FILE_BYTES_MAX: Final = 1 << 20


class ProofKeys(NamedTuple):
    """What the ledger proves with."""

    salts: SaltKeys
    public: VerifyingKeys
    key_list: str
    """As it is published."""
    signer: HeadSigner | None
    """None: the private key is not here; who only answers does not need it."""


def load_proof_keys(folder: Path, *, signs: bool) -> ProofKeys:
    """
    Read the keys.

    Args:
        folder: Where they are.
        signs: Whether the private key is needed.

    Raises:
        ConfigurationError: Which file is missing or wrong, and how to make one.
    """
    key_list = _text(folder / KEY_LIST)
    public = read_verifying_keys(key_list)
    *_, newest = public.by_id
    return ProofKeys(
        read_salt_keys(_text(folder / SALTS)), public, key_list, _signer(folder, newest) if signs else None
    )


def add_signing_key(folder: Path) -> str:
    """
    Make a new key, which signs from the ledger's next start on; make the folder, and the salts, if they are not there.

    Returns:
        Its id. It is in the list only once its own file is complete.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / SALTS).exists():
        _write(folder / SALTS, f"{secrets.token_hex(32)}\n".encode(), 0o600)
    held = list(read_verifying_keys(_text(folder / KEY_LIST)).by_id.values()) if (folder / KEY_LIST).exists() else []
    private_key = Ed25519PrivateKey.generate()
    signer = HeadSigner(private_key)
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / f"sign-{signer.key_id}.pem", pem, 0o600)
    _write(folder / KEY_LIST, write_key_list([*held, signer.public_key]).encode(), 0o644)
    return signer.key_id


def _signer(folder: Path, key_id: str) -> HeadSigner:
    path = folder / f"sign-{key_id}.pem"
    try:
        private_key = load_pem_private_key(_text(path).encode(), None)
    except ValueError as error:
        raise ConfigurationError(f"{path} is no private key in PEM without a password") from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} is no key of Ed25519")
    signer = HeadSigner(private_key)
    if signer.key_id != key_id:
        raise ConfigurationError(f"{path} holds key {signer.key_id}, not the one that its name says")
    return signer


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        make = f"outcry ledger keys new {path.parent}"
        raise ConfigurationError(f"cannot read {path} ({error.strerror}); make keys by: {make}") from error
    if len(data) > FILE_BYTES_MAX:
        raise ConfigurationError(f"{path} has more than {FILE_BYTES_MAX} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text") from error


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write all of a file or nothing, durably."""
    made = path.with_name(f".{path.name}.new")
    made.unlink(missing_ok=True)
    made.touch(mode, exist_ok=False)
    with made.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
