"""Errors of the client. All are `OpenOutcryError`s of `openoutcry.wire.errors`.

OpenOutcryError
├── RequestRefused          the server, or a limit of ours, said no; carries code and sentence
│   └── OrderRefused        so to an order, or to what should become of one
├── OutcomeUnknown          an order request whose answer was lost; may be repeated
├── Disconnected            not connected, or closed for good; carries the close code
├── InvalidArgument         (wire) what you gave cannot be, such as a price of 99.9; nothing was sent
├── ConfigurationError      (wire) a setting or a file is wrong; the text says which and what to do
├── ProtocolError           (wire) the server broke the protocol; the client reconnects by itself
│   ├── MalformedMessage    (wire) bytes that are no message of it
│   └── InvalidRequest      (wire) a request that its rules refuse
└── TokenFailed             (aio.token_source) your token function gave none; the client asks it again
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.errors import OpenOutcryError

ORDER_OPS: Final = ("order", "cancel", "replace", "cancel_all", "cancel_on_disconnect", "quote", "exercise")
"""Requests that change what may trade."""
REPEATABLE_OPS: Final = (*ORDER_OPS, "admin", "confirm", "withdraw")
"""Requests whose answer may be lost when they have been carried out: `OutcomeUnknown` then."""


class Disconnected(OpenOutcryError):
    """
    The client's connection ended.

    Args:
        code: WebSocket close code, 1006 when there was none.
        reason: The peer's words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"disconnected with {code}: {reason or 'no reason given'}")
        self.code = code
        self.reason = reason


class RequestRefused(OpenOutcryError):
    """
    A request was refused, and nothing came of it.

    Args:
        code: A `openoutcry.wire.types.Code`, as the server gave it.
        text: One sentence naming field, rule and limit.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class OrderRefused(RequestRefused):
    """
    An order, or what should become of one, was refused: nothing came of it.

    Args:
        code: A `Code`, as the server gave it: `busy` and `rate_limited` may be tried again in a moment,
            `duplicate_order` says that the first order of this `client_order_id` counts.
        text: One sentence naming field, rule and limit.
        op: `order`, `cancel`, `replace`, `cancel_all`, `cancel_on_disconnect`, `quote` or `exercise`.
        client_order_id: The order's, None where the request named none.
        order_id: The order that it concerns, None if there is none: for `duplicate_order` the first one.
    """

    def __init__(
        self, code: str, text: str, op: str, client_order_id: str | None = None, order_id: int | None = None
    ) -> None:
        super().__init__(code, text)
        self.op = op
        self.client_order_id = client_order_id
        self.order_id = order_id


class OutcomeUnknown(OpenOutcryError):
    """
    An order request was on its way when its answer was lost: it may have been carried out, or not.

    Repeating an `order` with the same `client_order_id` is safe for ten minutes at least: the exchange refuses the
    second as `duplicate_order`, with the first one's `order_id`, so it cannot trade twice. Cancelling twice is harmless
    too. The account shows which it was.

    Args:
        op: `order`, `cancel`, `replace`, `cancel_all`, `cancel_on_disconnect`; `quote`, `exercise`, `admin` or
            `confirm`, which may be repeated with the same `quote_id`, `exercise_id` or `proposal_id`.
        client_order_id: The order's, None where the request named none.
        reason: Why the answer was lost.
    """

    def __init__(self, op: str, client_order_id: str | None, reason: str) -> None:
        advice = f"; repeating it with client_order_id {client_order_id!r} is safe" if client_order_id else ""
        super().__init__(f"outcome of {op} unknown: {reason}{advice}")
        self.op = op
        self.client_order_id = client_order_id
        self.reason = reason


def refusal(op: str, code: str, text: str, client_order_id: str | None, order_id: int | None = None) -> RequestRefused:
    """Return the error for a refused request of any kind."""
    if op in ORDER_OPS:
        return OrderRefused(code, text, op, client_order_id, order_id)
    return RequestRefused(code, text)
