"""The keys that tokens are signed with: each bound to one algorithm, so that no token chooses how it is checked.

A shared secret checks HS256 and nothing else; a JSON Web Key Set holds public keys, of RSA for RS256, of the curve
P-256 for ES256, of Ed25519 for EdDSA. A set is a value: reloading replaces all of it.

Source: RFC 7517, RFC 8725.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import jwt

from openoutcry.wire.errors import ConfigurationError

SHARED_ALGORITHM: Final = "HS256"
SECRET_BYTES_MIN: Final = 32
"""HS256's own strength; a shorter secret would be the weakest part."""
JWKS_BYTES_MAX: Final = 256 * 1024
"""Longest key set that is read."""
KEYS_MAX: Final = 64
"""Keys in a set; those beyond are passed over, and named."""
KID_LETTERS_MAX: Final = 256
RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 8192
"""A longer key would make each handshake dear."""
RSA_EXPONENT_BITS_MAX: Final = 64
"""So would a longer exponent: 10 ms a token, at 3,072 bits."""


class _Kind(NamedTuple):
    algorithm: str
    curve: str | None
    members: tuple[str, ...]
    """The public ones; nothing else of a key reaches the library."""


_KINDS: Final = {
    "RSA": _Kind("RS256", None, ("n", "e")),
    "EC": _Kind("ES256", "P-256", ("crv", "x", "y")),
    "OKP": _Kind("EdDSA", "Ed25519", ("crv", "x")),
}
PUBLIC_ALGORITHMS: Final = tuple(kind.algorithm for kind in _KINDS.values())


class TokenKey(NamedTuple):
    """One key, and the only algorithm that it checks."""

    algorithm: str
    kid: str | None
    """Its name; None if the set gave it none."""
    material: Any
    """As the library takes it. Never print it."""


class TokenKeys:
    """
    Keys, found by name and algorithm.

    Args:
        keys: No two of one name and algorithm; later ones are passed over.
        passed_over: What was not taken, a sentence each.
    """

    def __init__(self, keys: Iterable[TokenKey], passed_over: Iterable[str] = ()) -> None:
        self._keys: dict[tuple[str | None, str], TokenKey] = {}
        repeated = [key for key in keys if self._keys.setdefault((key.kid, key.algorithm), key) is not key]
        self.passed_over = (*passed_over, *("a second key of one kid and kind" for _ in repeated))
        self.algorithms = tuple(sorted({key.algorithm for key in self._keys.values()}))
        """What a token may be signed with."""

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._keys)

    def named(self, kid: str, algorithm: str) -> TokenKey | None:
        """Return the key of that name and algorithm, if there is one."""
        return self._keys.get((kid, algorithm))

    def of(self, algorithm: str) -> list[TokenKey]:
        """Return all keys of an algorithm."""
        return [key for key in self._keys.values() if key.algorithm == algorithm]


def shared_key(secret: bytes) -> TokenKeys:
    """Return the one key of HS256."""
    return TokenKeys([TokenKey(SHARED_ALGORITHM, None, secret)])


def checked_secret(secret: bytes) -> bytes:
    """
    Return the secret without surrounding white space.

    Raises:
        ConfigurationError: If it is too short.
    """
    secret = secret.strip()
    if secret.startswith((b"-----BEGIN", b"ssh-", b"ecdsa-")):
        raise ConfigurationError("the token secret is a PEM or SSH key, not HS256's; make one: openssl rand -hex 32")
    if len(secret) < SECRET_BYTES_MIN:
        raise ConfigurationError(
            f"the token secret has {len(secret)} bytes and needs {SECRET_BYTES_MIN}; make one: openssl rand -hex 32"
        )
    return secret


def read_jwks(data: bytes) -> TokenKeys:
    """
    Read a JSON Web Key Set.

    Keys that serve nothing here, of encryption or of other algorithms, are passed over, as RFC 7517 asks.

    Args:
        data: At most JWKS_BYTES_MAX bytes of JSON.

    Raises:
        ConfigurationError: If it is none, or holds no key that serves.
    """
    if len(data) > JWKS_BYTES_MAX:
        raise ConfigurationError(f"the key set has more than {JWKS_BYTES_MAX} bytes")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("the key set is no JSON") from error
    members = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(members, list):
        raise ConfigurationError('the key set must be a JSON object with a list "keys"')
    keys, problems = [], []
    for place, member in enumerate(members[:KEYS_MAX], 1):
        key = _read_key(member)
        if isinstance(key, TokenKey):
            keys.append(key)
        else:
            problems.append(f"key {place}: {key}")
    if len(members) > KEYS_MAX:
        problems.append(f"{len(members) - KEYS_MAX} keys beyond {KEYS_MAX}")
    if not keys:
        why = f": {'; '.join(problems[:3])}" if problems else ""
        raise ConfigurationError(f"the key set holds no public key for {', '.join(PUBLIC_ALGORITHMS)}{why}")
    return TokenKeys(keys, problems)


def _read_key(member: object) -> TokenKey | str:
    """Return a key, or why it does not serve."""
    if not isinstance(member, Mapping):
        return "is no JSON object"
    kty = member.get("kty")
    kind = _KINDS.get(kty) if isinstance(kty, str) else None
    if kind is None:
        return f"kty: must be one of {', '.join(_KINDS)}"
    return _objection(member, kind) or _make_key(member, kind)


def _objection(member: Mapping[str, Any], kind: _Kind) -> str:
    """Return why a key of this kind does not serve; "" if its numbers decide."""
    kid = member.get("kid")
    if "d" in member:
        return "is a private key; gateways need the public one, and nobody else may have this"
    if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= KID_LETTERS_MAX):
        return f"kid: must be text of 1 to {KID_LETTERS_MAX} letters"
    if not _may_verify(member, kind):
        return f"is not for signatures of {kind.algorithm}"
    if kind.curve is not None and member.get("crv") != kind.curve:
        return f"crv: must be {kind.curve}"
    return ""


def _make_key(member: Mapping[str, Any], kind: _Kind) -> TokenKey | str:
    kty = member["kty"]
    try:
        key = jwt.PyJWK({"kty": kty, **{name: member[name] for name in kind.members}}, kind.algorithm).key
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return f"{', '.join(kind.members)}: make no public key"
    if kty == "RSA":
        if not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            return f"n: must have {RSA_BITS_MIN} to {RSA_BITS_MAX} bits"
        if key.public_numbers().e.bit_length() > RSA_EXPONENT_BITS_MAX:
            return f"e: may have {RSA_EXPONENT_BITS_MAX} bits"
    return TokenKey(kind.algorithm, member.get("kid"), key)


def _may_verify(member: Mapping[str, Any], kind: _Kind) -> bool:
    operations = member.get("key_ops")
    return (
        member.get("use") in (None, "sig")
        and member.get("alg") in (None, kind.algorithm)
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )
