"""`python -m tests.deploy.fault kill|freeze gateway 1`: what `outcry load --loss-command` runs."""

from __future__ import annotations

import sys

from tests.deploy.engine import Engine, find_engine


def main(deed: str, service: str, index: str) -> None:
    engine = find_engine()
    assert isinstance(engine, Engine), engine
    getattr(engine, deed)(service, int(index))


if __name__ == "__main__":
    main(*sys.argv[1:])
