from __future__ import annotations

import jwt
import pytest

from services.gateway.authentication import AuthenticationFailed, checked_secret, mint_token, verify_token
from shared.close_codes import CloseCode
from shared.errors import ConfigurationError

SECRET = b"s" * 32


def test_a_minted_token_names_its_user() -> None:
    assert verify_token(mint_token("ann@example.com", SECRET, 1000), SECRET, 999) == "ann@example.com"


def test_an_expired_token_says_so() -> None:
    """The client must get another one before it returns: a close code of its own."""
    with pytest.raises(AuthenticationFailed, match="expired") as failure:
        verify_token(mint_token("ann", SECRET, 1000), SECRET, 1000)
    assert failure.value.close_code is CloseCode.TOKEN_EXPIRED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "rubbish",
        mint_token("ann", b"x" * 32, 1000),
        jwt.encode({"sub": "ann", "exp": 1000}, "", algorithm="none"),
        jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256"),
        jwt.encode({"exp": 1000}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "no spaces", "exp": 1000}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "ann", "exp": "soon"}, SECRET, algorithm="HS256"),
    ],
)
def test_refuses_what_names_nobody(token: str) -> None:
    with pytest.raises(AuthenticationFailed) as failure:
        verify_token(token, SECRET, 10)
    assert failure.value.close_code is CloseCode.NOT_AUTHENTICATED


def test_refuses_a_short_secret() -> None:
    with pytest.raises(ConfigurationError, match="has 5 bytes and needs 32"):
        checked_secret(b" short \n")


def test_mints_no_token_for_a_name_that_no_gateway_takes() -> None:
    with pytest.raises(ConfigurationError, match="user must be"):
        mint_token("no spaces", SECRET, 1000)
