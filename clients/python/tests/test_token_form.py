from __future__ import annotations

import pytest

from openoutcry.token_form import checked_token
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.request_limits import TOKEN_LETTERS_MAX

GOOD = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.abc-_123"


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\t{}", "{}"])
def test_a_files_line_end_is_no_part_of_a_token(around: str) -> None:
    assert checked_token(around.format(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("token", "rule"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (None, "must be text, or a function that returns it, not NoneType"),
        (GOOD.encode(), "not bytes"),
        (f"Bearer {GOOD}", "leave out the word Bearer"),
        (f"{GOOD}\n{GOOD}", "without spaces between"),
        (f"{GOOD}\r\nX-Evil: 1", "without spaces between"),
        (f"{GOOD}é", "must be letters, digits"),
        (f'"{GOOD}"', "must be letters, digits"),
        ("a" * (TOKEN_LETTERS_MAX + 1), "8000 at most"),
    ],
)
def test_what_is_no_token_is_refused_and_never_repeated(token: object, rule: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked_token(token)
    assert rule in str(refused.value)
    assert "eyJ" not in str(refused.value)
