"""Random special orders: stops, orders that end by themselves, orders with a minimum, and such as break a rule."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import PlaceSpecial
from tests.property.weights import weighted

PRICES = st.integers(95, 105)
QUANTITIES = st.integers(1, 12)
_NONE = st.just(0)
_WAITING = st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK])
_LASTING = st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.DAY])


def special_orders(users: Any, symbols: Any, names: Any, ends: Any, prices: Any = PRICES) -> st.SearchStrategy[Any]:
    """
    Return rows of `PlaceSpecial`.

    Args:
        users: Whose.
        symbols: Of what.
        names: Client order ids.
        ends: Moments at which orders end, µs.
        prices: Of limits and triggers.
    """
    limit, market = st.just(OrderKind.LIMIT), st.just(OrderKind.MARKET)

    def row(kind: Any, price: Any, times: Any, *special: Any) -> Any:
        order = (users, symbols, names, st.sampled_from(Side), kind, price, QUANTITIES, times, st.just(False))
        fields = st.tuples(*order, st.sampled_from(SelfTradePrevention), *special)
        return fields.map(lambda fields: (PlaceSpecial, fields))

    no_end = (_NONE, st.just(""))
    return weighted(
        (6, row(limit, prices, _WAITING, prices, _NONE, *no_end, _NONE, st.just(""))),
        (2, row(market, _NONE, _WAITING, prices, st.sampled_from([0, 100, 2_000]), *no_end, _NONE, st.just(""))),
        (3, row(limit, prices, st.just(TimeInForce.GTD), _NONE, _NONE, ends, st.just(""), _NONE, st.just(""))),
        (2, row(limit, prices, st.just(TimeInForce.GTD), prices, _NONE, ends, st.just(""), _NONE, st.just(""))),
        (3, row(limit, prices, _LASTING, _NONE, _NONE, *no_end, st.integers(1, 8), st.just(""))),
        (1, row(limit, prices, st.just(TimeInForce.DAY), _NONE, _NONE, *no_end, _NONE, st.just(""))),
        (
            1,
            row(
                st.sampled_from(OrderKind),
                prices | _NONE,
                st.sampled_from(TimeInForce),
                st.integers(-1, 210),
                st.integers(-1, 2),
                st.integers(-1, 10**8),
                st.sampled_from(["", "1970-01-01", "1970-1-1", "2026-10-23"]),
                st.integers(-1, 13),
                st.just("C-1"),
            ),
        ),
    )
