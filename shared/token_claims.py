"""A token's claims: their form, and whether they hold now and here.

Rules of our own judge all of it. The library that checks signatures never looks at a claim. Each problem is a
sentence that names the claim and the rule, and repeats nothing of the token. Source: RFC 7519, section 4.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.errors import OpenOutcryError

USER: Final = re.compile(r"[A-Za-z0-9._@+-]{1,64}")
LEEWAY_S: Final = 5
"""How far the clock of whoever mints tokens may be from ours, seconds."""
TIME_MAX: Final = 2**53 - 1
"""Latest time in a token, Unix seconds: what every JSON reader holds exactly."""
NAME_LETTERS_MAX: Final = 512
"""Of an audience, and of an issuer."""
AUDIENCES_MAX: Final = 64
TIMES: Final = ("exp", "nbf", "iat")
LISTS: Final = ("roles", "groups", "instruments")
"""Claims that are lists of names; one that is missing is an empty list."""
APART: Final = frozenset(("admin", "auditor"))
"""Roles that exclude each other: nobody audits what they have done."""
NO_NAMES: Final[frozenset[str]] = frozenset()
"""One for all: each empty set of its own would be 216 bytes a connection."""
LISTED_MAX: Final = 256
"""Names in such a list: identity providers put some 200 groups into a token at most."""
LISTED_LETTERS_MAX: Final = 256
"""Of each of them."""


class AuthenticationFailed(OpenOutcryError):
    """
    The token names no user.

    Args:
        text: What is wrong with it; holds nothing of the token.
        close_code: How the connection ends.
    """

    def __init__(self, text: str, close_code: CloseCode = CloseCode.NOT_AUTHENTICATED) -> None:
        super().__init__(text)
        self.text = text
        self.close_code = close_code


class Audience(NamedTuple):
    """For whom tokens must be, and of whom."""

    names: tuple[str, ...] = ()
    """A token's `aud` must hold one of these; without any, a token must have no `aud`."""
    issuer: str = ""
    """A token's `iss` must be this; empty takes any."""


ANYBODY: Final = Audience()
"""No audience of our own: tokens that name one are not for here."""


def read_object(data: bytes, what: str) -> dict[str, Any]:
    """
    Read a JSON object, no key twice at any depth.

    Args:
        data: UTF-8.
        what: Names it in refusals.

    Raises:
        AuthenticationFailed: If it is none.
    """

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(members)) != len(members):
            raise AuthenticationFailed(f"token: the {what} has a name twice")
        return found

    try:
        # A text, never bytes: of bytes json guesses the encoding, and takes UTF-16 where RFC 7519 says UTF-8.
        found = json.loads(data.decode(), object_pairs_hook=pairs, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise AuthenticationFailed(f"token: the {what} is no JSON") from error
    if not isinstance(found, dict):
        raise AuthenticationFailed(f"token: the {what} is no JSON object")
    return found


def form_problems(claims: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with the form of claims, a sentence each; none if they can be judged."""
    problems = []
    user = claims.get("sub")
    if not isinstance(user, str) or not USER.fullmatch(user):
        problems.append("sub: must be text of 1 to 64 letters, digits and . _ @ + -")
    if "exp" not in claims:
        problems.append("exp: is missing; a token must end")
    problems += [
        f"{name}: must be a whole number of seconds since 1970, 0 to {TIME_MAX}"
        for name in TIMES
        if name in claims and not _is_time(claims[name])
    ]
    if "aud" in claims and not _is_audience(claims["aud"]):
        problems.append(f"aud: must be text of 1 to {NAME_LETTERS_MAX} letters, or a list of 1 to {AUDIENCES_MAX} such")
    if "iss" in claims and not _is_name(claims["iss"]):
        problems.append(f"iss: must be text of 1 to {NAME_LETTERS_MAX} letters")
    problems += [
        f"{name}: must be a list of at most {LISTED_MAX} texts, each of 1 to {LISTED_LETTERS_MAX} printable letters"
        for name in LISTS
        if name in claims and not _is_list(claims[name])
    ]
    return problems


def role_problems(claims: Mapping[str, Any]) -> list[str]:
    """Tell why the roles of claims of the right form exclude each other; none if they do not."""
    if names(claims, "roles") >= APART:
        return [f"roles: nobody is {' and '.join(sorted(APART))} at once"]
    return []


def place_problems(claims: Mapping[str, Any], audience: Audience) -> list[str]:
    """Tell why claims of the right form are not for here; none if they are."""
    problems = []
    named = audiences(claims)
    if named and not audience.names:
        problems.append("aud: names an audience, and this exchange has none; TOKEN_AUDIENCE says which it takes")
    elif audience.names and not set(named) & set(audience.names):
        problems.append(f"aud: must be {' or '.join(audience.names)}")
    if audience.issuer and claims.get("iss") != audience.issuer:
        problems.append(f"iss: must be {audience.issuer}")
    return problems


def early_problems(claims: Mapping[str, Any], now: float) -> list[str]:
    """Tell why claims of the right form do not hold yet; none if they do. `now` is Unix time in seconds."""
    ahead = {name: claims[name] - now for name in ("nbf", "iat") if claims.get(name, 0) > now + LEEWAY_S}
    words = {"nbf": "is not valid before", "iat": "was issued at"}
    return [
        f"{name}: {words[name]} a time {seconds:,.0f} s ahead, {LEEWAY_S} s at most; compare the clocks"
        for name, seconds in ahead.items()
    ]


def audiences(claims: Mapping[str, Any]) -> Sequence[str]:
    """Return whom claims of the right form are for."""
    named = claims.get("aud", [])
    return [named] if isinstance(named, str) else named


def names(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """Return the names that one of `LISTS` holds, of claims of the right form; each once."""
    listed = claims.get(claim)
    return frozenset(listed) if listed else NO_NAMES


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_time(value: object) -> bool:
    """Take whole floats too: some languages know no other numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= TIME_MAX and value == int(value)  # in this order: only then does `int` take every float


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= NAME_LETTERS_MAX


def _is_audience(value: object) -> bool:
    if not isinstance(value, list):
        return _is_name(value)
    return 1 <= len(value) <= AUDIENCES_MAX and all(map(_is_name, value))


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) <= LISTED_MAX and all(map(_is_listed, value))


def _is_listed(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LISTED_LETTERS_MAX and value.isprintable()
