"""An exchange that is started for a load run: its rate can be set, its gateways killed, its books read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from openoutcry.wire.errors import ConfigurationError
from outcry.load.aio.engine_verdict import engine_verdict
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.plan import UserPlan
from outcry.load.verdict import BookVerdict
from outcry.stack.aio.child import Child
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions, check_rate
from outcry.stack.usage import Usage

BOTS_SECONDS_MAX: Final = 60.0
"""How long bots may take to fill the books, and to come to rest."""


class OwnMarketOptions(NamedTuple):
    """What to start."""

    stack: StackOptions
    rate: float
    """Book changes a second over all instruments."""
    hot: bool
    """All users and all changes on one book."""
    seed: int

    def checked(self) -> OwnMarketOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        self.stack.checked()
        check_rate(self.rate, "--rate")
        return self


class OwnMarket:
    """
    A stack with bots; a context manager that ends them.

    Args:
        options: Checked.
        folder: Private folder for logs and data.
        say: Where to say what is going on.
    """

    kind: Final = "own"
    proof: Final = "every user's book is the engine's at the same (epoch, seq)"

    def __init__(self, options: OwnMarketOptions, folder: Path, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._stack = Stack(options.stack, folder, say)
        self._bots = RoleProcess("bots", "outcry.flow", folder)
        self._seqs: Mapping[str, int] = {}
        self.instruments: Sequence[str] = ()

    @property
    def urls(self) -> Sequence[str]:
        """Where the gateways listen."""
        return self._stack.gateway_urls

    @property
    def settings(self) -> Mapping[str, str]:
        """What was started, and what trades on it."""
        stack = self._options.stack
        return {
            "gateways": str(stack.gateways),
            "pace": "the gateways' default" if stack.pace_ms is None else f"{stack.pace_ms:g} ms",
            "rate": f"{self._options.rate:g} book changes a second",
            "market": "hot" if self._options.hot else "spread",
            "redis": self._stack.redis.program.kind if self._stack.redis else "external",
        }

    @property
    def needed(self) -> Sequence[Child]:
        """Redis, the engine and the bots."""
        return [*self._stack.essential, self._bots.child]

    @property
    def metrics(self) -> Mapping[str, str]:
        """Each gateway's."""
        return {
            gateway.name: f"http://{urlsplit(url).netloc}/metrics"
            for gateway, url in zip(self._stack.gateways, self.urls, strict=True)
        }

    async def open(self, stop: StopSignal) -> None:
        """Start everything, and let the bots trade. Raises as `Stack.start`."""
        await self._stack.start(stop)
        self._say("the bots fill the books")
        rate, hot, seed = self._options.rate, self._options.hot, self._options.seed
        await self._bots.start(role="bots", redis_url=self._stack.redis_url, rate=rate, hot=hot, seed=seed)
        ready = await self._bots.hear("ready", BOTS_SECONDS_MAX)
        self._bots.tell("start")
        listed: list[str] = ready["instruments"]
        self.instruments = listed[:1] if hot else listed

    def named(self, plans: Sequence[UserPlan]) -> list[UserPlan]:
        """Return the plans as they are: any name can have a token here."""
        return list(plans)

    def token(self, user: str) -> str:
        """Mint a user's token."""
        return self._stack.token(user)

    def lost_gateways(self) -> Sequence[str]:
        """
        Return how gateways have ended so far.

        Raises:
            RoleFailed: If something without which it does not go on has ended, or every gateway has.
        """
        for child in self.needed:
            child.check_alive()
        ended = [gateway for gateway in self._stack.gateways if gateway.exit_status() is not None]
        if len(ended) == len(self._stack.gateways):
            ended[0].check_alive()
        return [gateway.how_it_ended() for gateway in ended]

    def set_pace(self, factor: float) -> bool:
        """Let the bots trade at this multiple of their rate."""
        self._bots.tell("rate", rate=self._options.rate * factor)
        return True

    async def lose_gateway(self) -> str:
        """
        Kill the last gateway that runs.

        Raises:
            ConfigurationError: If it is the only one.
        """
        alive = [gateway for gateway in self._stack.gateways if gateway.exit_status() is None]
        if len(alive) < 2:
            raise ConfigurationError("--gateways must be 2 or more where one is to be lost")
        alive[-1].kill()
        return f"killed {alive[-1].name} (SIGKILL)"

    def usage(self) -> Mapping[str, Usage]:
        """Measure Redis, the engine, each gateway and the bots."""
        each = {gateway.name: gateway.usage() for gateway in self._stack.gateways}
        others = {role: used for role, used in self._stack.usage().items() if role != "gateway"}
        return {**each, **others, "bots": self._bots.child.usage()}

    async def rest(self) -> None:
        """Stop the bots; returns when the engine has applied all they sent."""
        market = await self._bots.ask("stop", "stats", BOTS_SECONDS_MAX)
        self._seqs = market["seqs"]

    async def judge(self, plans: Sequence[UserPlan], crew: LoadCrew) -> BookVerdict:
        """Compare every user's books with the engine's."""
        return await engine_verdict(self._stack.redis_url, self._seqs, plans, crew)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bots.child.stop()
        self._stack.stop()
