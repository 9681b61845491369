"""What the protocol names and keeps for later: a server of today that sends it breaks the document.

Every message that any check hears is looked at, so that the whole run is the proof.
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Execution, Goodbye, Message, Status
from openoutcry.wire.types import ExecutionEvent, MarketState
from outcry.conformance.expectation import expect

STATES: Final = (MarketState.AUCTION,)
EVENTS: Final = (ExecutionEvent.EXPIRED,)
CLOSE_CODES: Final = (CloseCode.FEED_LOST,)


def check_message_is_of_today(message: Message) -> None:
    """
    Check that a message has no reserved word in it.

    Raises:
        Failed: Names the word.
    """
    if isinstance(message, Status):
        expect(message.state not in STATES, f"a status of {message.instrument} is {message.state}, which is reserved")
    elif isinstance(message, Execution):
        expect(message.event not in EVENTS, f"an execution's event is {message.event}, which is reserved")
    elif isinstance(message, Goodbye):
        check_code_is_of_today(message.code)


def check_code_is_of_today(code: int) -> None:
    """
    Check that a close code is not reserved.

    Raises:
        Failed: Names the code.
    """
    expect(code not in CLOSE_CODES, f"close code {code} is reserved, not sent today")
