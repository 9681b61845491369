"""The instruments of a market that nobody has configured: ten, so that every command works out of the box."""

from __future__ import annotations

from typing import Final

from shared.instrument import Instrument


def _call(strike: int, expiry: str) -> Instrument:
    terms = {"underlying": "ACME", "right": "call", "strike": strike * 100, "expiry": expiry}
    return Instrument(
        symbol=f"ACME-C{strike}-{expiry[2:4]}{expiry[5:7]}",
        kind="option",
        name=f"ACME call, {strike} USD, {expiry}",
        option=terms,
    )


DEFAULT_LISTING: Final = (
    Instrument("ACME", "share", "ACME common stock"),
    _call(90, "2027-03-19"),
    _call(100, "2027-03-19"),
    _call(110, "2027-03-19"),
    _call(100, "2027-09-17"),
    Instrument("ACME-RSU27", "internal", "Restricted stock units vesting 2027"),
    Instrument("ACME-RSU28", "internal", "Restricted stock units vesting 2028"),
    Instrument("GPU-HOUR", "internal", "One hour of the company's GPU cluster"),
    Instrument("DESK-HQ", "internal", "A desk at headquarters for one month"),
    Instrument("SHIP-Q1", "internal", "Pays 100 if the release ships in the first quarter", price_max=10_000),
)
