"""Which keys a ledger proves with: a folder of its own, or two files that a deployment has made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from openoutcry.wire.errors import ConfigurationError
from services.ledger.aio.database import database_file
from services.ledger.aio.proof_keys import ProofKeys, add_signing_key, load_proof_keys
from services.ledger.aio.settings import LedgerSettings
from services.ledger.proof.salt import read_salt_keys
from services.ledger.proof.signing_keys import KEYS_MAX, HeadSigner, read_verifying_keys, write_key_list

_BLOCK: Final = re.compile(rb"-----BEGIN (PRIVATE|PUBLIC) KEY-----\n[^-]*-----END \1 KEY-----\n?")


def proving_keys(settings: LedgerSettings) -> ProofKeys:
    """
    Read the keys; those of an embedded ledger are made beside its file.

    Raises:
        ConfigurationError: Which file is missing or wrong.
    """
    if settings.ledger_keys is not None:
        return load_proof_keys(settings.ledger_keys, signs=True)
    if settings.ledger_key_file is not None and settings.ledger_salt_file is not None:
        return _of_files(settings.ledger_key_file, settings.ledger_salt_file)
    file = database_file(settings.url())
    if file is None:
        raise ConfigurationError(
            "OUTCRY_LEDGER_KEYS: names the folder of what a ledger in PostgreSQL proves with; make one by "
            "`outcry ledger keys new FOLDER`"
        )
    folder = keys_beside(file)
    if not folder.exists():
        add_signing_key(folder)
    return load_proof_keys(folder, signs=True)


def keys_beside(file: Path) -> Path:
    """Return the folder of the keys of an SQLite file's ledger."""
    return file.with_name(f"{file.name}.keys")


def _of_files(key_file: Path, salt_file: Path) -> ProofKeys:
    try:
        salts = read_salt_keys(salt_file.read_text())
        older, signer = read_key_file(key_file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: cannot be read ({error.strerror})") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{key_file}: {error}") from error
    key_list = write_key_list([*older, signer.public_key])
    return ProofKeys(salts, read_verifying_keys(key_list), key_list, signer)


def read_key_file(data: bytes) -> tuple[list[bytes], HeadSigner]:
    """
    Read the one file of keys of a deployment: PEM blocks, those of older public keys (oldest first) and a private key.

    Returns:
        The older public keys, and who signs. An older key that is the present one too is not told twice.

    Raises:
        ConfigurationError: What is wrong with which block. The file itself is secret, and not told.
    """
    blocks = [(kind[1], kind[0]) for kind in _BLOCK.finditer(data)]
    if _BLOCK.sub(b"", data).strip():
        raise ConfigurationError("there is more in it than PEM blocks of private and public keys, without a password")
    if len(blocks) > KEYS_MAX:
        raise ConfigurationError(f"{len(blocks)} keys, the limit is {KEYS_MAX}")
    if (private := sum(kind == b"PRIVATE" for kind, _ in blocks)) != 1:
        raise ConfigurationError(f"there must be one private key that signs, not {private}")
    older: list[bytes] = []
    signer: HeadSigner | None = None
    for number, (kind, block) in enumerate(blocks, 1):
        try:
            key = load_pem_private_key(block, None) if kind == b"PRIVATE" else load_pem_public_key(block)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationError(f"block {number} is no {kind.decode().lower()} key") from error
        if isinstance(key, Ed25519PrivateKey):
            signer = HeadSigner(key)
        elif isinstance(key, Ed25519PublicKey):
            older.append(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
        else:
            raise ConfigurationError(f"block {number} is no key of Ed25519")
    assert signer is not None
    return [key for key in dict.fromkeys(older) if key != signer.public_key], signer
