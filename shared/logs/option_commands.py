"""Commands about options: their exercise, and the prices by which they settle."""

from __future__ import annotations

from typing import NamedTuple


class Exercise(NamedTuple):
    """Exercise lots of an option: money and shares change hands, both or neither. The same again changes nothing."""

    source: str
    number: int
    user: str
    exercise_id: str
    """The user's own name for it, in the form of a client_order_id; it names its transfers."""
    instrument: str
    """The option."""
    lots: int
    """From 1."""


class SetSettlementPrice(NamedTuple):
    """Set the price by which all options on an instrument settle that expire on a day, those that wait for it too."""

    source: str
    number: int
    actor: str
    instrument: str
    """The underlying."""
    day: str
    """As 2027-03-19."""
    price: int
    """Ticks of the underlying, from 1."""
