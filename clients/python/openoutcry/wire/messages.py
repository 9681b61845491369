"""Messages from server to client.

A message *is* its fields in order: in msgpack the array `[type, field, …]`, in JSON an object with `"type"` and the
field names. Fields are only ever added at the end, and receivers ignore what they do not know. Source of truth for
docs/protocol.md. Times are µs since 1970 UTC; prices ticks; quantities lots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    NoSide,
    OrderKind,
    Phase,
    Side,
    TimeInForce,
    TransferKind,
)

Level: TypeAlias = Sequence[int]
"""A price level: [price, quantity] in deltas, where quantity 0 removes; [price, quantity, orders] in snapshots."""


class Welcome(NamedTuple):
    """First message on every connection, once its user is known."""

    version: int
    session: str
    """Names this connection in logs."""
    user: str
    server_time: int
    heartbeat_ms: int
    limits: Mapping[str, int]


class Reply(NamedTuple):
    """The answer to one request; every request gets exactly one."""

    id: int | str | None
    """The request's id; None if it could not be read."""
    ok: bool
    code: str
    """A `Code`; empty when ok."""
    text: str
    """One sentence for people; names field, rule and limit of a refusal."""
    data: Mapping[str, Any]


class Snapshot(NamedTuple):
    """A whole book, or its best `depth` levels. Replaces what the client holds."""

    instrument: str
    epoch: int
    seq: int
    time: int
    depth: int
    bids: Sequence[Level]
    """[price, quantity, orders], best first."""
    asks: Sequence[Level]
    """[price, quantity, orders], best first."""
    digest: int


class Delta(NamedTuple):
    """All changes of a book after `prev_seq` up to `seq`, merged: absolute quantities, 0 removes."""

    instrument: str
    prev_seq: int
    seq: int
    time: int
    depth: int
    bids: Sequence[Level]
    """[price, quantity], in no particular order."""
    asks: Sequence[Level]
    """[price, quantity], in no particular order."""
    digest: int
    """Of the whole book (or window) after this delta."""


class Trade(NamedTuple):
    """Two orders met."""

    instrument: str
    seq: int
    """The book's seq that includes this trade."""
    trade_id: int
    """Contiguous per instrument, from 1."""
    time: int
    price: int
    quantity: int
    aggressor_side: Side | NoSide
    """The side of the order that arrived; `none` in an auction, where both waited."""


class Ticker(NamedTuple):
    """Best prices and statistics since the instrument was listed. Prices and quantities are 0 where there is none."""

    instrument: str
    seq: int
    time: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int
    last: int
    open: int
    high: int
    low: int
    volume: int


class Status(NamedTuple):
    """The state of an instrument, or (None) of this gateway's feed."""

    instrument: str | None
    state: MarketState
    reason: str
    time: int
    phase: Phase = Phase.NONE
    """Of an instrument with sessions."""
    until: int = 0
    """When the phase ends at the earliest, µs; 0: not known."""


class Heartbeat(NamedTuple):
    """Sent every `heartbeat_ms`: nothing is missing up to these numbers."""

    server_time: int
    books: Mapping[str, int]
    """Instrument to the last seq *sent* on this connection, for its subscribed books."""


class OpenOrder(NamedTuple):
    """An order that may still trade, as it stands in an `account` message."""

    order_id: int
    client_order_id: str
    instrument: str
    side: Side
    kind: OrderKind
    time_in_force: TimeInForce
    price: int
    quantity: int
    """Total, filled part included."""
    remaining: int
    trigger: int = 0
    """Price in ticks that a stop waits for: it is in no book yet. 0: the order waits for none, or no longer."""
    expires_at: int = 0
    """When the order ends by itself at the latest, µs; 0: at no moment that is known today."""
    expires_on: str = ""
    """The last trading day that the order may stand on, as YYYY-MM-DD; empty: none was named."""


class Account(NamedTuple):
    """A user's private state after execution `user_seq`; later executions build on it."""

    user_seq: int
    orders: Sequence[OpenOrder]
    positions: Mapping[str, int]
    """Instrument to net lots; negative is short."""
    cash: Mapping[str, str]
    """Currency to the net of all trades, as decimal text of six places: exact, where a number of JSON would round."""
    cancel_on_disconnect: bool = False
    """Whether the user's orders are cancelled when the user stays away."""
    holdings: Mapping[str, Sequence[Any]] | None = None
    """Instrument to [lots, reserved, restricted, cost]: lots held; lots of open asks; [until, lots, why] of each part
    that cannot be sold before `until` (µs), ascending; and what all of them cost, as decimal text of six places.
    None, as the next two: the exchange keeps no accounts, so orders need neither money nor lots."""
    reserved: Mapping[str, str] | None = None
    """Currency to what open bids may still cost, as decimal text of six places."""
    result: Mapping[str, str] | None = None
    """Currency to the realised result of all sales, as decimal text of six places."""


class Execution(NamedTuple):
    """Something happened to one of the user's orders."""

    user_seq: int
    """Contiguous per user, from 1, over executions and transfers."""
    event: ExecutionEvent
    time: int
    order_id: int
    """0 for an order that was rejected."""
    client_order_id: str
    instrument: str
    side: Side
    kind: OrderKind
    time_in_force: TimeInForce
    price: int
    quantity: int
    remaining: int
    """What may still trade after this event; 0 ends the order."""
    fill_price: int
    """0 unless the event is `filled`, like the next two."""
    fill_quantity: int
    trade_id: int
    liquidity: Liquidity
    reason: Code
    trigger: int = 0
    """As in an open order, after this event."""
    expires_at: int = 0
    """As in an open order."""
    expires_on: str = ""
    """As in an open order."""
    held_until: int = 0
    """Lots bought by this fill cannot be sold before, µs; 0: at once. Why is `holding_period`, in holdings."""

    def __repr__(self) -> str:  # the engine's own may lack the last fields, which the tuple's would not survive
        told = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=False))
        return f"Execution({told})"


PLAIN_EXECUTION: Final = Execution._fields.index("trigger")
"""Fields of the execution of an order that is not special, of which nothing is held back. The engine makes no more of
them, and readers add the rest, so that such an execution costs and weighs what it did before there were others."""
PLAIN_ORDER: Final = OpenOrder._fields.index("trigger")
"""The same of an open order."""
NOTHING_SPECIAL: Final = (0, 0, "")
"""What readers add to an open order."""
PLAIN_END: Final = (*NOTHING_SPECIAL, 0)
"""What readers add to an execution."""


class Transfer(NamedTuple):
    """Lots or money came or went without a trade. Numbered with the executions."""

    user_seq: int
    """Contiguous per user, over executions and transfers."""
    time: int
    transfer_id: str
    kind: TransferKind
    asset: str
    """An instrument's symbol, or a currency."""
    amount: str
    """What came, or (negative) went: lots as a whole number, money as decimal text of six places."""
    balance: str
    """What the account holds of it now, as `amount`."""
    available_from: int
    """Lots that came cannot be sold before, µs; 0: at once."""


class Terms(NamedTuple):
    """What orders of an instrument are judged by beside its definition; sent with the listing and when it changes."""

    instrument: str
    time: int
    """Of the command that set them, µs."""
    reference: int
    """Price in ticks that counts until the first trade; 0: none."""
    collar_bp: int
    """How far from the reference price an order's price may be, in basis points; 0: as far as it likes."""
    tick_table: Sequence[Sequence[int]] = ()
    """[from, step], ascending, the first from 1: a price is a multiple of the step of the greatest `from` that is not
    above it, in ticks. Empty: every tick is a price."""
    band_bp: int = 0
    """How far from the last trade a price may be traded continuously, in basis points; 0: as far as it likes."""
    static_bp: int = 0
    """How far from the last auction's price, or else the last closing price; 0: as far as it likes."""
    band_ticks_min: int = 0
    """Ticks that both allow each way at least."""
    volatility_s: int = 0
    """Length of the call that begins instead of a trade beyond them, in seconds."""
    extension_s: int = 0
    """How much longer it is, once, if its price would be beyond them."""
    random_end_s: int = 0
    """A call ends at a moment that nobody knows, so many seconds after its earliest end at most."""
    reopening_s: int = 0
    """Length of the call with which a halt ends; 0: it ends at once."""
    batch_ms: int = 0
    """Time between two auctions of the batch phase, in milliseconds; 0: it has none."""
    calendar: str = ""
    """Name of the calendar whose schedule it follows; "": it has no sessions."""


class Auction(NamedTuple):
    """What an instrument's call would come to if it ended now; once more, with no kind, when it has ended."""

    instrument: str
    seq: int
    """The book's seq that it is of."""
    time: int
    """Of the command that changed it, µs."""
    auction_id: int
    """Contiguous per instrument, from 1."""
    kind: Phase
    """The phase that the call is; "": it has ended."""
    price: int
    """Ticks; 0: nothing would trade, or so many orders cross that it is not computed."""
    volume: int
    """Lots that would trade."""
    surplus: int
    """Lots that would be left over at the price: above 0 bids, below 0 asks."""
    until: int
    """When the call ends at the earliest, µs; 0: not known."""


class Goodbye(NamedTuple):
    """The server is about to close this connection."""

    code: int
    """The close code that will follow."""
    text: str
    reconnect_in_ms: int
    """This client's own slot: reconnect after this long."""


Message: TypeAlias = (
    Welcome
    | Reply
    | Snapshot
    | Delta
    | Trade
    | Ticker
    | Status
    | Heartbeat
    | Account
    | Execution
    | Goodbye
    | Instrument
    | Transfer
    | Terms
    | Auction
)

MESSAGE_TYPES: Final[dict[int, type[Any]]] = {
    1: Welcome,
    2: Reply,
    3: Snapshot,
    4: Delta,
    5: Trade,
    6: Ticker,
    7: Status,
    8: Heartbeat,
    9: Account,
    10: Execution,
    11: Goodbye,
    12: Instrument,
    13: Transfer,
    14: Auction,
    15: Terms,
}
TYPE_CODES: Final[dict[type[Any], int]] = {kind: code for code, kind in MESSAGE_TYPES.items()}
TYPE_NAMES: Final[dict[type[Any], str]] = {kind: kind.__name__.lower() for kind in TYPE_CODES}
