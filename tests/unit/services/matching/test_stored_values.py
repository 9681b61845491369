from __future__ import annotations

from services.matching.stored_values import LOOK_BYTES_MAX, LOOK_KEYS_MAX, StoredValues


def test_what_is_found_as_stored_is_not_lost() -> None:
    stored = StoredValues()
    stored.stored({"a": b"1", "b": b"2"})
    for _ in range(3):
        assert stored.lost(stored.next_look(), [b"1", b"2"]) == []


def test_what_is_found_wrong_twice_is_lost() -> None:
    """Absent, of another type (both are None), cut, or written over at the same length."""
    for found in (None, b"", b"val", b"VALUE"):
        stored = StoredValues()
        stored.stored({"a": b"value"})
        assert stored.lost(stored.next_look(), [found]) == []
        assert stored.lost(stored.next_look(), [found]) == ["a"]


def test_what_is_lost_among_others_is_found() -> None:
    stored = StoredValues()
    stored.stored({"a": b"1", "b": b"2", "c": b"3"})
    assert stored.lost(stored.next_look(), [b"1", None, b"3"]) == []
    found = {"a": b"1", "b": None, "c": b"3"}
    keys = stored.next_look()
    assert stored.lost(keys, [found[key] for key in keys]) == ["b"]


def test_what_was_replaced_between_two_looks_is_not_lost() -> None:
    """A publication under way may be read before it is noted, or after."""
    stored = StoredValues()
    stored.stored({"a": b"1"})
    keys = stored.next_look()
    assert stored.lost(keys, [b"2"]) == []
    stored.stored({"a": b"2"})
    assert stored.lost(stored.next_look(), [b"3"]) == []
    stored.stored({"a": b"3"})
    assert stored.lost(stored.next_look(), [b"3"]) == []


def test_what_is_stored_again_is_no_longer_suspected() -> None:
    stored = StoredValues()
    stored.stored({"a": b"1"})
    for _ in range(2):
        stored.lost(stored.next_look(), [None])
    stored.stored({"a": b"1"})
    assert stored.lost(stored.next_look(), [b"1"]) == []


def test_all_have_their_turn_in_bounded_looks() -> None:
    stored = StoredValues()
    keys = {f"k{number}": b"" for number in range(LOOK_KEYS_MAX * 2 + 3)}
    stored.stored(keys)
    looks = [stored.next_look() for _ in range(3)]
    assert [key for look in looks for key in look] == list(keys)
    assert max(map(len, looks)) == LOOK_KEYS_MAX
    assert stored.next_look()[0] == "k0"


def test_large_values_are_looked_at_alone() -> None:
    stored = StoredValues()
    stored.stored({"small": b"1", "large": b"2" * (LOOK_BYTES_MAX + 1), "last": b"3"})
    assert [stored.next_look() for _ in range(3)] == [["small"], ["large"], ["last"]]
