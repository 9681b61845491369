"""A report about one token, for people: whom it names, until when, and everything that is wrong with it.

Unlike a gateway it does not stop at the first fault. It shows a token's claims before anything is proven, so the text
is made harmless for terminals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from shared.identity import Authenticator, take_apart
from shared.key_ring import KeyRing, KeysAwaited
from shared.token_claims import (
    LEEWAY_S,
    LISTS,
    Audience,
    AuthenticationFailed,
    early_problems,
    form_problems,
    place_problems,
    read_object,
    role_problems,
)
from shared.token_keys import TokenKeys

SHOWN_LETTERS_MAX: Final = 200


class TokenReport(NamedTuple):
    """What was found."""

    facts: list[tuple[str, str]]
    """What it says, by word; nothing of it is proven unless `problems` is empty."""
    problems: list[str]
    """What is wrong, a sentence each; a gateway takes it only if there is none."""


def report(token: str, keys: TokenKeys | str, audience: Audience, now: float) -> TokenReport:
    """
    Look at a token as a service would that verifies it.

    Args:
        token: As it came.
        keys: What tokens are signed with; or a sentence, why there are none.
        audience: For whom tokens must be.
        now: Unix time in seconds.
    """
    try:
        header, payload = take_apart(token)
        claims = read_object(payload, "payload")
    except AuthenticationFailed as failure:
        return TokenReport([], [failure.text])
    problems = form_problems(claims)
    if not problems:
        problems = [*role_problems(claims), *place_problems(claims, audience), *early_problems(claims, now)]
        if claims["exp"] + LEEWAY_S <= now:
            problems.append("exp: it has expired; get a new one")
    signature = _signature_problem(token, keys)
    if signature:
        problems.append(signature)
    return TokenReport(_facts(header, claims, now), problems)


def _signature_problem(token: str, keys: TokenKeys | str) -> str:
    if isinstance(keys, str):
        return f"signature: not checked, {keys}"
    try:
        Authenticator(KeyRing(keys)).verified_claims(token)
    except KeysAwaited:
        return "kid: names a key that is not among those of the identity provider"
    except AuthenticationFailed as failure:
        return failure.text.removeprefix("token: ")
    return ""


def _facts(header: Mapping[str, Any], claims: Mapping[str, Any], now: float) -> list[tuple[str, str]]:
    facts = [
        ("user", shown(claims.get("sub"))),
        *((name, shown(claims[name]) if name in claims else "") for name in LISTS),
        ("until", _moment(claims.get("exp"), now)),
        ("from", _moment(claims.get("nbf"), now) if "nbf" in claims else ""),
        ("issued", _moment(claims.get("iat"), now) if "iat" in claims else ""),
        ("for", shown(claims["aud"]) if "aud" in claims else ""),
        ("by", shown(claims["iss"]) if "iss" in claims else ""),
        ("signed", f"{shown(header.get('alg'))}" + (f", key {shown(header['kid'])}" if "kid" in header else "")),
    ]
    return [(word, text) for word, text in facts if text]


def _moment(seconds: Any, now: float) -> str:
    try:
        moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return shown(seconds)
    left = round(seconds - now)
    apart = dt.timedelta(seconds=abs(left))
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({f'in {apart}' if left >= 0 else f'{apart} ago'})"


def shown(value: object) -> str:
    """Return any value as text without control letters, cut to SHOWN_LETTERS_MAX."""
    text = value if isinstance(value, str) else repr(value)
    plain = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text[:SHOWN_LETTERS_MAX])
    return plain + ("…" if len(text) > SHOWN_LETTERS_MAX else "")
