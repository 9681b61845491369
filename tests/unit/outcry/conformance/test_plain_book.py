"""The witness's own book is the document's, and the exchange's as long as that has no fault."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from outcry.conformance.plain_book import PlainBook, digest, mix

VECTORS = json.loads((Path(__file__).parents[4] / "protocol/vectors/digest.json").read_text("utf-8"))


def random_levels(random: Random, least: int) -> list[list[int]]:
    """Return distinct prices, some at the edges of what there is."""
    prices = {random.choice((random.randrange(1, 40), 2**31 - 1 - random.randrange(3))) for _ in range(12)}
    return [[price, random.choice((least, random.randrange(1, 100), 2**32 - 1)), 1] for price in prices]


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_the_exchange_s_on_random_books(seed: int) -> None:
    random = Random(seed)
    plain, book = PlainBook("ACME"), DepthBook("ACME")
    bids, asks = random_levels(random, least=1), random_levels(random, least=1)
    plain.load(7, 1, bids, asks)
    book.bids.replace(bids)
    book.asks.replace(asks)
    for seq in range(2, 50):
        bids, asks = random_levels(random, least=0), random_levels(random, least=0)
        plain.change(seq, bids, asks)
        book.advance(seq, 0, bids, asks, 0)
        assert (plain.seq, plain.digest) == (book.seq, book.digest)
        assert (plain.bids, plain.asks) == (book.bids.quantities, book.asks.quantities)
    assert plain.digest == book_digest(plain.bids.items(), plain.asks.items()) != 0


def test_the_vectors_of_the_protocol_hold() -> None:
    assert [mix(each["x"]) for each in VECTORS["mix"]] == [each["mixed"] for each in VECTORS["mix"]]
    for each in VECTORS["book"]:
        levels = ({level[0]: level[1] for level in each[side]} for side in ("bids", "asks"))
        assert digest(*levels) == each["digest"]
