"""Whose pages may open a stream."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from services.gateway.browser_origin import SHOWN_MAX, origin_fault, own_hosts
from services.gateway.client_address import TrustedProxies

TRUSTED = TrustedProxies([ip_network("10.0.0.0/8")])
DESK = "https://desk.example.com"


def test_a_program_has_no_origin() -> None:
    assert origin_fault([], ["market:8101"], ()) == ""


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://market:8101", "market:8101"),
        ("https://market", "market"),
        ("https://market", "market:443"),
        ("https://market:443", "market"),
        ("http://Market", "mARKET:80"),
        ("http://[::1]:8101", "[::1]:8101"),
    ],
)
def test_the_own_page_may(origin: str, host: str) -> None:
    assert origin_fault([origin], own_hosts("10.0.0.1", [host], [], TRUSTED), ()) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "http://market:8102",
        "https://market:8101.evil.example",
        "https://evil.example",
        "null",
        "",
        "http://market:8101/",
        "file://",
        "https://market",
    ],
)
def test_any_other_page_may_not(origin: str) -> None:
    fault = origin_fault([origin], ["market:8101"], ())
    assert fault == f"pages of {origin} may not open a stream here: OUTCRY_PAGE_ORIGINS names those that may"
    assert "\n" not in origin_fault(["http://a\nb" + "x" * 999], ["market"], ())
    assert len(origin_fault(["x" * 9_999], ["market"], ())) < SHOWN_MAX + 100


def test_one_that_is_named_may() -> None:
    assert origin_fault([DESK], ["market:8101"], {DESK}) == ""
    assert origin_fault([f"{DESK}:443"], ["market:8101"], {DESK}) == ""
    assert origin_fault(["http://desk.example.com"], ["market:8101"], {DESK}) != ""


def test_two_origins_are_none() -> None:
    assert origin_fault([DESK, DESK], ["market"], {DESK}) == "a request may have one Origin header, this has 2"


def test_what_a_proxy_says_counts_where_it_is_trusted() -> None:
    assert own_hosts("10.0.0.1", ["gateway-1:8101"], ["a, market"], TRUSTED) == ("gateway-1:8101", "market")
    assert own_hosts("192.0.2.1", ["gateway-1:8101"], ["market"], TRUSTED) == ("gateway-1:8101",)
    assert own_hosts("10.0.0.1", ["a;b"], ["c d"], TRUSTED) == ()
