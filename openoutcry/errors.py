"""Errors of the client. All are `shared.errors.OpenOutcryError`s.

OpenOutcryError
├── RequestRefused      the server, or a limit of ours, said no; carries code and sentence
├── OutcomeUnknown      an order request whose answer was lost; may be repeated
└── Disconnected        (shared) not connected, or closed for good; carries the close code
"""

from __future__ import annotations

from shared.errors import OpenOutcryError


class RequestRefused(OpenOutcryError):
    """
    A request was refused, and nothing came of it.

    Args:
        code: A `shared.types.Code`, as the server gave it.
        text: One sentence naming field, rule and limit.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class OutcomeUnknown(OpenOutcryError):
    """
    An order request was on its way when its answer was lost: it may have been carried out, or not.

    Repeating an `order` with the same `client_order_id` is safe for ten minutes at least: the exchange refuses the
    second as `duplicate_order`, with the first one's `order_id`, so it cannot trade twice. Cancelling twice is harmless
    too. The account tells which it was.

    Args:
        op: `order`, `cancel`, `replace`, `cancel_all` or `cancel_on_disconnect`.
        client_order_id: The order's, None where the request named none.
        reason: Why the answer was lost.
    """

    def __init__(self, op: str, client_order_id: str | None, reason: str) -> None:
        advice = f"; repeating it with client_order_id {client_order_id!r} is safe" if client_order_id else ""
        super().__init__(f"outcome of {op} unknown: {reason}{advice}")
        self.op = op
        self.client_order_id = client_order_id
        self.reason = reason
