"""Check the models with spin, and print what was looked at: `python -m model.run`.

Exits with 0 only if everything that must hold holds, everything that must fail fails, and each search was complete.
Needs `spin` and `gcc`. A check takes one core and below 1 GB, all of them some minutes; `--jobs 2` checks two at once.

    python -m model.run                     everything
    python -m model.run --quick             a subset, in seconds
    python -m model.run --only NO_EPOCH     one rule left out (a flag of the models)
    python -m model.run --only NO_EPOCH --story   and the shortest way to its failure, in words
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from model.checks import CHECKS, PROPERTIES, Check

FOLDER: Final = Path(__file__).resolve().parent
MEMORY_MB_MAX: Final = 3500
RUN_S_MAX: Final = 240
DEPTH_MAX: Final = 1_000_000
NEEDED: Final = ("spin", "gcc")

_FIELDS: Final = {
    "states": re.compile(r"^\s*([\d.e+]+) states, stored", re.MULTILINE),
    "transitions": re.compile(r"^\s*([\d.e+]+) transitions", re.MULTILINE),
    "depth": re.compile(r"depth reached (\d+)"),
    "memory_mb": re.compile(r"^\s*([\d.]+)\s+total actual memory usage", re.MULTILINE),
}
_ERRORS: Final = re.compile(r"errors: (\d+)")
_FOUND: Final = re.compile(r"pan:1: (assertion violated \(|acceptance cycle)(?:.*\(at depth (\d+)\))?")
_INCOMPLETE: Final = ("Search not completed", "max search depth too small", "out of memory", "invalid array index")
_NOISE: Final = re.compile(r"^(?:\t\t|Never claim|spin:|\s*\d+:\s+proc|-+$|#|\d+ processes)|^\s*$")


class CheckOutcome(NamedTuple):
    """What one run found."""

    check: Check
    numbers: dict[str, float]
    seconds: float
    steps: int | None
    """Length of the counterexample; None if there is none."""
    trouble: str
    """Why the run says nothing; empty if it does."""
    story: str = ""
    """The counterexample in words."""

    @property
    def is_expected(self) -> bool:
        """Whether it came out as the protocol promises."""
        return not self.trouble and self.check.holds == (self.steps is None)

    @property
    def result(self) -> str:
        """In a few words."""
        if self.trouble:
            return f"UNKNOWN: {self.trouble}"
        found = "holds" if self.steps is None else f"fails after {self.steps} steps"
        return found if self.is_expected else f"{found}: NOT AS EXPECTED"


def run_check(check: Check, folder: Path, *, story: bool = False) -> CheckOutcome:
    """
    Run spin once.

    Args:
        check: What to look at.
        folder: Empty, for its files.
        story: Whether to tell a counterexample.
    """
    started = time.monotonic()
    source = folder / f"{check.model}.pml"
    shutil.copy(FOLDER / source.name, source)
    is_liveness = check.shows == "L1"
    defines = _defines(check, is_liveness=is_liveness)
    output = _call(["spin", "-a", *defines, source.name], folder)
    if (folder / "pan.c").exists():
        output += _call(["gcc", *_compiler_flags(check, is_liveness=is_liveness), "-o", "pan", "pan.c"], folder)
    if not (folder / "pan").exists():
        return CheckOutcome(check, {}, time.monotonic() - started, None, f"no verifier: {output.strip()[-300:]}")
    search = ["-a", "-f"] if is_liveness else []
    output = _call(["./pan", f"-m{DEPTH_MAX}", "-E", "-n", *search], folder)
    told = _story(folder, source.name, defines) if story and (folder / f"{source.name}.trail").exists() else ""
    return _read(check, output, time.monotonic() - started, told)


def table(outcomes: Iterable[CheckOutcome]) -> str:
    """Return the outcomes as a Markdown table."""
    lines = [
        "| model | property | rule left out | scope | states | transitions | depth | MB | s | result |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for outcome in outcomes:
        check, numbers = outcome.check, outcome.numbers
        counts = " | ".join(f"{numbers.get(name, 0):,.0f}" for name in _FIELDS)
        left_out = f"{check.removed} (`{' '.join(check.flags)}`)" if check.removed else "none"
        lines.append(
            f"| {check.model} | {check.shows} | {left_out} | {_scope(check)} | {counts} "
            f"| {outcome.seconds:.1f} | {outcome.result} |"
        )
    return "\n".join(lines)


def missing_programs() -> list[str]:
    """Return the programs that are needed and not there."""
    return [name for name in NEEDED if shutil.which(name) is None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that are asked for; 0 if all came out as expected."""
    options = _options(arguments)
    missing = missing_programs()
    if missing:
        _say(f"{' and '.join(missing)} not found (Debian: apt-get install spin gcc)")
        return 2
    with ThreadPoolExecutor(options.jobs) as pool:  # the work is that of spin, gcc and the verifiers
        outcomes = list(pool.map(functools.partial(_announced, story=options.story), _chosen(options)))
    if not outcomes:
        _say("no such check; model/checks.py has them all")
        return 2
    _say("\n" + table(outcomes))
    wrong = sum(not outcome.is_expected for outcome in outcomes)
    total_s = sum(outcome.seconds for outcome in outcomes)
    _say(f"\n{len(outcomes)} checks in {total_s:.0f} s, {wrong} not as expected")
    return 1 if wrong else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.run", description="Check the protocol's models with spin.")
    parser.add_argument("--quick", action="store_true", help="a subset that takes seconds")
    parser.add_argument("--jobs", type=int, default=1, help="checks at once, a core each (default 1)")
    parser.add_argument("--only", metavar="FLAG", help="one rule left out")
    parser.add_argument("--story", action="store_true", help="tell each counterexample in words")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> list[Check]:
    checks = [check for check in CHECKS if check.is_quick or not options.quick]
    return [check for check in checks if options.only in (None, check.name)]


def _announced(check: Check, *, story: bool) -> CheckOutcome:
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        outcome = run_check(check, Path(folder), story=story)
    left_out = f" without {' '.join(check.flags)}" if check.removed else ""
    _say(f"{check.model} {check.shows}{left_out}: {outcome.result} ({outcome.seconds:.1f} s)")
    if outcome.story:
        _say(f"  {PROPERTIES[check.shows]}: not so.\n{outcome.story}")
    return outcome


def _defines(check: Check, *, is_liveness: bool) -> list[str]:
    number = check.shows[1:] if check.shows.startswith("S") else ("9" if is_liveness and not check.holds else "0")
    names = [f"-D{name}={value}" for name, value in check.scope.items()]
    names += [f"-D{flag}" for flag in check.flags] + [f"-DCHECK={number}"]
    return [*names, "-DLIVENESS"] if is_liveness else names


def _compiler_flags(check: Check, *, is_liveness: bool) -> list[str]:
    # To compile takes longer than to find most counterexamples.
    flags = ["-w", "-O1" if check.holds else "-O0", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB_MAX}"]
    if is_liveness:
        return [*flags, "-DNFAIR=4"]
    # Breadth first finds the shortest counterexample; depth first needs less memory where there is none.
    return [*flags, "-DSAFETY", "-DNOCLAIM", *([] if check.holds else ["-DBFS"])]


def _call(command: list[str], folder: Path) -> str:
    environment = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - the program's own command lines
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return f"Search not completed: stopped after {expired.timeout:.0f} s"
    return done.stdout.decode(errors="replace")


def _read(check: Check, output: str, seconds: float, story: str) -> CheckOutcome:
    numbers = {name: float(found[1]) for name, field in _FIELDS.items() if (found := field.search(output))}
    violation = _FOUND.search(output)
    errors = _ERRORS.search(output)
    if violation is not None:
        is_of_its_kind = (violation[1] == "acceptance cycle") == (check.shows == "L1")
        trouble = "" if is_of_its_kind else "another property failed first"
        return CheckOutcome(check, numbers, seconds, int(violation[2] or 0), trouble, story)
    trouble = next((sign for sign in _INCOMPLETE if sign in output), "")
    if errors is None or errors[1] != "0":
        trouble = trouble or f"spin did not finish: {output.strip()[-200:]}"
    return CheckOutcome(check, numbers, seconds, None, trouble, story)


def _story(folder: Path, source: str, defines: list[str]) -> str:
    output = _call(["spin", "-T", "-k", f"{source}.trail", *defines, source], folder)
    lines = [line for line in output.splitlines() if not _NOISE.search(line)]
    return "\n".join(f"  {line}" for line in lines)


def _scope(check: Check) -> str:
    return ", ".join(f"{name.lower()} {value}" for name, value in check.scope.items())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
