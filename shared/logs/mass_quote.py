"""The command of market makers: both sides of many instruments at once."""

from __future__ import annotations

from typing import NamedTuple

from openoutcry.wire.quoted_pair import QuotedPair


class MassQuote(NamedTuple):
    """
    Quote up to PAIRS_MAX instruments; a pair takes the place of the user's pair in that instrument.

    A side that is as it stands changes nothing and keeps its place. One with fewer lots at the same price keeps it too.
    Every other arrives anew.
    """

    source: str
    number: int
    user: str
    quote_id: str
    """The user's own name for it, one of the names of the user's orders."""
    pairs: tuple[QuotedPair, ...]
    """1 to PAIRS_MAX, of different instruments."""
