"""`python one_run.py MODE COMMANDS`: one run of one build; prints user CPU µs a command.

It is given the build by PYTHONPATH. Of another build it uses only what every build has had since the benchmarks of the
engine began.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import Final

from benchmarks.engine.contestants.openoutcry import SYMBOL, Market
from benchmarks.engine.synthetic import synthetic

OFF: Final = "off"
RULED: Final = "rules"
BATCH: Final = 64
"""Commands a packet."""
SEED: Final = 1
USERS: Final = 1_000
MUCH: Final = 10**15


def measured(mode: str, commands: int) -> float:
    """Return user CPU µs a command, its share of the packet included."""
    market = Market(BATCH)
    if mode != OFF:
        _fund(market)
    if mode == RULED:
        _rule(market)
    rows = list(synthetic(SEED, commands))
    prepared = market.prepare(rows)
    gc.collect()
    gc.freeze()
    began = time.process_time()
    market.play(prepared)
    took = time.process_time() - began
    traded = market.engine.instruments[SYMBOL].book.trade_id
    assert traded > commands // 50, "orders were refused"
    return took / commands * 1e6


def _fund(market: Market) -> None:
    """Give everybody money and lots, a group, and limits of the market, the group and the instrument."""
    from openoutcry.wire.types import BANK, ISSUER, TransferKind  # noqa: PLC0415 - older builds have none of it
    from shared.logs.market_commands import (  # noqa: PLC0415
        BeginAccounts,
        Limits,
        MakeTransfer,
        SetGroups,
        SetLimits,
        SetTerms,
    )

    limits = Limits(MUCH, MUCH, 5_000, 10**6, MUCH, 10**6, None)
    commands: list[object] = [
        BeginAccounts("root", 1, "root"),
        SetTerms("root", 2, "root", SYMBOL, 100_000, 4_000),
        SetLimits("root", 3, "root", "", "", None, limits),
        SetLimits("root", 4, "root", "", "staff", None, limits),
        SetLimits("root", 5, "root", "", "staff", SYMBOL, limits._replace(messages_per_second=None)),
    ]
    for n in range(1, USERS + 1):
        user, number = f"user-{n}", 3 * n + 3
        deposit = MakeTransfer(
            "root", number, "root", f"d{n}", TransferKind.DEPOSIT, "USD", BANK, user, MUCH, 0, "", cancel_orders=False
        )
        grant = deposit._replace(
            number=number + 1, transfer_id=f"g{n}", kind=TransferKind.GRANT, asset=SYMBOL, debit=ISSUER, amount=10**6
        )
        commands += [deposit, grant, SetGroups("root", number + 2, "root", user, ("staff",))]
    market.play(commands)


def _rule(market: Market) -> None:
    """Close the instrument to a group that some users are in who do not trade, as those whom it concerns cannot."""
    from shared.logs.market_commands import SetGroups  # noqa: PLC0415 - as in `_fund`
    from shared.logs.rule_commands import RuleKind, RuleParameters, SetRule  # noqa: PLC0415

    rule = ("Q4", RuleKind.BLACKOUT, ("finance",), (SYMBOL,), 0, 0, RuleParameters())
    commands: list[object] = [SetRule("compliance", 1, "root", *rule, discreet=False)]
    commands += [SetGroups("compliance", n, "root", f"insider-{n}", ("finance", "staff")) for n in range(2, 102)]
    market.play(commands)


if __name__ == "__main__":
    print(measured(sys.argv[1], int(sys.argv[2])))  # noqa: T201 - a program of its own
