"""`python -m benchmarks.engine.peers install [NAME...]`: an environment for each peer, all of one Python.

They stand in benchmarks/.peers/NAME, which git ignores; what is in them is pinned in requirements/NAME.txt. This
project's own contestants get one as well, so that they can run in the very Python that the peers run in.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

OWN: Final = "openoutcry"
COMPILED: Final = "openoutcry-compiled"
"""The same, with its core compiled (docs/decisions/0013): needs a C compiler."""
PEERS: Final = (
    OWN,
    COMPILED,
    "matching-engine",
    "order-matching",
    "lightmatchingengine",
    "limit-order-book",
    "fastlob",
    "liquibook",
)
ROOT: Final = Path(__file__).parents[2]
ENVIRONMENTS: Final = Path(__file__).parents[1] / ".peers"
REQUIREMENTS: Final = Path(__file__).parent / "requirements"
PYTHONS: Final = ("python3.12", "python3.13", "python3.14")
"""What they are tried with, in this order: matching-engine needs 3.12. Where there is none, this Python is taken."""
INSTALL_S: Final = 600.0
"""How long one environment may take."""


class Absent(NamedTuple):
    """A peer that cannot take part, and why."""

    name: str
    reason: str


def python_of(name: str) -> Path | Absent:
    """Return the Python of a peer's environment, or why there is none."""
    python = ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        return Absent(name, _failure(name) or f"not installed: `python -m benchmarks.engine.peers install {name}`")
    return python


def install(name: str, python: str) -> Absent | None:
    """Make a peer's environment anew; what went wrong is remembered in place of it."""
    where = ENVIRONMENTS / name
    shutil.rmtree(where, ignore_errors=True)
    requirements = REQUIREMENTS / f"{name}.txt"
    try:
        _run([python, "-m", "venv", "--without-pip", str(where)])  # a pip of its own takes six seconds
        pip = [sys.executable, "-m", "pip", "--python", str(where / "bin" / "python")]
        pip += ["install", "--quiet", "--no-deps"]
        _run([*pip, "-r", str(requirements)])
        if name == COMPILED:
            _run([*pip, "--target", str(where / COMPILED), str(ROOT)], MYPYC="1")
    except subprocess.CalledProcessError as error:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        (where / "failure.txt").write_text(_last_error(error.stderr), encoding="utf-8")
        return Absent(name, _last_error(error.stderr))
    return None


def compiled_first(python: Path) -> dict[str, str]:
    """Return the surroundings in which COMPILED's Python takes the compiled core, and the rest from this tree."""
    path = os.pathsep.join([str(python.parents[1] / COMPILED), str(ROOT)])
    return os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def chosen_python() -> str:
    """Return the first of PYTHONS that this machine has and that can make environments; else this one."""
    for name in PYTHONS:
        for python in (shutil.which(name), *_of_pyenv(name)):
            if python and _works(python):
                return python
    return sys.executable


def _of_pyenv(name: str) -> list[str]:
    # pyenv's commands fail unless their version is switched on, so it is asked for the real ones.
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    return [str(path) for path in sorted(Path(_run([pyenv, "root"]).strip()).glob(f"versions/*/bin/{name}"))]


def _works(python: str) -> bool:
    """A name on the path may be a version manager's, and lead nowhere."""
    try:
        _run([python, "-c", "import venv"])
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _run(command: list[str], **variables: str) -> str:
    """Return what a command writes; CalledProcessError has what went wrong."""
    done = subprocess.run(  # noqa: S603 - Pythons and their pip
        command, env=os.environ | variables, capture_output=True, text=True, check=True, timeout=INSTALL_S
    )
    return done.stdout


def _failure(name: str) -> str:
    told = ENVIRONMENTS / name / "failure.txt"
    return told.read_text(encoding="utf-8") if told.exists() else ""


def _last_error(output: str) -> str:
    """Pip says what went wrong in lines that begin with ERROR; the first is the reason."""
    found = re.findall(r"^ERROR: (.+)$", output, re.MULTILINE)
    return found[0] if found else output.strip().rpartition("\n")[2]


def main() -> None:
    """Install those named, or all."""
    parser = argparse.ArgumentParser(description="Make the environments that the peers run in.")
    parser.add_argument("action", choices=["install"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PEERS)}; none: all")
    parser.add_argument("--python", help=f"to make them with; else the first found of {', '.join(PYTHONS)}")
    options = parser.parse_args()
    python = options.python or chosen_python()
    for name in options.names or PEERS:
        absent = install(name, python)
        sys.stdout.write(f"{name}: {absent.reason if absent else 'installed'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
