"""The vocabulary: integer values and closed sets of names.

Owns the names that appear in the command log, the feed and the client protocol. Enumerations are strings, and the
same strings in every encoding, so that a log can be read by eye.
"""

from __future__ import annotations

import enum
from typing import Final

PRICE_MAX: Final = 2**31 - 1
"""Highest price in ticks: with one bit for the side it still fits the digest's 32-bit key."""
QUANTITY_MAX: Final = 2**31 - 1
"""Highest quantity of one order in lots."""
LEVEL_QUANTITY_MAX: Final = 2**32 - 1
"""Highest quantity of all orders at one price together, in lots: as much as the digest distinguishes."""
AMOUNT_MAX: Final = 2**63 - 1
"""Highest amount of an account, in millionths of a currency or in lots, and of all accounts together."""
BANK: Final = "~bank"
"""The account of all money outside: what was deposited is missing there. No user's name begins with `~`."""
ISSUER: Final = "~issuer"
"""The account that lots come from: what was granted is missing there."""
EPOCH_MAX: Final = 2**53 - 1
"""Highest epoch: every language's numbers hold it exactly, JavaScript's included."""
DEPTHS: Final = (0, 5, 10, 20, 50)
"""Book depths that a client may subscribe to, in levels a side; 0 is the whole book."""
INTERVALS_MS: Final = (0, 50, 100, 250, 1000)
"""Shortest times between two updates that a client may ask for, in ms; 0 is the gateway's pace."""


class Side(enum.StrEnum):
    """Which half of the book."""

    BID = "bid"
    ASK = "ask"

    @property
    def opposite(self) -> Side:
        """The side that this one trades with."""
        return Side.ASK if self is Side.BID else Side.BID


class NoSide(enum.StrEnum):
    """In place of a side, where there is none."""

    NONE = "none"


class OrderKind(enum.StrEnum):
    """Whether an order names its worst price."""

    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(enum.StrEnum):
    """How long an order may wait."""

    GTC = "gtc"
    """Good till cancelled: what is not filled at once rests in the book."""
    IOC = "ioc"
    """Immediate or cancel: what is not filled at once is cancelled. Market orders always are."""
    FOK = "fok"
    """Fill or kill: filled whole at once, or cancelled whole."""
    DAY = "day"
    """Until the instrument closes for the day."""
    GTD = "gtd"
    """Until the time or the date that the order names."""
    AUCTION = "auction"
    """Only in a call: what its auction does not fill is cancelled."""
    QUOTE = "quote"
    """A side of a quote: it rests until the market closes, or its user is away. Only quotes bring it."""


class SelfTradePrevention(enum.StrEnum):
    """What happens when an order meets one of the same user's; they never trade."""

    CANCEL_NEWEST = "cancel_newest"
    """The arriving order's remainder is cancelled."""
    CANCEL_OLDEST = "cancel_oldest"
    """The resting order is cancelled and the arriving one goes on."""
    CANCEL_BOTH = "cancel_both"
    """Both are cancelled."""


class MarketState(enum.StrEnum):
    """States that a `status` message names."""

    OPEN = "open"
    HALTED = "halted"
    CLOSED = "closed"
    AUCTION = "auction"
    STALE = "stale"
    """The gateway hears nothing from the exchange: books may be old."""
    RESYNCING = "resyncing"
    """The gateway lost its place in the feed and is reloading."""
    DELISTED = "delisted"
    """A new epoch does not list the instrument: what was followed of it has ended."""


class Phase(enum.StrEnum):
    """Parts of an instrument's day. All but CLOSED and CONTINUOUS are calls: orders are gathered, nothing trades."""

    NONE = ""
    """The instrument has no sessions, and trades continuously while it is open."""
    CLOSED = "closed"
    OPENING = "opening"
    CLOSING = "closing"
    VOLATILITY = "volatility"
    """A trade would have been too far from those before."""
    REOPENING = "reopening"
    """After a halt."""
    SINGLE = "single"
    """The only call of its day."""
    BATCH = "batch"
    """Instead of continuous trading: an auction several times a second, if the book is crossed."""
    CONTINUOUS = "continuous"


class ExecutionEvent(enum.StrEnum):
    """What happened to an order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    EXPIRED = "expired"
    TRIGGERED = "triggered"
    """A stop order has become an order like others."""


class TransferKind(enum.StrEnum):
    """Why lots or money move without a trade."""

    DEPOSIT = "deposit"
    """Money comes from outside."""
    WITHDRAWAL = "withdrawal"
    """Money leaves."""
    GRANT = "grant"
    """The company gives lots."""
    FORFEIT = "forfeit"
    """The company takes lots back, those that have not vested first."""
    EXERCISE = "exercise"
    """An option was exercised; the exchange makes these itself."""
    EXPIRY = "expiry"
    """An option expired; the exchange makes these itself."""
    CORRECTION = "correction"
    """A mistake is put right, between any two accounts."""


class ProposalState(enum.StrEnum):
    """What has become of a proposal."""

    PROPOSED = "proposed"
    """It waits for another administrator."""
    DONE = "done"
    """It was carried out."""
    EXPIRED = "expired"
    """Nobody confirmed it in time."""
    WITHDRAWN = "withdrawn"
    """Its proposer took it back."""
    NONE = ""
    """There is none."""


class Liquidity(enum.StrEnum):
    """The role of an order in a fill: makers rested, takers arrived."""

    MAKER = "maker"
    TAKER = "taker"
    AUCTION = "auction"
    """Both orders of a trade in an auction."""
    NONE = ""


class Code(enum.StrEnum):
    """Why something was refused or ended: `code` of a reply, `reason` of an execution."""

    OK = ""
    """Nothing was: the request was carried out, or the order stands."""
    # the request
    BAD_REQUEST = "bad_request"
    """A field is missing, unknown or of the wrong form; `text` names it."""
    UNKNOWN_OP = "unknown_op"
    """There is no such request."""
    TOO_LARGE = "too_large"
    """The request has more bytes than one may have."""
    RATE_LIMITED = "rate_limited"
    """Above the user's rate, or more orders than are remembered: wait."""
    NOT_AUTHENTICATED = "not_authenticated"
    """The first request was no login, or its token names nobody."""
    ALREADY_AUTHENTICATED = "already_authenticated"
    """The connection has its user."""
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    """The connection would follow more than one may."""
    NOT_SUBSCRIBED = "not_subscribed"
    """The connection does not follow what it wants to leave or resync."""
    BUSY = "busy"
    """Orders cannot be taken at present; this one was not: try again in a moment."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """No outcome was seen in time: the order may stand or not."""
    # the order
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    """No instrument of this symbol is listed."""
    NOT_OPEN = "not_open"
    """The instrument is halted, closed or in auction."""
    OFF_TICK = "off_tick"
    """The price is no whole number of ticks."""
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    """The price is below 1 or above the instrument's highest."""
    QUANTITY_OUT_OF_RANGE = "quantity_out_of_range"
    """The quantity is below 1 or above the instrument's highest."""
    DUPLICATE_ORDER = "duplicate_order"
    """This client_order_id was used before; the first order counts, and the reply's `order_id` names it."""
    UNKNOWN_ORDER = "unknown_order"
    """No open order of this user has this id: it never had, or was filled or cancelled."""
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    """The user has as many open orders as one may have."""
    ORDER_VALUE = "order_value"
    """The order is worth more than one order may be."""
    COLLAR = "collar"
    """The price is too far from the reference price."""
    POSITION_LIMIT = "position_limit"
    """Lots held and open bids together would be more than the user may have."""
    INSUFFICIENT_CASH = "insufficient_cash"
    """The order needs more money than is free: not reserved by open orders."""
    INSUFFICIENT_HOLDINGS = "insufficient_holdings"
    """The order needs more lots than are free: not reserved by open orders, and not held back."""
    TOO_MANY_HOLDINGS = "too_many_holdings"
    """The exchange keeps as many holdings as it may."""
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    """The amount is below 1, or an account would pass what amounts may be."""
    DUPLICATE_TRANSFER = "duplicate_transfer"
    """This transfer_id was used before, for another transfer."""
    WOULD_TRADE = "would_trade"
    """A post-only order would have traded on arrival."""
    WOULD_TRIGGER = "would_trigger"
    """A stop order's trigger has been reached already."""
    # the company's rules
    KILLED = "killed"
    """The trading of the user, its group, the instrument or the market is stopped. Open orders end with it."""
    BLACKOUT = "blackout"
    """The instrument is closed to a group of the user for some time. Open orders end with it."""
    RESTRICTED = "restricted"
    """The user cannot trade the instrument at present; compliance knows more. Open orders end with it."""
    WINDOW = "window"
    """The user may trade the instrument in its window only. Open orders end with it."""
    CLEARANCE_REQUIRED = "clearance_required"
    """The user's orders of the instrument need a clearance."""
    CLEARANCE_INVALID = "clearance_invalid"
    """The clearance that the order names does not allow it."""
    CLEARANCE_EXPIRED = "clearance_expired"
    """The clearance that the order named has ended, or was revoked."""
    HOLDING_PERIOD = "holding_period"
    """Lots that were bought cannot be sold yet."""
    SHORT_SWING = "short_swing"
    """The user traded the other side not long enough ago."""
    SELL_SHARE = "sell_share"
    """More than the share of the vested lots that may be sold in one window."""
    # the administration
    NOT_PERMITTED = "not_permitted"
    """The token's roles do not allow this request."""
    FOUR_EYES = "four_eyes"
    """Whoever proposed something cannot confirm it."""
    UNKNOWN_PROPOSAL = "unknown_proposal"
    """No proposal of this id waits, or is remembered."""
    PROPOSAL_EXPIRED = "proposal_expired"
    """Nobody confirmed it in time."""
    DUPLICATE_PROPOSAL = "duplicate_proposal"
    """This proposal_id was used before, for something else."""
    TOO_MANY_PROPOSALS = "too_many_proposals"
    """As many proposals wait for a second person as may."""
    # why an accepted order ended
    BY_USER = "by_user"
    """Its user cancelled it."""
    BY_EXCHANGE = "by_exchange"
    """The exchange's administration ended it."""
    NO_LIQUIDITY = "no_liquidity"
    """The rest of an IOC or market order, which may not wait."""
    NOT_FILLABLE = "not_fillable"
    """A FOK order could not be filled whole, or not by as many orders as one may meet."""
    TOO_MANY_MET = "too_many_met"
    """It met as many resting orders as one command may; the rest of it ended."""
    SELF_TRADE = "self_trade"
    """It met an order of the same user and had to give way."""
    REPLACED_BELOW_FILLED = "replaced_below_filled"
    """It was replaced by a total of no more than what had been filled."""
    DISCONNECTED = "disconnected"
    """Its user, with cancel-on-disconnect on, was away for longer than the grace."""
    EXPIRED = "expired"
    """Its time was over: of a day order, one good till a date, or one in an instrument that has expired."""
    VOLATILITY = "volatility"
    """It would have traded too far from the trades before, and may not wait for the auction that follows."""
