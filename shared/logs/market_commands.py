"""Commands of the market's administration: accounts, transfers, limits, groups, terms.

Every one names its `actor`, who answers for it. What they hold is checked by the engine, which says why it refuses one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.types import TransferKind

NOTE_MAX: Final = 200
"""Characters of a free text."""
GROUPS_OF_USER_MAX: Final = 32
"""Groups that one user is in."""


class Limits(NamedTuple):
    """What a user may do; None: no limit from here. Of all that concern an order the strictest counts."""

    order_quantity_max: int | None = None
    """Lots of one order."""
    order_value_max: int | None = None
    """Value of one order at its limit, in millionths of the instrument's currency."""
    collar_bp: int | None = None
    """How far a price may be from the reference price, in basis points, 1 to 9,999."""
    open_orders_max: int | None = None
    """Resting orders; of limits that name an instrument: in this one."""
    position_max: int | None = None
    """Lots held and lots of open bids together, of one instrument."""
    messages_per_second: int | None = None
    """Orders and replaces in all instruments, by the log's time, a second's worth at once; cancels are free."""
    may_short: int | None = None
    """Lots that may be sold beyond those held; none without."""


class BeginAccounts(NamedTuple):
    """From now on orders need the money or the lots that they promise. Only before anybody is known to the market."""

    source: str
    number: int
    actor: str
    four_eyes: bool = True
    """Whether what one administrator proposes needs another one's consent; never changed afterwards."""


class MakeTransfer(NamedTuple):
    """Move lots or money from one account to another. The same again changes nothing."""

    source: str
    number: int
    actor: str
    transfer_id: str
    """In the form of a client_order_id; the last TRANSFER_IDS_MAX are remembered."""
    kind: TransferKind
    asset: str
    """A listed symbol, or the currency of a listed instrument."""
    debit: str
    """The user, or system account, that it leaves."""
    credit: str
    """The user, or system account, that it reaches."""
    amount: int
    """Lots, or millionths, from 1."""
    available_from: int
    """µs; lots cannot be sold before. 0: at once."""
    note: str
    """Up to NOTE_MAX characters for people."""
    cancel_orders: bool
    """End the debited user's newest orders until it fits, rather than be refused."""


class SetLimits(NamedTuple):
    """Set all limits of a user, of a group (user ""), or of everybody (both ""), in one instrument or (None) in all."""

    source: str
    number: int
    actor: str
    user: str
    group: str
    instrument: str | None
    limits: Limits


class SetGroups(NamedTuple):
    """Say which groups a user is in."""

    source: str
    number: int
    actor: str
    user: str
    groups: tuple[str, ...]
    """At most GROUPS_OF_USER_MAX."""


class EndOrders(NamedTuple):
    """End all of a user's resting orders, of one instrument or (None) of all, on the exchange's behalf."""

    source: str
    number: int
    actor: str
    user: str
    instrument: str | None


class SetTerms(NamedTuple):
    """Set what an instrument's orders are judged by, apart from its definition."""

    source: str
    number: int
    actor: str
    instrument: str
    reference: int
    """Price in ticks that counts until the first trade; 0: none."""
    collar_bp: int
    """Of everybody, in basis points, 1 to 9,999; 0: none."""
    tick_table: tuple[tuple[int, int], ...] = ()
    """(from, step), and the other fields, as `openoutcry.wire.messages.Terms` has them."""
    band_bp: int = 0
    static_bp: int = 0
    band_ticks_min: int = 0
    volatility_s: int = 0
    extension_s: int = 0
    random_end_s: int = 0
    reopening_s: int = 0
    batch_ms: int = 0
    calendar: str = ""
