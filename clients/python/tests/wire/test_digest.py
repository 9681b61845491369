"""The digest: its definition, spelt out once more."""

from __future__ import annotations

import random

from openoutcry.wire.digest import ASK, BID, MASK, book_digest, level_digest, mix


def test_mix_is_lowbias32() -> None:
    """Known values of the published function, computed with its C source's steps by hand."""

    def lowbias32(x: int) -> int:
        x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
        x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
        return x ^ (x >> 16)

    assert mix(0) == 0
    assert all(mix(x) == lowbias32(x) for x in (1, 2, 1000, 2**31, 2**32 - 1))


def test_sides_differ_at_the_same_price_and_quantity() -> None:
    assert level_digest(BID, 100, 5) != level_digest(ASK, 100, 5)


def test_quantities_count_modulo_32_bits() -> None:
    """A level's total may pass 2**32 lots; JavaScript's integers there are 32 bits."""
    assert level_digest(BID, 100, 2**32 + 5) == level_digest(BID, 100, 5)


def test_the_order_of_levels_is_irrelevant() -> None:
    levels = [(1, 5), (2, 6), (3, 7)]
    assert book_digest(levels, []) == book_digest(reversed(levels), [])


def test_swapped_quantities_are_seen() -> None:
    assert book_digest([(1, 5), (2, 6)], []) != book_digest([(1, 6), (2, 5)], [])


def test_one_wrong_price_or_quantity_is_always_seen() -> None:
    """The mixer is a bijection: its inverse is written here, and gives back what went in."""

    def inverse(x: int) -> int:
        x ^= x >> 16
        x = x * pow(0x846CA68B, -1, 2**32) & MASK
        x ^= x >> 15 ^ x >> 30
        x = x * pow(0x7FEB352D, -1, 2**32) & MASK
        return x ^ x >> 16

    drawn = random.Random(1)
    for x in [0, 1, MASK, *(drawn.randrange(2**32) for _ in range(2_000))]:
        assert inverse(mix(x)) == x


def test_equal_digests_are_no_certainty() -> None:
    """Two books that differ in price and quantity may share one; the protocol says so."""
    assert book_digest([(261, 1)], []) == book_digest([(15_566, 8)], []) == 681_517_448
