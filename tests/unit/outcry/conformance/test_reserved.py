"""Words that the protocol keeps for later fail whoever sends them today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Goodbye, Message, Status
from openoutcry.wire.types import MarketState
from outcry.conformance.expectation import Failed
from outcry.conformance.reserved import (
    CLOSE_CODES,
    EVENTS,
    check_code_is_of_today,
    check_message_is_of_today,
)
from tests.unit.services.gateway.exchange import Exchange

DOCUMENT = (Path(__file__).parents[4] / "docs/protocol.md").read_text("utf-8")


def test_they_are_those_that_the_document_calls_reserved() -> None:
    codes = {int(code) for code in re.findall(r"\| (4\d{3}) \| [^|]*reserved, not sent today", DOCUMENT)}
    words = set(re.findall(r"`(\w+)` (?:is reserved and not sent|\(reserved, not sent)", DOCUMENT))
    assert (codes, words) == (set(CLOSE_CODES), {*EVENTS})


def execution(event: str) -> Message:
    return Exchange("ACME").accepted("ann", 1).execution._replace(event=event)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Goodbye(CloseCode.FEED_LOST, "", 0), "close code 4002"),
    ],
)
def test_a_message_with_one_fails(message: Message, said: str) -> None:
    with pytest.raises(Failed, match=said):
        check_message_is_of_today(message)


def test_words_of_today_pass() -> None:
    today: list[Message] = [
        Status("ACME", MarketState.HALTED, "news", 0), execution("cancelled"), Goodbye(CloseCode.RATE, "", 0)
    ]  # fmt: skip
    for message in today:
        check_message_is_of_today(message)
    for code in set(CloseCode) - set(CLOSE_CODES):
        check_code_is_of_today(code)


@pytest.mark.parametrize("code", CLOSE_CODES)
def test_a_reserved_close_code_fails(code: int) -> None:
    with pytest.raises(Failed, match=f"{code} is reserved"):
        check_code_is_of_today(code)
