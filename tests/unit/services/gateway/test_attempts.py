"""Handshakes that lead to no login are their address's to pay for."""

from __future__ import annotations

import pytest

from services.gateway.attempts import Attempts
from shared.token_bucket import Rate


def test_an_address_has_so_many_at_once_and_more_with_time() -> None:
    attempts = Attempts(Rate(2, 3))
    assert [attempts.charge("10.0.0.1", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert attempts.charge("10.0.0.1", 0.5)
    assert not attempts.charge("10.0.0.1", 0.5)


def test_what_one_wastes_is_not_anothers() -> None:
    attempts = Attempts(Rate(1, 1))
    assert attempts.charge("10.0.0.1", 0.0)
    assert not attempts.charge("10.0.0.1", 0.0)
    assert attempts.charge("10.0.0.2", 0.0)


def test_a_login_gives_back_what_its_handshake_took() -> None:
    """An office that shares an address comes in, however many they are."""
    attempts = Attempts(Rate(0.001, 1))
    for _ in range(100):
        assert attempts.charge("10.0.0.1", 0.0)
        attempts.forgive("10.0.0.1")
    attempts.forgive("10.0.0.1")
    assert attempts.charge("10.0.0.1", 0.0)
    assert not attempts.charge("10.0.0.1", 0.0), "nobody is given more than a full bucket"
    attempts.forgive("10.0.0.9")
    assert len(attempts) == 1


def test_the_table_is_bounded_and_forgets_whoever_came_longest_ago() -> None:
    attempts = Attempts(Rate(0.001, 1), addresses_max=2)
    attempts.charge("10.0.0.1", 0.0)
    attempts.charge("10.0.0.2", 0.0)
    assert not attempts.charge("10.0.0.1", 1.0)
    attempts.charge("10.0.0.3", 1.0)
    assert len(attempts) == 2
    assert not attempts.charge("10.0.0.1", 1.0), "it came again, so it is remembered"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("a:b", "a:c", False),
        ("", "", True),
    ],
)
def test_an_ipv6_network_is_one_address(one: str, other: str, *, is_same: bool) -> None:
    """Whoever has one address of it has 18 million million million others."""
    attempts = Attempts(Rate(0.001, 1))
    assert attempts.charge(one, 0.0)
    assert attempts.charge(other, 0.0) is not is_same
