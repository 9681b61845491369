"""What the protocol names and keeps for later: a server of today that sends it breaks the document.

Every message that any check hears is looked at, so that the whole run is the proof.
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Execution, Goodbye, Message
from openoutcry.wire.types import ExecutionEvent
from outcry.conformance.expectation import expect

EVENTS: Final[tuple[ExecutionEvent, ...]] = ()
CLOSE_CODES: Final = (CloseCode.FEED_LOST,)


def check_message_is_of_today(message: Message) -> None:
    """
    Check that a message has no reserved word in it.

    Raises:
        Failed: Names the word.
    """
    if isinstance(message, Execution):
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
