from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from openoutcry.wire.errors import ConfigurationError
from shared.key_address import checked_key_place, read_key_url
from shared.token_keys import JWKS_BYTES_MAX, KEYS_MAX, TokenKeys, read_jwks

PRIVATE = ec.generate_private_key(ec.SECP256R1())
GOOD = ECAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True) | {"kid": "good"}


def read(*keys: Any) -> TokenKeys:
    return read_jwks(json.dumps({"keys": keys}).encode())


def test_keys_are_found_by_name_and_algorithm() -> None:
    keys = read(GOOD, GOOD | {"kid": "two"})
    assert keys.algorithms == ("ES256",)
    assert keys.named("good", "ES256") is not None
    assert keys.named("good", "RS256") is None
    assert len(keys.of("ES256")) == 2
    assert not keys.passed_over


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (7, "no JSON object"),
        ({"kty": "oct", "k": "AAAA", "kid": "s"}, "kty"),
        ({"kty": ["RSA"]}, "kty"),
        (ECAlgorithm.to_jwk(PRIVATE, as_dict=True), "private key"),
        (GOOD | {"use": "enc"}, "not for signatures"),
        (GOOD | {"key_ops": ["sign"]}, "not for signatures"),
        (GOOD | {"alg": "ES512"}, "not for signatures"),
        (GOOD | {"crv": "secp256k1"}, "crv: must be P-256"),
        (GOOD | {"kid": 7}, "kid"),
        (GOOD | {"x": "AAAA"}, "make no public key"),
        ({name: value for name, value in GOOD.items() if name != "y"}, "make no public key"),
        ({"kty": "OKP", "crv": "X25519", "x": "AA"}, "crv: must be Ed25519"),
        ({"kty": "OKP", "crv": "Ed25519", "x": 7}, "make no public key"),
        ({"kty": "RSA", "n": "AQAB", "e": "!"}, "make no public key"),
    ],
)
def test_a_key_that_does_not_serve_is_passed_over_and_the_rest_is_taken(key: Any, why: str) -> None:
    """A provider's set holds keys for other purposes; none of them may take the set with it."""
    keys = read(key, GOOD)
    assert len(keys) == 1
    assert why in keys.passed_over[0]


def test_a_weak_key_is_none() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    assert "2048 to 8192 bits" in read(RSAAlgorithm.to_jwk(weak, as_dict=True), GOOD).passed_over[0]


def test_a_key_with_a_long_exponent_is_none() -> None:
    """Each token that it signs would take 10 ms of everybody's time."""
    strong = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True)
    long = base64.urlsafe_b64encode(((1 << 64) + 1).to_bytes(9, "big")).decode().rstrip("=")
    assert "e: may have 64 bits" in read(strong | {"e": long}, GOOD).passed_over[0]
    assert len(read(strong, GOOD)) == 2


def test_names_are_unique_and_sets_bounded() -> None:
    keys = read(*(GOOD | {"kid": str(number)} for number in range(KEYS_MAX + 1)))
    assert len(keys) == KEYS_MAX
    assert "1 keys beyond 64" in keys.passed_over[0]
    assert "second key of one kid" in read(GOOD, GOOD).passed_over[0]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"7", b'{"keys":{}}', b'{"keys":[]}', b"\xff", b"[" * 5000, b" " * (JWKS_BYTES_MAX + 1)],
)
def test_what_is_no_set_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="key set"):
        read_jwks(data)


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example.com/jwks",
        "https://idp:8443",
        "https://idp.example.com./jwks",
        f"https://{'a' * 63}.example.com/jwks",
        "http://127.0.0.1:80/x",
        "http://[::1]/x",
        "http://localhost/x",
    ],
)
def test_urls_that_nobody_can_answer_for_are_taken(url: str) -> None:
    assert checked_key_place(url) == url


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://idp.example.com/jwks", "https:// beyond this machine"),
        ("http://10.0.0.1/jwks", "https:// beyond this machine"),
        ("http://localhost.example.com/jwks", "https:// beyond this machine"),
        ("ftp://idp/jwks", "must be https"),
        ("file:///etc/jwks", "must be https"),
        ("https:///jwks", "must be https"),
        ("https://u:p@idp/jwks", "no user and no password"),
        ("https://idp/a b", "without spaces"),
        ("https://idp/\r\nX: y", "without spaces"),
        ("https://idp:port/", "ort"),
        ("https://idp..example.com/jwks", "labels with 1 to 63 letters"),
        ("https://.example.com/jwks", "labels with 1 to 63 letters"),
        (f"https://{'a' * 64}.example.com/jwks", "labels with 1 to 63 letters"),
    ],
)
def test_other_urls_are_refused_by_rule(url: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        checked_key_place(url)


def test_a_files_path_is_no_url() -> None:
    assert checked_key_place("/etc/keys.json") == "/etc/keys.json"


def test_a_log_shows_no_query() -> None:
    assert str(read_key_url("https://idp/jwks?key=secret")) == "https://idp:443/jwks"
