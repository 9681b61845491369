"""A call as a program sees it: what it would come to, beside a book that may be crossed."""

from __future__ import annotations

import pytest

from conversation import Conversation
from openoutcry.aio.book import Book
from openoutcry.aio.pulse import Pulse
from openoutcry.events import AuctionChanged
from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Auction
from openoutcry.wire.types import Phase

CALL = Auction("ACME", 2, 5, 7, Phase.OPENING, 101, 1_200, -300, 60)
ENDED = Auction("ACME", 3, 9, 7, Phase.NONE, 0, 0, 0, 0)


def book_of(conversation: Conversation) -> Book:
    session = conversation.session
    return Book(session.books["ACME"], session, Pulse(), lambda: False)


@pytest.mark.parametrize("encoding", Encoding)
def test_a_book_in_a_call_has_an_auction_and_may_be_crossed(encoding: Encoding) -> None:
    """It is verified all the same; when the call has ended there is no auction."""
    conversation = Conversation(encoding)
    conversation.follow()
    book = book_of(conversation)
    assert (book.auction, book.is_crossed) == (None, False)
    conversation.hear(conversation.market.set(bids={102: 5}), CALL)
    assert conversation.events()[-1] == AuctionChanged(CALL)
    assert book.auction == CALL
    assert book.auction.kind is Phase.OPENING
    assert (book.is_crossed, book.stale) == (True, None)
    conversation.hear(conversation.market.set(bids={102: 0}), ENDED)
    assert conversation.events()[-1] == AuctionChanged(ENDED)
    assert (book.auction, book.is_crossed) == (None, False)


def test_an_auction_does_not_outlive_its_connection() -> None:
    """Nobody can say what the call would come to now, nor whether there is one."""
    conversation = Conversation()
    conversation.follow()
    conversation.hear(CALL)
    conversation.session.disconnected(1006, "")
    assert conversation.session.auctions == {}


@pytest.mark.parametrize("wrong", [{"auction_id": 0}, {"surplus": "1"}, {"price": -1}, {"kind": 5}])
def test_an_auction_of_another_form_ends_the_connection(wrong: dict[str, object]) -> None:
    conversation = Conversation()
    conversation.follow()
    conversation.hear(CALL._replace(**wrong))  # type: ignore[arg-type]
    assert conversation.kinds() == ["BookStale", "CloseRequired"]
