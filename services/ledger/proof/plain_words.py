"""What a receipt and a head say, in words for the person who holds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from services.ledger.proof.head import Head
from services.ledger.proof.receipt import ProvenReceipt

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_WORDS: Final = {
    "accepted": "accepted: {quantity} lots{at_price}",
    "rejected": "rejected: {reason}",
    "filled": "filled {fill_quantity} lots at {fill_price} ticks{as_role}, trade {trade_id}; {remaining} remain",
    "cancelled": "cancelled{because}{left}",
    "replaced": "replaced: {quantity} lots{at_price}, {remaining} remain",
    "expired": "expired{because}{left}",
    "triggered": "triggered at {trigger} ticks: it is an order like others now",
}


def receipt_words(proven: ProvenReceipt) -> list[str]:
    """Return what a receipt proves, a line each."""
    first = _shown(proven.executions[0].fields)
    side = {"bid": "buy", "ask": "sell"}.get(first["side"], first["side"])
    count = len(proven.executions)
    order = f"Order {first['order_id']} of {first['user']} ({first['client_order_id']})"
    return [
        f"{order}: {side} {first['instrument']}, {first['kind']}, {first['time_in_force']}.",
        f"{_counted(count, 'execution')} in the record, each as it was signed:",
        *(
            f"  {utc(one.fields['time'])}  {execution_words(one.fields)}"
            f"  [history {one.fields['history']}, position {one.fields['position']}, block {one.block.number}]"
            for one in proven.executions
        ),
        f"The record: {head_words(proven.head)}",
        f"Signed by key {proven.key_id}. Nobody without the ledger's private key can have made this.",
        "Not proven: that these are all executions of the order, and that the clock was right.",
    ]


def execution_words(fields: Mapping[str, Any]) -> str:
    """Return what one execution says."""
    fields = _shown(fields)
    words = _WORDS.get(str(fields["event"]))
    if words is None:
        return f"{fields['event']}; {fields['remaining']} remain"
    more = {
        "at_price": f" at {fields['price']} ticks" if fields["price"] else "",
        "as_role": f" as {fields['liquidity']}" if fields["liquidity"] else "",
        "left": f"; {fields['remaining']} remain" if fields["remaining"] else "",
        "because": f" ({fields['reason']})" if fields["reason"] else "",
    }
    return words.format_map({**fields, **more})


def head_words(head: Head) -> str:
    """Return what a head says."""
    until = f"up to history {head.history}, position {head.position}, {utc(head.time)}"
    blocks = _counted(head.number, "block")
    return f"{printable(head.product)}, shard {head.shard}, {blocks}, {until}, chain {head.chain.hex()[:16]}…"


def printable(text: str) -> str:
    """Return a text without what a terminal obeys: who made the file chose it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def utc(time_us: int) -> str:
    """Return a time of the log; one that no calendar has as its number."""
    try:
        return (_EPOCH + dt.timedelta(microseconds=time_us)).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    except OverflowError:
        return f"{time_us} µs since 1970"


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: printable(value) if isinstance(value, str) else value for name, value in fields.items()}


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
