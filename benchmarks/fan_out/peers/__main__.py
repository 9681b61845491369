"""`python -m benchmarks.fan_out.peers install [NAME...]`: what the peers need, each in an environment of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.fan_out.peers.environment import NAMES, NotInstalled, install


def main() -> int:
    """Install those named, or all; returns 1 if one of them could not be."""
    parser = argparse.ArgumentParser(description="Install what the fan-out is measured beside.")
    parser.add_argument("action", choices=["install"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; none: all")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    status = 0
    for name in options.names or NAMES:
        try:
            install(name)
            sys.stdout.write(f"{name}: installed\n")
        except (NotInstalled, subprocess.CalledProcessError) as error:
            sys.stdout.write(f"{name}: {error}\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
