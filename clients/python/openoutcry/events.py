"""A feed session's events for its owner. Values only. What they name can be looked up in the session."""

from __future__ import annotations

import enum
from typing import NamedTuple, TypeAlias

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Execution, Goodbye, Reply, Status, Terms, Ticker, Trade, Transfer, Welcome


class StaleReason(enum.StrEnum):
    """Why the client cannot vouch for a book or an account at present."""

    LOADING = "loading"
    """The first snapshot has not come."""
    GAP = "gap"
    """Changes are missing."""
    CORRUPT = "corrupt"
    """The digest differs: what is held is wrong."""
    BEHIND = "behind"
    """A heartbeat names changes that have not come."""
    DISCONNECTED = "disconnected"
    """There is no connection, or the new one has not confirmed what is held."""
    FEED = "feed"
    """The gateway itself hears nothing from the exchange."""
    DELISTED = "delisted"
    """A new epoch does not list the instrument: this book has ended, and is followed no more."""
    UNFOLLOWED = "unfollowed"
    """It is followed no more, because you left it or the server refused it; it stays as it was."""


class Connected(NamedTuple):
    """The server knows the user; subscriptions are on their way."""

    welcome: Welcome


class ConnectionEnded(NamedTuple):
    """The connection is gone; every book is stale."""

    code: int
    """WebSocket close code, 1006 when there was none."""
    reason: str


class CloseRequired(NamedTuple):
    """The owner must close the connection: the peer is silent or breaks the protocol."""

    code: int
    reason: str


class GoodbyeReceived(NamedTuple):
    """The server will close the connection and says when to return."""

    goodbye: Goodbye


class BookChanged(NamedTuple):
    """A followed book is verified at a new position, or verified again."""

    instrument: str
    seq: int


class BookStale(NamedTuple):
    """A followed book can no longer be vouched for; it still holds what it held."""

    instrument: str
    reason: StaleReason


class SubscriptionAccepted(NamedTuple):
    """The server lets us follow this; said again after every reconnection."""

    channel: str
    instrument: str


class SubscriptionRefused(NamedTuple):
    """The server will not let us follow this, or has ended it with the instrument; it is forgotten."""

    channel: str
    instrument: str
    code: str
    text: str


class TradeSeen(NamedTuple):
    """A trade, each once and in order of its id."""

    trade: Trade


class TradesMissing(NamedTuple):
    """Trades that will not come: ids `first` to `last`, both included."""

    instrument: str
    first: int
    last: int


class TickerChanged(NamedTuple):
    """A new ticker."""

    ticker: Ticker


class AuctionChanged(NamedTuple):
    """What a call would come to if it ended now; with no kind once it has ended."""

    auction: Auction


class StatusChanged(NamedTuple):
    """The state of an instrument, or (instrument None) of the gateway's feed."""

    status: Status


class InstrumentListed(NamedTuple):
    """A definition, new or known."""

    instrument: Instrument


class TermsChanged(NamedTuple):
    """What orders of an instrument are judged by beside its definition, new or known."""

    terms: Terms


class AccountLoaded(NamedTuple):
    """The account is a fresh snapshot, after execution or transfer `user_seq`."""

    user_seq: int


class AccountStale(NamedTuple):
    """The account can no longer be vouched for."""

    reason: StaleReason


class ExecutionSeen(NamedTuple):
    """An execution, applied to the account; each once and in order."""

    execution: Execution


class TransferSeen(NamedTuple):
    """Lots or money that came or went without a trade, applied to the account; each once and in order."""

    transfer: Transfer


class ReplyReceived(NamedTuple):
    """The answer to a request of the owner's."""

    reply: Reply


class RequestLost(NamedTuple):
    """A request of the owner's whose answer will not come: the connection ended first."""

    request_id: int
    op: str


Event: TypeAlias = (
    Connected
    | ConnectionEnded
    | CloseRequired
    | GoodbyeReceived
    | BookChanged
    | BookStale
    | SubscriptionAccepted
    | SubscriptionRefused
    | TradeSeen
    | TradesMissing
    | TickerChanged
    | AuctionChanged
    | StatusChanged
    | InstrumentListed
    | TermsChanged
    | AccountLoaded
    | AccountStale
    | ExecutionSeen
    | TransferSeen
    | ReplyReceived
    | RequestLost
)
