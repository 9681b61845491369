"""The two ranges of close codes."""

from __future__ import annotations

import pytest

from shared.close_codes import CloseCode, may_reconnect


@pytest.mark.parametrize("code", CloseCode)
def test_every_code_is_in_one_of_the_two_ranges(code: CloseCode) -> None:
    assert 4000 <= code <= 4999
    assert may_reconnect(code) is (code < 4500)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012])
def test_websocket_s_own_codes_allow_a_return(code: int) -> None:
    assert may_reconnect(code)
