"""`python -m benchmarks.batch_race`: what a shorter way to the exchange is worth, in both kinds of trading.

A maker's ask has just become too cheap. Two robots see it at the same moment and bid for its one lot, each up to what
it takes the share to be worth now, which is a guess. One bid arrives a millisecond later, the other six: whoever gets
the lot has won. The same races are run while trading is continuous and in the batch phase, by the log's time alone, so
the figures are the same on every machine.
"""

from __future__ import annotations

from random import Random
from typing import Final

from benchmarks.command import run
from benchmarks.measure import Effort
from benchmarks.pit import SYMBOL, Pit
from benchmarks.table import Cell, Table
from openoutcry.wire.types import BANK, ISSUER, Side, TransferKind
from services.matching.accounts.funded_account import FundedAccount
from shared.logs.commands import CancelAll, Tick
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetTerms
from shared.logs.session_commands import ScheduledStep, SetSchedule

RACES: Final = 10_000
WAYS_US: Final = {"near": 1_000, "far": 6_000}
STALE: Final = 10_000
"""Ticks that the maker still asks for."""
GUESS_MAX: Final = 1_000
"""Ticks above it that a robot takes the share to be worth, at most."""
RACE_US: Final = 10_000_000
"""From one race to the next: an auction has long been held."""
BATCHES_MS: Final = (0, 100, 250, 500, 1_000, 5_000)
"""Time between two auctions; 0: trading is continuous."""


class Course:
    """A market in one phase, and races in it; `batch_ms` as in BATCHES_MS."""

    def __init__(self, batch_ms: int) -> None:
        self._pit = pit = Pit(1.0)
        pit.time_us = 1_000_000
        pit.does(BeginAccounts, "root", False)  # noqa: FBT003 - a command's field
        for robot in WAYS_US:
            self._gives(TransferKind.DEPOSIT, "USD", BANK, robot, 10**15)
        self._gives(TransferKind.GRANT, SYMBOL, ISSUER, "maker", RACES)
        day = [(pit.time_us, "batch" if batch_ms else "continuous"), (pit.time_us + (RACES + 1) * RACE_US, "close")]
        steps = tuple(ScheduledStep("1970-01-01", moment_us, step) for moment_us, step in day)
        pit.does(SetSchedule, "root", "day", "2026.1", steps)
        pit.does(SetTerms, "root", SYMBOL, STALE, 0, (), 0, 0, 0, 0, 0, 0, 0, batch_ms, "day")
        pit.does(Tick, 0)
        self._begun = pit.time_us

    def race(self, seen_us: int, guesses: dict[str, int]) -> None:
        """Have both robots see the stale ask so long after the race began, and bid their guesses above it."""
        pit = self._pit
        pit.time_us = self._begun
        self._places("maker", Side.ASK, STALE)
        for robot, way_us in WAYS_US.items():
            pit.time_us = self._begun + seen_us + way_us
            self._places(robot, Side.BID, STALE + guesses[robot])
        self._begun += RACE_US
        pit.time_us = self._begun
        for user in ("maker", *WAYS_US):
            pit.does(CancelAll, user, None)
        pit.builder.take()

    def won(self, robot: str) -> int:
        """Return how many races a robot has won: a lot each."""
        account = self._pit.engine.accounts[robot]
        assert isinstance(account, FundedAccount)
        return account.holdings[SYMBOL].lots if SYMBOL in account.holdings else 0

    def _gives(self, kind: TransferKind, asset: str, system: str, user: str, amount: int) -> None:
        name = f"t{self._pit.number}"
        self._pit.does(MakeTransfer, "root", name, kind, asset, system, user, amount, 0, "", False)  # noqa: FBT003

    def _places(self, user: str, side: Side, price: int) -> None:
        self._pit.builder.apply(self._pit.place(user, side, price), self._pit.time_us)


def shares(batch_ms: int, races: int, seed: int = 1) -> dict[str, float]:
    """Return the share of races that each robot wins; every race is won by one."""
    chance, course = Random(seed), Course(batch_ms)  # noqa: S311 - a race
    for _ in range(races):
        guesses = {robot: chance.randint(0, GUESS_MAX) for robot in WAYS_US}
        course.race(chance.randrange(5_000_000), guesses)
    won = {robot: course.won(robot) for robot in WAYS_US}
    assert sum(won.values()) == races, won
    return {robot: count / races for robot, count in won.items()}


def measure(effort: Effort) -> list[Table]:
    """Return one row for each time between two auctions."""
    races = effort.cases(RACES, 50)
    return [
        Table(
            "batch-race",
            f"Races won of {races:,}, in percent. Both robots see a stale ask at the same moment; the bid of one needs "
            f"{WAYS_US['near'] / 1000:g} ms to the exchange, the other's {WAYS_US['far'] / 1000:g} ms.",
            ["trading", "nearer robot, %", "farther robot, %"],
            [_row(batch_ms, shares(batch_ms, races)) for batch_ms in BATCHES_MS],
        )
    ]


def _row(batch_ms: int, won: dict[str, float]) -> list[Cell]:
    title = f"batch, an auction every {batch_ms:,} ms" if batch_ms else "continuous"
    return [title, *(f"{100 * won[robot]:.1f}" for robot in WAYS_US)]


if __name__ == "__main__":
    run({"benchmarks.batch_race": measure})
