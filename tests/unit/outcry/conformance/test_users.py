"""Users come from tokens or from the secret, and wrong tokens are wrong in one thing only."""

from __future__ import annotations

import jwt
import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.conformance.users import (
    MINTED_USERS,
    TOKEN_SECONDS,
    USERS_MIN,
    endless,
    forged,
    gather_users,
    mint,
    subject,
    unsigned,
)

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000.0


def claims(token: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    return found


def test_a_secret_makes_users_of_this_run() -> None:
    """Two runs at once must not meet each other's limits."""
    users = gather_users([], SECRET, "ab12", NOW)
    assert len({user.name for user in users}) == MINTED_USERS
    assert all(user.name.startswith("conformance-ab12-") for user in users)
    assert claims(users[0].token) == {"sub": users[0].name, "exp": int(NOW + TOKEN_SECONDS)}


def test_tokens_name_their_users_and_count_once() -> None:
    tokens = [mint(f"user-{number}", SECRET, NOW) for number in range(USERS_MIN)]
    users = gather_users([*tokens, *tokens], None, "ab12", NOW)
    assert [user.name for user in users] == [f"user-{number}" for number in range(USERS_MIN)]


def test_too_few_users_are_told() -> None:
    with pytest.raises(ConfigurationError, match=f"needs tokens of {USERS_MIN} users and has 1"):
        gather_users([mint("ada", SECRET, NOW)], None, "ab12", NOW)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.e30.c", "not a token at all"])
def test_what_is_no_token_is_told(token: str) -> None:
    with pytest.raises(ConfigurationError, match="not a JSON Web Token"):
        subject(token)


def test_wrong_tokens_are_wrong() -> None:
    assert subject(forged("ada", NOW)) == subject(unsigned("ada", NOW)) == subject(endless("ada", SECRET)) == "ada"
    with pytest.raises(jwt.InvalidSignatureError):
        claims(forged("ada", NOW))
    with pytest.raises(jwt.InvalidTokenError):
        claims(unsigned("ada", NOW))
    assert "exp" not in claims(endless("ada", SECRET))
