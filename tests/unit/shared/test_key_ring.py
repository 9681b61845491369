from __future__ import annotations

import contextlib

import pytest

from services.gateway.token_ends import SLACK, TokenEnds
from shared.key_ring import FIRST_S, KIDS_MAX, REFRESH_S, RELOAD_S, KeyRing, KeysAwaited
from shared.token_keys import TokenKey, TokenKeys

KEYS = TokenKeys([TokenKey("ES256", "a", "material")])


def ring(now: float = 0.0) -> KeyRing:
    made = KeyRing(None)
    made.began(now)
    made.replace(KEYS, now)
    return made


def seek(held: KeyRing, kid: str) -> None:
    with pytest.raises(KeysAwaited):
        held.named(kid, "ES256")


def test_keys_are_loaded_at_once_and_until_then_awaited() -> None:
    held = KeyRing(None)
    assert held.is_due(0.0)
    seek(held, "a")


def test_a_known_key_is_found_and_asks_for_nothing() -> None:
    held = ring()
    assert held.named("a", "ES256") is not None
    assert not held.is_due(RELOAD_S)
    assert held.is_due(REFRESH_S)


def test_unknown_names_ask_for_one_load_in_thirty_seconds() -> None:
    """Whoever makes up names must not have the keys loaded at will."""
    held, loads = ring(), 0
    for tenth in range(1, 900):
        with contextlib.suppress(KeysAwaited):
            held.named(f"made-up-{tenth}", "ES256")
        if held.is_due(tenth / 10):
            held.began(tenth / 10)
            held.replace(KEYS, tenth / 10)
            loads += 1
    assert loads == 2


def test_a_name_is_refused_once_later_keys_lack_it() -> None:
    """A client takes a refusal as final: nobody may be refused whose key was made a moment ago."""
    held = ring()
    seek(held, "new")
    held.began(RELOAD_S)
    seek(held, "new")
    held.replace(KEYS, RELOAD_S)
    assert held.named("new", "ES256") is None
    seek(held, "newer")  # made after that load, perhaps


def test_a_name_that_came_during_a_load_is_decided_by_the_next() -> None:
    held = ring()
    held.began(RELOAD_S)
    seek(held, "new")
    held.replace(KEYS, RELOAD_S)
    seek(held, "new")
    assert held.is_due(2 * RELOAD_S)


def test_a_name_that_was_refused_is_found_once_it_is_published() -> None:
    """A provider that signs before it publishes, or a stranger who asks for the next key's name in advance."""
    held = ring()
    seek(held, "new")
    held.began(RELOAD_S)
    held.replace(KEYS, RELOAD_S)
    assert held.named("new", "ES256") is None
    assert held.is_due(2 * RELOAD_S)
    held.began(2 * RELOAD_S)
    held.replace(TokenKeys([TokenKey("ES256", "new", "material")]), 2 * RELOAD_S)
    assert held.named("new", "ES256") is not None


def test_names_are_remembered_up_to_a_number_and_awaited_beyond_it() -> None:
    """Nobody's made-up names have a good token of a new key refused, which its client would take as final."""
    held = ring()
    for number in range(KIDS_MAX):
        seek(held, str(number))
    seek(held, "one more")
    seek(held, "7")
    assert len(held._sought) == KIDS_MAX
    held.began(RELOAD_S)
    held.replace(TokenKeys([TokenKey("ES256", "one more", "material")]), RELOAD_S)
    assert held.named("one more", "ES256") is not None


def test_a_failed_load_keeps_the_keys_and_the_question() -> None:
    held = ring()
    seek(held, "new")
    held.began(RELOAD_S)
    held.keep(RELOAD_S)
    assert held.named("a", "ES256") is not None
    seek(held, "new")
    assert not held.is_due(2 * RELOAD_S - 1)
    assert held.is_due(2 * RELOAD_S)


def test_without_any_keys_loads_follow_sooner() -> None:
    held = KeyRing(None)
    held.began(0.0)
    seek(held, "a")
    held.keep(1.0)
    assert not held.is_due(1.0)
    assert held.is_due(1.0 + FIRST_S)


def test_sessions_end_in_order_and_an_extension_counts() -> None:
    ends: TokenEnds[str] = TokenEnds()
    for name, at in (("b", 2.0), ("a", 1.0), ("c", 3.0), ("gone", 1.0)):
        ends.extend(name, at)
    assert ends.extend("a", 4.0) == 4.0
    assert ends.extend("c", 1.0) == 3.0
    ends.forget("gone")
    ends.forget("gone")
    assert list(ends.due(2.5)) == ["b"]
    assert list(ends.due(9.0)) == ["c", "a"]
    assert len(ends) == 0


def test_logging_in_again_and_again_costs_no_memory() -> None:
    ends: TokenEnds[str] = TokenEnds()
    for number in range(10_000):
        ends.extend("ann", float(number))
    assert len(ends._heap) <= 2 + SLACK
    assert list(ends.due(9_998.0)) == []
    assert list(ends.due(9_999.0)) == ["ann"]


def test_logging_in_again_with_the_same_token_costs_no_memory_either() -> None:
    ends: TokenEnds[str] = TokenEnds()
    for _ in range(1_000):
        assert ends.extend("ann", 7.0) == ends.extend("ann", 3.0) == 7.0
    assert len(ends._heap) == 1
    assert list(ends.due(7.0)) == ["ann"]


def test_a_failed_load_of_new_names_is_made_up_for_counted_from_its_beginning() -> None:
    """A provider that answers late must not be asked the later for it."""
    held = ring()
    seek(held, "new")
    held.began(RELOAD_S)
    held.keep(RELOAD_S + 5)
    assert not held.is_due(2 * RELOAD_S - 1)
    assert held.is_due(2 * RELOAD_S)
