"""The one file of keys of a deployment: older public keys, and the private one that signs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from openoutcry.wire.errors import ConfigurationError
from services.ledger.aio.proving_keys import proving_keys, read_key_file
from services.ledger.aio.settings import LedgerSettings
from services.ledger.proof.signing_keys import HeadSigner

ROOT = Path(__file__).parents[4]
KEYS = [Ed25519PrivateKey.generate() for _ in range(3)]


def private(key: Ed25519PrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_older_keys_verify_what_they_have_signed() -> None:
    older, signer = read_key_file(public(KEYS[0]) + public(KEYS[1]) + private(KEYS[2]))
    assert older == [HeadSigner(key).public_key for key in KEYS[:2]]
    assert signer.key_id == HeadSigner(KEYS[2]).key_id


def test_a_key_that_is_told_twice_is_listed_once() -> None:
    older, _ = read_key_file(public(KEYS[0]) + public(KEYS[0]) + private(KEYS[1]) + public(KEYS[1]))
    assert older == [HeadSigner(KEYS[0]).public_key]


OTHER = generate_private_key(SECP256R1()).public_key()
WRONG = [
    (b"", "one private key that signs, not 0"),
    (public(KEYS[0]), "one private key that signs, not 0"),
    (private(KEYS[0]) + private(KEYS[1]), "one private key that signs, not 2"),
    (private(KEYS[0], b"secret"), "more in it than PEM blocks"),
    (private(KEYS[0]) + b"and a note", "more in it than PEM blocks"),
    (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "block 1 is no private key"),
    (
        OTHER.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) + private(KEYS[0]),
        "block 1 is no key of Ed25519",
    ),
]


@pytest.mark.parametrize(("data", "said"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_and_no_key_is_told(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        read_key_file(data)
    assert "BEGIN" not in str(refused.value)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_script_rotates_again_and_again(tmp_path: Path) -> None:
    """As an operator does it: the file stays where it is bound, the old public key is published on."""
    key, salt = tmp_path / "ledger_key", tmp_path / "ledger_salt"
    key.write_bytes(private(KEYS[0]))
    salt.write_text("ab" * 32)
    settings = LedgerSettings(ledger_key_file=key, ledger_salt_file=salt)
    inode, ids = key.stat().st_ino, [proving_keys(settings).signer]
    for turn in range(1, 3):
        done = subprocess.run([ROOT / "deploy/rotate-ledger-key", key], check=True, capture_output=True, text=True)
        assert f"keeps {turn} older public" in done.stdout
        keys = proving_keys(settings)
        ids.append(keys.signer)
        assert list(keys.public.by_id) == [each.key_id for each in ids if each is not None]
    assert (key.stat().st_ino, key.read_bytes().count(b"PRIVATE KEY-----\n")) == (inode, 2)


def test_the_script_says_where_no_key_is(tmp_path: Path) -> None:
    missing = tmp_path / "nothing"
    done = subprocess.run([ROOT / "deploy/rotate-ledger-key", missing], check=False, capture_output=True, text=True)
    assert (done.returncode, missing.exists()) == (1, False)
    assert "make-secrets" in done.stderr
