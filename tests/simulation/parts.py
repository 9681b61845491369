"""The parts of the market as simulated processes: engines and gateways, exactly the programs' own shells.

A part is started again after it has ended, as a supervisor would. An engine may end because it was fenced, or because
the store was away; any other end is a finding.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from prometheus_client import CollectorRegistry

from openoutcry.wire.errors import OpenOutcryError
from openoutcry.wire.instrument import Instrument
from services.gateway.aio import connection, server
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.limits import GatewayLimits
from services.gateway.subscriber import LagLimits
from services.matching.aio import takeover
from services.matching.aio.build import build
from services.matching.aio.leader import Leader
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.recovery.forked_image import InlineImage
from services.matching.aio.script import Script
from services.matching.aio.service import MatchingService
from services.matching.aio.settings import Durability, MatchingSettings
from shared.aio.redis_connection import open_redis
from shared.store_errors import LeadershipLost, StoreUnavailable
from tests.simulation.history import Finding
from tests.simulation.process import Process
from tests.simulation.store_server import ADDRESS

if TYPE_CHECKING:
    from tests.simulation.network import Network
    from tests.simulation.world import World

STORE_URL: Final = f"redis://{ADDRESS}/0"
NODE_ENTRIES: Final = 8
"""The store's `stream-node-max-entries`: it trims whole nodes, and here it shall trim often."""
INSTRUMENTS: Final = (Instrument("ACME"), Instrument("GPU"))
RESTART_S: Final = (0.05, 1.0)
MATCHING: Final = MatchingSettings.model_construct(
    # Small enough that everything is trimmed and stored often, in a run of some hundred packets.
    feed_packets_max=250,
    command_entries_max=60,
    ledger_hold_packets=400,
    ledger_hold_entries=120,
    batch_commands_max=8,
    checkpoint_interval_s=1.5,
    snapshot_interval_s=0.5,
    unreachable_max_s=8.0,
    cancel_grace_s=2,
)
DURABLE: Final = MATCHING.model_copy(update={"durability": Durability.REPLICA, "replicas_min": 1})
"""An engine that tells nobody of a command before the replica has it."""
LIMITS: Final = GatewayLimits(lag=LagLimits(soft_bytes=2_000, hard_bytes=40_000, lag_s=4.0))
SECRET: Final = b"a secret of the simulation, no longer than it needs"


class Part(ABC):
    """
    A process that is started again and again.

    Args:
        world: Time and chance.
        network: What it talks through.
        name: In the trace.
        clock_skew_s: How far its wall clock is ahead.
    """

    kind: ClassVar[str]

    def __init__(self, world: World, network: Network, name: str, clock_skew_s: float = 0.0) -> None:
        self.name = name
        self.process: Process | None = None
        """None between an end and the next start."""
        self._world = world
        self._network = network
        self._clock_skew_s = clock_skew_s
        self._random = world.stream(name)
        self._incarnations = itertools.count(1)
        self.incarnation = 0
        self.start()

    def start(self) -> None:
        """Begin a new process, unless one runs."""
        if self.process is None:
            self.incarnation = next(self._incarnations)
            self.process = Process(
                self._world,
                self._network,
                f"{self.name}.{self.incarnation}",
                self._main,
                self._ended,
                self._clock_skew_s,
            )

    def kill(self, restart_s: float) -> None:
        """End it at once; start again after so long."""
        if self.process is not None:
            process, self.process = self.process, None
            process.kill()
            self._world.after(restart_s, self.start)

    @abstractmethod
    def stop(self) -> None:
        """Ask it to end in good order."""

    @abstractmethod
    async def _main(self) -> None: ...

    def _ended(self, error: BaseException | None) -> None:
        self.process = None
        if error is not None:
            error = _first(error)
        how = "in good order" if error is None else type(error).__name__
        self._world.note(self.name, f"ended: {error!r}", kind=f"end of {self.kind}, {how}")
        if error is not None and not isinstance(error, LeadershipLost | StoreUnavailable):
            raise Finding(f"{self.name} ended with {error!r}") from error
        self._world.after(self._random.uniform(*RESTART_S), self.start)


def _first(error: BaseException) -> BaseException:
    """As the programs' `__main__`: the first error of a group whose errors are all ours."""
    if isinstance(error, BaseExceptionGroup) and error.split(OpenOutcryError)[1] is None:
        return _first(error.exceptions[0])
    return error


class EnginePart(Part):
    """A matching engine: leader or hot standby, as it comes."""

    kind = "an engine"

    service: MatchingService | None = None

    async def _main(self) -> None:
        name = f"{self.name}.{self.incarnation}"
        metrics = MatchingMetrics(CollectorRegistry())
        random = self._world.stream(f"{name} service")
        async with open_redis(STORE_URL, "matching-reader") as reading, open_redis(STORE_URL, "matching") as writing:
            self.service = build(MATCHING, INSTRUMENTS, reading, writing, name, metrics, random, InlineImage)
            await self.service.run()

    def stop(self) -> None:
        if self.process is not None and self.service is not None:
            self.process.call_soon(self.service.stop)


class GatewayPart(Part):
    """
    A gateway.

    Args:
        address: Where it listens.
        (the others as `Part`)
    """

    kind = "a gateway"

    def __init__(self, world: World, network: Network, name: str, address: str, clock_skew_s: float = 0.0) -> None:
        self.address = address
        self.server: GatewayServer | None = None
        self._stop = asyncio.Event()
        super().__init__(world, network, name, clock_skew_s)

    async def _main(self) -> None:
        host, _, port = self.address.partition(":")
        settings = GatewaySettings.model_construct(redis_url=STORE_URL, host=host, port=int(port))
        self._stop = asyncio.Event()
        self.server = GatewayServer(settings, SECRET, LIMITS)
        await self.server.run(self._stop)

    def stop(self) -> None:
        if self.process is not None:
            self.process.call_soon(self._stop.set)


class FakeListener:
    """What `socket` would be."""

    def __init__(self, host: str, port: int) -> None:
        self._name = host, port

    def getsockname(self) -> tuple[str, int]:
        return self._name

    def close(self) -> None:
        pass


class SeededSecrets:
    """`secrets`, drawn from the seed."""

    def __init__(self, world: World) -> None:
        self._random = world.stream("secrets")

    def token_hex(self, count: int) -> str:
        return self._random.randbytes(count).hex()

    def randbits(self, count: int) -> int:
        return self._random.getrandbits(count)


Patch = tuple[Any, str, Any]


def seams(world: World) -> list[Patch]:
    """Return what must be other than in a real process: (owner, attribute, value)."""
    secrets = SeededSecrets(world)
    leader_of_a_term = vars(takeover)["Leader"]

    def remembered(*arguments: Any) -> Leader:
        made: Leader = leader_of_a_term(*arguments)
        assert world.running is not None
        world.leaders[world.running.name] = made
        return made

    return [
        (takeover, "Leader", remembered),
        (server, "_listen", FakeListener),
        (server, "secrets", secrets),
        (connection, "secrets", secrets),
        *((script, "_sent", False) for script in _scripts()),
    ]


def _scripts() -> list[Script]:
    """All scripts of the programs: each remembers whether a server knows it, and must forget that between runs."""
    names = sorted(name for name in sys.modules if name.startswith("services."))
    return [each for name in names for each in vars(sys.modules[name]).values() if isinstance(each, Script)]
