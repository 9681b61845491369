"""One target under libFuzzer, in a process of its own: `python -m tests.fuzz.guided TARGET FLAGS…`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["openoutcry", "outcry", "services", "shared"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer's flags end it; a finding ends it with a status, and leaves a file."""
    name, *flags = sys.argv[1:]
    atheris.Setup([sys.argv[0], *flags], TARGETS[name]().read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
