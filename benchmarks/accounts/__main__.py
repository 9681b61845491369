"""`python -m benchmarks.accounts [--base FOLDER]`: the engine with and without accounts, in turns."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.accounts.one_run import OFF
from benchmarks.command import parser, progress, tell
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table
from openoutcry.wire.instrument import Instrument
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.funded_account import FundedAccount
from services.matching.engine import Engine
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from services.matching.traded_instrument import TradedInstrument
from shared.logs.snapshots import encode_accounts

ROOT: Final = Path(__file__).parents[2]
TURNS: Final = 9
COMMANDS: Final = 100_000
TINY_COMMANDS: Final = 3_000
USERS: Final = 10_000
TINY_USERS: Final = 20
SYMBOLS: Final = 50
COST_OF_LOT: Final = 101_230_000
"""Millionths."""
RUN_S: Final = 120
ON: Final = "accounts"
RULED: Final = "rules"


def measure(turns: int, commands: int, base: Path | None) -> Table:
    """Return one row for each build and mode; all take turns, so that a slow minute is everybody's."""
    contestants = {
        "without accounts": (ROOT, OFF),
        "accounts, limits of three scopes, a collar": (ROOT, ON),
        "the same, and a blackout of a group": (ROOT, RULED),
    }
    if base is not None:
        before = {"the build before": (base, OFF), "the build before, accounts and limits": (base, ON)}
        contestants = {**before, **contestants}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns):
        progress(f"turn {turn + 1} of {turns}")
        for name, (root, mode) in contestants.items():
            times[name].append(_run(root, mode, commands))
    first = next(iter(times))
    rows: list[list[Cell]] = [
        [name, spread(found), _ratio(times[first], found), _least_ratio(times[first], found)]
        for name, found in times.items()
    ]
    title = (
        f"The engine with its packets, {commands:,} commands of 1,000 users (a quarter cancels, one limit in ten "
        f"crosses), in {turns} turns. User CPU µs a command; commands a second beside the first row's: the median of "
        "the turns' ratios, and the ratio of each one's fastest turn."
    )
    return Table("accounts", title, ["engine", "µs", "ratio", "ratio of the fastest"], rows)


def measure_checkpoint(users: int) -> Table:
    """Return what a market of many holdings takes: of memory, and of its forked child's time and bytes."""
    engine = Engine()
    engine.keep_accounts(Accounting())
    for n in range(SYMBOLS):
        definition = Instrument(f"S{n:02}")
        engine.instruments[definition.symbol] = TradedInstrument(definition)
    tracemalloc.start()
    for n in range(users):
        _fill(engine, f"user-{n:05}")
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    progress("checkpoint")
    gc.disable()  # as the forked child does
    began = time.process_time()
    checkpoint = encode_checkpoint(Checkpoint(engine, 1, "store"))
    middle = time.process_time()
    accounts = encode_accounts({user: account.message() for user, account in engine.accounts.items()})
    ended = time.process_time()
    gc.enable()
    title = (
        f"{users:,} users who hold {SYMBOLS} instruments each, at a cost. Memory with the accounts themselves, per "
        "holding; user CPU seconds, which the forked child takes beside the market."
    )
    rows: list[list[Cell]] = [
        ["memory of a holding", f"{held / users / SYMBOLS:.0f} bytes", ""],
        ["checkpoint", f"{len(checkpoint) / 1e6:.1f} MB", f"{middle - began:.2f} s"],
        ["accounts for gateways", f"{len(accounts) / 1e6:.1f} MB", f"{ended - middle:.2f} s"],
    ]
    return Table("accounts-checkpoint", title, ["what", "size", "CPU"], rows)


def _fill(engine: Engine, user: str) -> None:
    account = engine.account(user)
    assert isinstance(account, FundedAccount)
    for n, market in enumerate(engine.instruments.values()):
        account.move_lots(market, 1_000 + n, 0, 0)
        account.holding(market).cost = (1_000 + n) * COST_OF_LOT


def _run(root: Path, mode: str, commands: int) -> float:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "clients/python")])}
    command = [sys.executable, "-P", str(Path(__file__).parent / "one_run.py"), mode, str(commands)]
    done = subprocess.run(command, cwd=root, env=environment, check=True, timeout=RUN_S, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


def _ratio(first: list[float], found: list[float]) -> str:
    return f"{statistics.median(a / b for a, b in zip(first, found, strict=True)):.3f}"


def _least_ratio(first: list[float], found: list[float]) -> str:
    return f"{min(first) / min(found):.3f}"


def _options() -> ArgumentParser:
    options = parser("Measure what accounts cost the engine.")
    options.add_argument("--base", type=Path, help="folder of another build, which takes turns too")
    options.add_argument("--turns", type=int, default=TURNS)
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    options = _options().parse_args(arguments)
    where = machine()
    turns, commands = (1, TINY_COMMANDS) if options.tiny else (options.turns, COMMANDS)
    users = TINY_USERS if options.tiny else USERS
    tables = [measure_checkpoint(users), measure(turns, commands, options.base)]
    tell([("python -m benchmarks.accounts", table) for table in tables], where, options)


if __name__ == "__main__":
    main()
