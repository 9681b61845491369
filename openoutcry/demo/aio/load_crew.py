"""All users, over all their processes: connected together, counted together, asked together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from openoutcry.demo.aio.child import Child, Usage, stop_together
from openoutcry.demo.aio.role import ANSWER_SECONDS_MAX, Role
from openoutcry.demo.aio.stack import total_usage
from openoutcry.demo.verdict import EngineBook
from openoutcry.load.book_position import FinalBook
from openoutcry.load.latency import add_encoded, new_histogram
from openoutcry.load.plan import UserPlan, shares

START_SECONDS_MAX: Final = 30.0
VERIFY_SECONDS_MAX: Final = 120.0


class LoadStatistics(NamedTuple):
    """What the users of all processes have seen."""

    counts: Mapping[str, int]
    connections: Sequence[int]
    whole: int
    latency: Any
    """HdrHistogram of the delays since the statistics before."""
    troubles: Sequence[str]
    """Why connections were lost or requests refused, the last of each process."""


class LoadCrew:
    """The users' processes; a context manager that ends them."""

    def __init__(self) -> None:
        self._roles: list[Role] = []

    async def start(
        self,
        plans: Sequence[UserPlan],
        token: Callable[[str], str],
        gateways: Sequence[str],
        folder: Path,
        processes: int,
    ) -> None:
        """
        Start so many processes and deal the users out to them; nobody connects yet.

        Args:
            plans: What each user does.
            token: Mints a user's.
            gateways: WebSocket URLs.
            folder: For the logs.
            processes: How many; none gets more than its share of any gateway.

        Raises:
            RoleFailed: If one does not start.
        """
        for number, dealt in enumerate(shares(plans, processes), start=1):
            tokens = [token(plan.name) for plan in dealt]
            role = Role(f"load-{number}", "openoutcry.load", folder)
            self._roles.append(role)
            await role.start(plans=dealt, tokens=tokens, gateways=gateways, seed=number)
        for role in self._roles:
            await role.hear("ready", START_SECONDS_MAX)

    @property
    def children(self) -> list[Child]:
        """The processes."""
        return [role.child for role in self._roles]

    def connect(self) -> None:
        """Let everybody connect, and stay so."""
        for role in self._roles:
            role.tell("connect")

    async def statistics(self) -> LoadStatistics:
        """Ask all processes what they have seen."""
        answers = await self._ask_all("stats", "stats", ANSWER_SECONDS_MAX)
        counts: Counter[str] = Counter()
        latency = new_histogram()
        for answer in answers:
            counts.update(answer["counts"])
            add_encoded(latency, answer["latency"])
        return LoadStatistics(
            counts=counts,
            connections=[sum(each) for each in zip(*(answer["connections"] for answer in answers), strict=True)],
            whole=sum(answer["whole"] for answer in answers),
            latency=latency,
            troubles=sorted({answer[of] for answer in answers for of in ("last_loss", "last_refusal")} - {""}),
        )

    async def market_view(self) -> dict[str, Any]:
        """Return books and trades as the very first user holds them."""
        return await self._roles[0].ask("view", "view")

    async def final_books(self, engine: Mapping[str, EngineBook]) -> list[FinalBook]:
        """Let every user reach the engine's last state, and then ask for every book."""
        expected = {name: (book.epoch, book.seq) for name, book in engine.items()}
        answers = await self._ask_all("verify", "books", VERIFY_SECONDS_MAX, expected=expected)
        return [FinalBook(*book) for answer in answers for book in answer["books"]]

    async def _ask_all(self, op: str, answer: str, seconds: float, **fields: object) -> list[dict[str, Any]]:
        """Ask all at once, and then listen to each."""
        for role in self._roles:
            role.tell(op, **fields)
        return [await role.hear(answer, seconds) for role in self._roles]

    def usage(self) -> Usage:
        """Measure all processes together."""
        return total_usage(self.children)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_together(self.children)
