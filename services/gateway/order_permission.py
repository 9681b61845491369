"""Who may enter orders, and in which instruments: the roles and the entitlement of a token.

Owns what is asked of an order before it becomes a command. Cancels are everybody's.
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.types import Code
from services.gateway.quote_request import QuoteRequest
from services.gateway.requests import NewOrder, OrderRequest, Replace
from services.gateway.roles import check_role
from shared.entitlement import covers
from shared.identity import Identity

TRADERS: Final = ("trader", "market_maker")


def may_trade(identity: Identity, *, without_roles: bool) -> bool:
    """Tell whether a user may enter orders; `without_roles`: whether one may whose token does not say its roles."""
    return not identity.roles.isdisjoint(TRADERS) or (without_roles and not identity.names_roles)


def check_order(identity: Identity, request: OrderRequest, *, without_roles: bool) -> None:
    """
    Return if a user may do what a request asks; cancels everybody may.

    Raises:
        InvalidRequest: `not_permitted`; or `unknown_instrument` for one that the user is not entitled to: that there is
            one is not the user's to know.
    """
    match request:
        case NewOrder():
            symbols = [request.instrument]
        case QuoteRequest():
            symbols = [pair.instrument for pair in request.pairs]
        case Replace():
            symbols = []
        case _:
            return
    if not may_trade(identity, without_roles=without_roles):
        check_role(identity, request, TRADERS, "enter orders")
    for symbol in symbols:
        if not covers(identity.instruments, symbol):
            raise InvalidRequest(Code.UNKNOWN_INSTRUMENT, f"instrument: there is no {symbol}", request.id)
