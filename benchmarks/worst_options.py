"""The most expensive commands about options: see `worst_commands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.pit import MID, ORDERS_A_USER, SYMBOL, Case, Pit
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, Side, TransferKind
from services.matching.floor import SWEPT_MAX
from services.matching.options.lives import SETTLED_MAX
from shared.logs.commands import ListInstrument, Tick
from shared.logs.market_commands import BeginAccounts, MakeTransfer
from shared.logs.option_commands import Exercise, SetSettlementPrice

OPTION: Final = "OPTION"
HOLDERS: Final = 100_000
DAY: Final = "1970-01-01"
END_US: Final = 1_000_000


def _begin(pit: Pit, at_expiry: str = "cash") -> None:
    terms = {"underlying": SYMBOL, "right": "call", "strike": MID, "expiry": DAY, "expires_at": END_US}
    pit.does(ListInstrument, Instrument(OPTION, "option", option={**terms, "at_expiry": at_expiry}))
    pit.does(BeginAccounts, "root", False)  # noqa: FBT003 - a command's field


def _gives(pit: Pit, kind: TransferKind, asset: str, user: str, amount: int) -> None:
    system = BANK if kind is TransferKind.DEPOSIT else ISSUER
    name = f"t{pit.number}"
    pit.does(MakeTransfer, "root", name, kind, asset, system, user, amount, 0, "", False)  # noqa: FBT003


def _exercised(pit: Pit) -> Callable[[], object]:
    _begin(pit)
    _gives(pit, TransferKind.DEPOSIT, "USD", "user", 10**15)
    _gives(pit, TransferKind.GRANT, OPTION, "user", 10)
    return pit.step(pit.command(Exercise, "user", "e", OPTION, 1))


def _settled(at_expiry: str) -> Case:
    def case(pit: Pit) -> Callable[[], object]:
        _begin(pit, at_expiry)
        for n in range(pit.size(HOLDERS)):
            _gives(pit, TransferKind.GRANT, OPTION, f"user-{n}", 1)
            if at_expiry == "exercise" and n < 2 * SETTLED_MAX:
                _gives(pit, TransferKind.DEPOSIT, "USD", f"user-{n}", 10**10)
        pit.does(SetSettlementPrice, "root", SYMBOL, DAY, MID + 1)
        pit.time_us = END_US
        return pit.step(pit.command(Tick, 0))

    return case


def _ended(pit: Pit) -> Callable[[], object]:
    """Orders of users who have all that they may have, and holders to be settled as soon as they have ended."""
    _begin(pit)
    for n in range(pit.size(SWEPT_MAX)):
        if n % ORDERS_A_USER == 0:
            _gives(pit, TransferKind.GRANT, OPTION, f"user-{n // ORDERS_A_USER}", ORDERS_A_USER)
        pit.rest(f"user-{n // ORDERS_A_USER}", Side.ASK, MID + n, symbol=OPTION)
    pit.does(SetSettlementPrice, "root", SYMBOL, DAY, MID + 1)
    pit.time_us = END_US
    return pit.step(pit.command(Tick, 0))


OPTIONS: Final[dict[str, Case]] = {
    "exercise": _exercised,
    f"{SETTLED_MAX} of 100,000 holders settled in cash": _settled("cash"),
    f"{SETTLED_MAX} of 100,000 holders settled by exercise": _settled("exercise"),
    f"an option's end that ends {SWEPT_MAX:,} orders": _ended,
}
"""Part of `worst_commands.COMMANDS`."""
