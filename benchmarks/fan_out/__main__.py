"""`python -m benchmarks.fan_out`: one update to many users, by this exchange and its peers, on the same machine.

Everything is on 127.0.0.1: the servers, and the C users (c/users.c), which are the same for all. A peer that is not
installed is named in the table; `python -m benchmarks.fan_out.peers install` gets them. The default run takes about
ten minutes. Ends with status 1 if a contestant failed, 2 if there is no C compiler.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.command import parser, tell
from benchmarks.fan_out.build import NoCompiler, program
from benchmarks.fan_out.contestant import Contestant
from benchmarks.fan_out.peers.c_loop import CLoop
from benchmarks.fan_out.peers.nats import Nats
from benchmarks.fan_out.peers.nchan import Nchan
from benchmarks.fan_out.peers.openoutcry import OpenOutcry
from benchmarks.fan_out.peers.picows_loop import PicowsLoop
from benchmarks.fan_out.peers.socketio_redis import SocketioRedis
from benchmarks.fan_out.peers.starlette_loop import StarletteLoop
from benchmarks.fan_out.peers.websockets_broadcast import WebsocketsBroadcast
from benchmarks.fan_out.peers.ws_loop import WsLoop
from benchmarks.fan_out.race import TINY, Effort, Race, Results
from benchmarks.fan_out.tables import conveyed, cost
from benchmarks.measure import machine
from outcry.stack.aio.stop_signal import Interrupted, StopSignal

ALL: Final[tuple[Contestant, ...]] = (
    OpenOutcry(1),
    CLoop(),
    PicowsLoop(),
    Nchan(),
    Nats(),
    WsLoop(),
    WebsocketsBroadcast(),
    StarletteLoop(),
    SocketioRedis(),
    OpenOutcry(2),
)
CONVEYED: Final = ("openoutcry", "openoutcry-2", "nats-server", "broadcast")
"""Of the second table."""
NEED_NOTHING: Final = ("openoutcry", "c-loop", "broadcast")
"""Of a tiny run: what is there wherever the tests are."""
COMMAND: Final = "python -m benchmarks.fan_out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    options = _options(arguments)
    effort = _effort(options)
    try:
        program("users")
    except NoCompiler as error:
        _say(f"nothing can be measured: {error}")
        return 2
    where = machine()
    try:
        results = asyncio.run(_race(_chosen(options), effort))
    except Interrupted:
        return 130
    tell([(COMMAND, cost(results, effort)), (COMMAND, conveyed(results, effort, CONVEYED))], where, options)
    return 1 if results.failed else 0


async def _race(contestants: list[Contestant], effort: Effort) -> Results:
    return await Race(contestants, effort, CONVEYED, StopSignal(), _say).run()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("Measure what one update to many users costs, here and elsewhere.")
    options.add_argument("--users", type=int, default=Effort().users, help="who are told (%(default)s)")
    options.add_argument("--runs", type=int, default=Effort().runs, help="of everything (%(default)s)")
    options.add_argument("--seconds", type=float, default=Effort().seconds, help="of one look (%(default)s)")
    names = ", ".join(contestant.name for contestant in ALL)
    options.add_argument("--only", metavar="NAMES", help=f"some of {names}, with commas between")
    found = options.parse_args(arguments)
    if found.only and (unknown := set(found.only.split(",")) - {contestant.name for contestant in ALL}):
        options.error(f"--only: unknown: {', '.join(sorted(unknown))}")
    if found.users < 1 or found.runs < 1 or found.seconds <= 0:
        options.error("--users, --runs and --seconds must be above 0")
    return found


def _chosen(options: argparse.Namespace) -> list[Contestant]:
    only = options.only.split(",") if options.only else NEED_NOTHING if options.tiny else None
    return [contestant for contestant in ALL if only is None or contestant.name in only]


def _effort(options: argparse.Namespace) -> Effort:
    if options.tiny:
        return TINY
    return Effort(users=options.users, runs=options.runs, seconds=options.seconds)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
