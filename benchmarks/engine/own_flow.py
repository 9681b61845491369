"""`python -m benchmarks.engine.own_flow COMMANDS FILE`: the flow of matching-engine's own generator, as it ships it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from benchmarks.engine.contestants.matching_engine import own_flow
from benchmarks.engine.flow import write_flow

SEED: Final = 42
"""As in the package's own benchmark."""

if __name__ == "__main__":
    write_flow(Path(sys.argv[2]), own_flow(SEED, int(sys.argv[1])))
