"""Which keys a ledger proves with: a folder of its own, or two files that a deployment has made."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from openoutcry.wire.errors import ConfigurationError
from services.ledger.aio.database import database_file
from services.ledger.aio.proof_keys import ProofKeys, add_signing_key, load_proof_keys
from services.ledger.aio.settings import LedgerSettings
from services.ledger.proof.salt import read_salt_keys
from services.ledger.proof.signing_keys import HeadSigner, read_verifying_keys, write_key_list


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
        private_key = load_pem_private_key(key_file.read_bytes(), None)
        salts = read_salt_keys(salt_file.read_text())
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigurationError(f"{key_file} is no private key in PEM without a password") from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise ConfigurationError(f"{key_file} is no key of Ed25519")
    signer = HeadSigner(private_key)
    key_list = write_key_list([signer.public_key])
    return ProofKeys(salts, read_verifying_keys(key_list), key_list, signer)
