"""The instruments of a market that nobody has configured: ten, so that every command works out of the box.

A share in cents, options on 100 of it in steps of 0.05, and instruments of a company's own: units near the share's
price, hours in half cents, desks in steps of 5, and a bet that pays 100. `strike` is in ticks of the share.
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.instrument import Instrument


def _call(strike: int, expiry: str) -> Instrument:
    terms = {"underlying": "ACME", "right": "call", "strike": strike * 100, "expiry": expiry}
    return Instrument(
        symbol=f"ACME-C{strike}-{expiry[2:4]}{expiry[5:7]}",
        kind="option",
        name=f"ACME call, {strike} USD, {expiry}",
        tick_size="0.05",
        lot_size=100,
        option=terms,
    )


DEFAULT_LISTING: Final = (
    Instrument("ACME", "share", "ACME common stock"),
    _call(90, "2027-03-19"),
    _call(100, "2027-03-19"),
    _call(110, "2027-03-19"),
    _call(100, "2027-09-17"),
    Instrument("ACME-RSU27", "internal", "Restricted stock units vesting 2027", tick_size="0.05"),
    Instrument("ACME-RSU28", "internal", "Restricted stock units vesting 2028", tick_size="0.05"),
    Instrument("GPU-HOUR", "internal", "One hour of the company's GPU cluster", tick_size="0.005"),
    Instrument("DESK-HQ", "internal", "A desk at headquarters for one month", tick_size="5"),
    Instrument("SHIP-Q1", "internal", "Pays 100 if the release ships in the first quarter", price_max=10_000),
)
