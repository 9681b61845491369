"""`make fuzz`: each target for some seconds, from good bytes on; with TARGET and INPUT, one input alone."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.fuzz.targets import TARGETS

SECONDS: Final = 10
INPUT_BYTES_MAX: Final = 4_096
INPUT_SECONDS_MAX: Final = 5
MEMORY_MB_MAX: Final = 1_024
"""Of the process, its instruments included; an input that makes it larger is a finding."""
FOLDER: Final = Path("build/fuzz")


def main() -> int:
    """Fuzz; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=TARGETS, help="this one alone")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of each target ({SECONDS})")
    parser.add_argument("--input", type=Path, help="read this one input instead, and show what it does")
    options = parser.parse_args()
    names = [options.target] if options.target else list(TARGETS)
    if options.input:
        for name in names:
            TARGETS[name]().read(options.input.read_bytes())
        return 0
    if importlib.util.find_spec("atheris") is None:
        _say("atheris does not install here; `make test` fuzzes the same readers by hypothesis")
        return 0
    return max(_fuzz(name, options.seconds) for name in names)


def _fuzz(name: str, seconds: int) -> int:
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name]().seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    flags = {
        "max_total_time": seconds,
        "max_len": INPUT_BYTES_MAX,
        "timeout": INPUT_SECONDS_MAX,
        "rss_limit_mb": MEMORY_MB_MAX,
        "artifact_prefix": f"{FOLDER}/{name}-",
        "print_final_stats": 1,
        "seed": 1,
    }
    words = [sys.executable, "-m", "tests.fuzz.guided", name, *(f"-{flag}={value}" for flag, value in flags.items())]
    done = subprocess.run(
        [*words, str(corpus)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    runs = re.findall(r"number_of_executed_units: (\d+)", done.stdout)
    memory = re.findall(r"peak_rss_mb: +(\d+)", done.stdout)
    edges = re.findall(r"cov: (\d+)", done.stdout)
    told = f"{name}: {int(runs[-1]):,} inputs, {edges[-1]} edges, {memory[-1]} MB" if runs and edges else name
    if done.returncode == 0:
        _say(f"{told}, nothing found")
        return 0
    inputs = re.findall(r"written to (\S+)", done.stdout)
    again = f"make fuzz TARGET={name} INPUT={inputs[-1]}" if inputs else "no input was kept"
    _say(f"{told}: FOUND: {again}\n{done.stdout[-4000:]}")
    return 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
