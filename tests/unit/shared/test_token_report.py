from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from shared.token_claims import Audience
from shared.token_keys import shared_key
from shared.token_report import report, shown

SECRET = b"s" * 32
KEYS = shared_key(SECRET)
NOW = 1_700_000_000.0


def signed(**claims: Any) -> str:
    return jwt.PyJWS().encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")


def test_a_good_token_is_told_of_and_nothing_is_wrong() -> None:
    found = report(signed(sub="ann", exp=NOW + 3600, aud=["market"], iss="us"), KEYS, Audience(("market",), "us"), NOW)
    assert found.facts == [
        ("user", "ann"),
        ("until", "2023-11-14 23:13:20 UTC (in 1:00:00)"),
        ("for", "['market']"),
        ("by", "us"),
        ("signed", "HS256"),
    ]
    assert not found.problems


def test_all_that_is_wrong_is_told_at_once() -> None:
    token = signed(sub="ann", exp=NOW - 60, nbf=NOW + 60, aud="other", iss="them")
    found = report(token, shared_key(b"x" * 32), Audience(("market",), "us"), NOW)
    words = [problem.split(":")[0] for problem in found.problems]
    assert words == ["aud", "iss", "nbf", "exp", "the signature is wrong"]
    assert ("until", "2023-11-14 22:12:20 UTC (0:01:00 ago)") in found.facts


def test_without_keys_the_signature_is_said_not_to_be_checked() -> None:
    found = report(signed(sub="ann", exp=NOW + 60), "there are none", Audience(), NOW)
    assert found.problems == ["signature: not checked, there are none"]


@pytest.mark.parametrize("claims", [{}, {"sub": 7, "exp": "x"}, {"sub": "a", "exp": 2**60}, {"sub": None, "exp": [1]}])
def test_claims_of_any_form_are_shown(claims: dict[str, Any]) -> None:
    assert report(signed(**claims), KEYS, Audience(), NOW).problems


def test_what_is_no_token_has_no_facts() -> None:
    found = report("rubbish", KEYS, Audience(), NOW)
    assert not found.facts
    assert "three parts" in found.problems[0]


def test_what_a_token_says_does_no_harm_to_a_terminal() -> None:
    assert shown("\x1b[2Jann\n\u202e") == "\\u001b[2Jann\\u000a\\u202e"
    assert len(shown("a" * 999)) == 201
