"""Wrong types and ranges are told apart from messages, each named by its field."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.message_shape import check_message
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.messages import Message
from vectors import MESSAGES


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("delta", {"seq": "13"}, "seq"),
        ("delta", {"seq": -1}, "seq"),
        ("delta", {"seq": True}, "seq"),
        ("delta", {"instrument": None}, "instrument"),
        ("delta", {"bids": [[1]]}, "bids"),
        ("delta", {"bids": [[1, -1]]}, "bids"),
        ("delta", {"bids": [[0, 1]]}, "bids"),
        ("delta", {"asks": [[1, 1.5]]}, "asks"),
        ("delta", {"asks": {}}, "asks"),
        ("snapshot", {"bids": [[1, 0, 1]]}, "bids"),
        ("welcome", {"heartbeat_ms": 0}, "heartbeat_ms"),
        ("heartbeat", {"books": {"ACME": "x"}}, "books"),
        ("heartbeat", {"books": {1: 1}}, "books"),
        ("account", {"positions": {"ACME": None}}, "positions"),
        ("account", {"orders": [[1]]}, "orders"),
        ("goodbye", {"reconnect_in_ms": -5}, "reconnect_in_ms"),
        ("execution, filled", {"user_seq": 0}, "user_seq"),
        ("instrument, share", {"tick_size": "NaN"}, "tick_size"),
        ("instrument, share", {"tick_size": 0.01}, "tick_size"),
        ("reply, refused", {"ok": 1}, "ok"),
        ("status of an instrument", {"instrument": 3}, "instrument"),
        ("delta", {"seq": 2**53}, "seq"),
        ("delta", {"bids": [[1, 2**32]]}, "bids"),  # the digest takes it for 0
        ("delta", {"bids": [[2**31, 1]]}, "bids"),
        ("trade", {"aggressor_side": "buy"}, "aggressor_side"),
        ("execution, filled", {"side": "buy"}, "side"),  # else a fill of neither side would be a sale
        ("account", {"cash": {"USD": f"{'9' * 5_000}.000000"}}, "cash"),
        ("instrument, share", {"tick_size": "0.00"}, "tick_size"),
    ],
)
def test_a_wrong_field_is_named(name: str, changes: dict[str, Any], field: str) -> None:
    message = as_decoded(MESSAGES[name])._replace(**changes)
    with pytest.raises(MalformedMessage, match=field):
        check_message(message)


def test_a_side_of_an_open_order_is_bid_or_ask() -> None:
    account = as_decoded(MESSAGES["account"])
    with pytest.raises(MalformedMessage, match="orders"):
        check_message(account._replace(orders=[account.orders[0]._replace(side="buy")]))


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_example_is_right(name: str) -> None:
    message = as_decoded(MESSAGES[name])
    assert check_message(message) is message


def as_decoded(message: Message) -> Any:
    """Levels come as lists from the wire."""
    levels = {name: list(map(list, getattr(message, name))) for name in ("bids", "asks") if name in message._fields}
    return message._replace(**levels)  # type: ignore[arg-type]
