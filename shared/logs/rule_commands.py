"""Commands of a company's rules: who may trade what, and when; clearances; and the kill switch.

Like the market's other administration every one names its `actor`. What they hold is checked by the engine, which says
why it refuses one.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from openoutcry.wire.types import Side

RULE_GROUPS_MAX: Final = 64
"""Groups that one rule names."""
RULE_INSTRUMENTS_MAX: Final = 256
"""Instruments that one rule names."""


class RuleKind(enum.StrEnum):
    """What a rule forbids."""

    BLACKOUT = "blackout"
    """To trade, from its begin to its end."""
    RESTRICTED = "restricted"
    """The same of instruments that the company keeps a list of."""
    WINDOW = "window"
    """To trade at any other time than in one of the windows."""
    CLEARANCE = "clearance"
    """To trade without a clearance."""
    HOLDING_PERIOD = "holding_period"
    """To sell what was bought less than so many days ago."""
    SHORT_SWING = "short_swing"
    """To buy within so many days of a sale, or to sell within so many days of a purchase."""
    SELL_SHARE = "sell_share"
    """To sell more than a share of what has vested, while it is in force."""
    NONE = ""
    """There is no rule any more."""


class RuleParameters(NamedTuple):
    """What some kinds need; 0 for the others."""

    days: int = 0
    """Of a holding period, or a short swing; 1 to 366."""
    share_bp: int = 0
    """Of what has vested, in basis points, 1 to 10,000."""
    exercise: bool = False
    """Of a blackout, restriction or window: whether options cannot be exercised for shares either."""


class Rule(NamedTuple):
    """A rule, as it is set: it is changed only as a whole."""

    rule_id: str
    kind: RuleKind
    groups: tuple[str, ...]
    """Whom it concerns; none: everybody."""
    instruments: tuple[str, ...]
    """What it concerns; none: all."""
    from_us: int
    """It is in force from then on, µs; 0: at once."""
    until_us: int
    """It is in force before then, µs; 0: until it is changed."""
    parameters: RuleParameters
    discreet: bool
    """Whether whom it concerns is told neither its name nor its end: that there is one is inside information."""


class SetRule(NamedTuple):
    """Set a rule, all of it, or (kind NONE) remove it. A rule that begins ends the orders that it forbids."""

    source: str
    number: int
    actor: str
    rule_id: str
    """In the form of a group's name."""
    kind: RuleKind
    groups: tuple[str, ...]
    instruments: tuple[str, ...]
    from_us: int
    until_us: int
    parameters: RuleParameters
    discreet: bool


class SetKill(NamedTuple):
    """Stop a user, a group, an instrument or everybody from trading, or allow it again. Again it changes nothing."""

    source: str
    number: int
    actor: str
    scope: str
    """user, group, instrument or market."""
    name: str
    """Of the user, group or instrument; "" for the market."""
    on: bool
    reason: str
    """For administrators."""


class SetClearance(NamedTuple):
    """Allow one user to trade so many lots under rules that ask for a clearance, or (lots 0) no longer."""

    source: str
    number: int
    actor: str
    clearance_id: str
    """In the form of a client_order_id."""
    user: str
    instrument: str
    side: Side
    lots: int
    from_us: int
    """µs; 0: at once."""
    until_us: int
    """µs; its orders end just then."""
