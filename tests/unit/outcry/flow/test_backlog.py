from __future__ import annotations

import pytest

from openoutcry.wire.errors import MalformedMessage
from outcry.flow.backlog import BACKLOG_COMMANDS_MAX, Backlog, LogId


def test_counts_what_the_engine_has_not_applied() -> None:
    backlog = Backlog()
    backlog.appended(LogId(5, 0), 10)
    backlog.appended(LogId(5, 1), 3)
    backlog.applied(LogId(5, 0))
    assert backlog.commands == 3
    assert backlog.room == BACKLOG_COMMANDS_MAX - 3


def test_has_no_room_when_it_is_full() -> None:
    """A writer that waits here keeps users' orders from waiting behind thousands of its own."""
    backlog = Backlog()
    backlog.appended(LogId(1, 0), BACKLOG_COMMANDS_MAX)
    assert backlog.room == 0


def test_the_feed_may_be_faster_than_the_answer_to_the_append() -> None:
    """The bug: an entry acknowledged before it was counted stayed in the backlog until the next packet."""
    backlog = Backlog()
    backlog.applied(LogId(7, 0))
    backlog.appended(LogId(7, 0), 5)
    assert backlog.commands == 0


def test_ids_are_ordered_as_numbers() -> None:
    """As text, 9-0 would come after 10-0, and the backlog would never empty."""
    assert LogId.parse(b"9-0") < LogId.parse("10-0") < LogId.parse("10-1")


@pytest.mark.parametrize("text", ["", "5", "a-b", "1-2-3"])
def test_refuses_what_is_no_id(text: str) -> None:
    with pytest.raises(MalformedMessage, match="no log id"):
        LogId.parse(text)
