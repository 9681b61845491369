"""An origin is compared as a browser writes it, however a setting does."""

from __future__ import annotations

import pytest

from shared.web_origin import checked_origin, read_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Desk.example.com", "https://desk.example.com"),
        ("https://desk.example.com:443/", "https://desk.example.com"),
        ("http://desk.example.com:443", "http://desk.example.com:443"),
        ("http://[::1]:8101", "http://[::1]:8101"),
    ],
)
def test_an_origin_is_written_in_one_way(text: str, origin: str) -> None:
    assert checked_origin(text) == origin
    assert str(read_origin(origin)) == origin


@pytest.mark.parametrize(
    "text",
    ["null", "*", "desk.example.com", "https://desk.example.com/page", "ftp://a", "https://a b", "https://a;b", ""],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """It would stand in a policy, and match nothing or too much."""
    assert read_origin(text) is None
    with pytest.raises(ValueError, match="must be an origin"):
        checked_origin(text)
