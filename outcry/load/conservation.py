"""Does every amount that somebody has come from somebody else? The sum over all accounts, of each asset, is 0.

The exchange's own accounts, `~bank` and `~issuer`, are among them where it keeps accounts. There also what open orders
reserve is recomputed, and nobody may have reserved more than is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from openoutcry.wire.account import millionths, tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account
from openoutcry.wire.types import BANK, ISSUER, Side

COMPLAINTS_MAX: Final = 10
SYSTEM: Final = (BANK, ISSUER)
"""Accounts that owe what all others have."""


class Conservation(NamedTuple):
    """What came of adding up."""

    accounts: int
    assets: int
    """Currencies and instruments that somebody has some of, or owes."""
    complaints: list[str]
    """What is wrong with the first few assets and accounts; empty if nothing is."""
    keeps_accounts: bool
    """Whether orders need the money and the lots that they promise."""


def conserved(accounts: Mapping[str, Account], listing: Mapping[str, Instrument]) -> Conservation:
    """
    Add up all accounts of one moment; O(accounts, holdings and orders).

    Args:
        accounts: By user, the system's own among them.
        listing: Definitions by symbol.
    """
    sums: Counter[str] = Counter()
    complaints: list[str] = []
    for user, account in accounts.items():
        for symbol, lots in account.positions.items():
            sums[symbol] += lots
        for currency, text in account.cash.items():
            sums[currency] += millionths(text)
        if account.holdings is not None:
            complaints += [f"{user}: {complaint}" for complaint in _unkept(account, listing, user not in SYSTEM)]
    complaints += [f"{asset}: all accounts together have {amount}, not 0" for asset, amount in sums.items() if amount]
    keeps_accounts = any(account.holdings is not None for account in accounts.values())
    return Conservation(len(accounts), len(sums), complaints[:COMPLAINTS_MAX], keeps_accounts)


def _unkept(account: Account, listing: Mapping[str, Instrument], owes_nothing: bool) -> list[str]:  # noqa: FBT001
    """Return what an account promises and does not hold, or holds back without a promise."""
    money: Counter[str] = Counter()
    lots: Counter[str] = Counter()
    for order in account.orders:
        instrument = listing[order.instrument]
        if order.side == Side.BID:
            money[instrument.currency] += order.remaining * order.price * tick_value(instrument)
        else:
            lots[order.instrument] += order.remaining
    found: list[str] = []
    told = {currency: millionths(text) for currency, text in (account.reserved or {}).items()}
    for currency in money.keys() | told.keys():
        if money[currency] != told.get(currency, 0):
            found.append(f"{told.get(currency, 0)} of {currency} are reserved, its orders need {money[currency]}")
        elif owes_nothing and money[currency] > millionths(account.cash.get(currency, "0.000000")):
            found.append(f"its orders need {money[currency]} of {currency}, more than it has")
    for symbol, (_, reserved, _, _) in (account.holdings or {}).items():
        if lots[symbol] != reserved:
            found.append(f"{reserved} lots of {symbol} are reserved, its orders need {lots[symbol]}")
    return found
