"""The request of market makers: a quote for many instruments, its form, its command and what its reply holds.

Owns who may quote. What of a quote can stand is the engine's to say, pair by pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

from openoutcry.wire.quoted_pair import PAIRS_MAX, QuotedPair
from openoutcry.wire.types import PRICE_MAX, QUANTITY_MAX
from services.gateway.request_rules import RequestForm, Symbol
from services.gateway.roles import check_role
from shared.identity import Identity
from shared.logs.events import Outcome, PairsRefused
from shared.logs.mass_quote import MassQuote

MARKET_MAKERS: Final = ("market_maker",)
TicksOrNone: TypeAlias = Annotated[StrictInt, Field(ge=0, le=PRICE_MAX)]
LotsOrNone: TypeAlias = Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)]


class PairForm(BaseModel):
    """Both sides of one instrument; a side without lots is withdrawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instrument: Symbol
    bid: TicksOrNone = 0
    bid_quantity: LotsOrNone = 0
    ask: TicksOrNone = 0
    ask_quantity: LotsOrNone = 0


class QuoteRequest(RequestForm):
    """Quote both sides of 1 to 15 instruments; each pair takes the place of the one before; for market makers."""

    op: Literal["quote"]
    quote_id: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._:-]{1,32}$")]
    """The user's own name for it; unique as a client_order_id is, and among these."""
    pairs: Annotated[list[PairForm], Field(min_length=1, max_length=PAIRS_MAX)]
    """Of different instruments."""

    @model_validator(mode="after")
    def _different(self) -> QuoteRequest:
        symbols = [pair.instrument for pair in self.pairs]
        for place, symbol in enumerate(symbols):
            if symbol in symbols[:place]:
                raise ValueError(f"pairs.{place}.instrument: {symbol} stands twice")
        return self


def quote_fault(pairs: object) -> str:
    """Return what is wrong with pairs at first sight, "" if nothing; see `requests`. O(pairs)."""
    if not isinstance(pairs, list):
        return ""
    if len(pairs) > PAIRS_MAX:
        return f"pairs: may have {PAIRS_MAX} entries, this has {len(pairs)}"
    wide = [place for place, pair in enumerate(pairs) if isinstance(pair, dict) and len(pair) > len(QuotedPair._fields)]
    return f"pairs.{wide[0]}: has fields that a pair does not have" if wide else ""


def quote_command(source: str, number: int, identity: Identity, request: QuoteRequest) -> MassQuote:
    """
    Return the command of a quote.

    Raises:
        InvalidRequest: `not_permitted`.
    """
    check_role(identity, request, MARKET_MAKERS, "quote")
    pairs = tuple(
        QuotedPair(pair.instrument, pair.bid, pair.bid_quantity, pair.ask, pair.ask_quantity) for pair in request.pairs
    )
    return MassQuote(source, number, identity.user, request.quote_id, pairs)


def quote_data(outcome: Outcome, told: Iterable[Any]) -> dict[str, Any]:
    """Return the data of a reply: pairs that were refused, by number; `told` is what the packet says of commands."""
    for each in told:
        if isinstance(each, PairsRefused) and (each.source, each.number) == (outcome.source, outcome.number):
            return {"refused": {str(place): text for place, text in each.refused}}
    return {"refused": {}}
