"""All users, over all their processes: connected together, counted together, asked together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from hdrh.histogram import HdrHistogram

from outcry.load.book_position import FinalBook
from outcry.load.delays import MEANINGS
from outcry.load.fleet_settings import FleetSettings
from outcry.load.latency import add_encoded, new_histogram
from outcry.load.look import LoadStatistics
from outcry.load.plan import UserPlan, shares
from outcry.load.verdict import EngineBook
from outcry.stack.aio.child import Child, stop_together, total_usage
from outcry.stack.aio.role import ANSWER_SECONDS_MAX, RoleProcess
from outcry.stack.usage import Usage

START_SECONDS_MAX: Final = 30.0
SETTLE_SECONDS_MAX: Final = 60.0
VERIFY_SECONDS_MAX: Final = 120.0


class LoadCrew:
    """The users' processes; a context manager that ends them."""

    def __init__(self) -> None:
        self._roles: list[RoleProcess] = []

    async def start(
        self,
        plans: Sequence[UserPlan],
        token: Callable[[str], str],
        gateways: Sequence[str],
        folder: Path,
        processes: int,
        settings: FleetSettings | None = None,
    ) -> None:
        """
        Start so many processes and deal the users out to them; nobody connects yet.

        Args:
            plans: What each user does.
            token: Mints a user's.
            gateways: WebSocket URLs.
            folder: For the logs.
            processes: How many; none gets more than its share of any gateway.
            settings: How users come and go; without any, as in the demo.

        Raises:
            RoleFailed: If one does not start.
        """
        common = settings or FleetSettings(seed=0)
        for number, dealt in enumerate(shares(plans, processes), start=1):
            tokens = [token(plan.name) for plan in dealt]
            its_own = common._replace(seed=common.seed + number, phase=(number - 1) / processes)
            role = RoleProcess(f"load-{number}", "outcry.load", folder)
            self._roles.append(role)
            await role.start(plans=dealt, tokens=tokens, gateways=gateways, settings=its_own)
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

    def freeze(self) -> None:
        """Get ready to be measured: what has been made by now is not walked through by garbage collections."""
        for role in self._roles:
            role.tell("freeze")

    def set_churn(self, share: float) -> None:
        """Let this share of users leave every second, and come back."""
        for role in self._roles:
            role.tell("churn", rate=share)

    def set_orders(self, rate: float) -> None:
        """Let all users together send so many orders a second."""
        for role in self._roles:
            role.tell("orders", rate=rate / len(self._roles))

    def drop_all(self) -> None:
        """End every connection at once; all users return."""
        for role in self._roles:
            role.tell("drop")

    def send_home(self) -> None:
        """Let users whom a loss has driven elsewhere go back to the gateways of their plans."""
        for role in self._roles:
            role.tell("home")

    async def settle(self) -> None:
        """End orders and churn; returns when no order rests, or it takes too long."""
        await self._ask_all("settle", "settled", SETTLE_SECONDS_MAX)

    async def statistics(self) -> LoadStatistics:
        """Ask all processes what they have seen."""
        answers = await self._ask_all("stats", "stats", ANSWER_SECONDS_MAX)
        return LoadStatistics(
            counts=_sums(answer["counts"] for answer in answers),
            slow_counts=_sums(answer["slow_counts"] for answer in answers),
            connections=[sum(each) for each in zip(*(answer["connections"] for answer in answers), strict=True)],
            slow_connections=sum(answer["slow_connections"] for answer in answers),
            whole=sum(answer["whole"] for answer in answers),
            whole_at_us=max(answer["whole_at_us"] for answer in answers),
            latency=_total(answer["latency"] for answer in answers),
            below_zero=sum(answer["below_zero"] for answer in answers),
            delays={name: _total(answer["delays"].get(name, "") for answer in answers) for name in MEANINGS},
            orders_waiting=sum(answer["orders_waiting"] for answer in answers),
            troubles=sorted({answer[of] for answer in answers for of in ("last_loss", "last_refusal")} - {""}),
        )

    async def means(self) -> list[Sequence[int]]:
        """Return every reading user's own deliveries since the last call, as `fairness.UserMean`."""
        return [
            mean for answer in await self._ask_all("means", "means", ANSWER_SECONDS_MAX) for mean in answer["means"]
        ]

    async def seqs(self) -> dict[str, int]:
        """Return how far the furthest user has come, by instrument; it holds users up for a moment."""
        furthest: dict[str, int] = {}
        for answer in await self._ask_all("seqs", "seqs", ANSWER_SECONDS_MAX):
            for instrument, seq in answer["seqs"].items():
                furthest[instrument] = max(seq, furthest.get(instrument, 0))
        return furthest

    async def reached(self, expected: Mapping[str, tuple[int, int]], since_us: int) -> int:
        """Count the users who stand at (epoch, seq) or beyond in every book, and have been sent something since."""
        answers = await self._ask_all("reached", "reached", ANSWER_SECONDS_MAX, expected=expected, since_us=since_us)
        return sum(answer["users"] for answer in answers)

    async def market_view(self) -> dict[str, Any]:
        """Return books and trades as the very first user holds them."""
        return await self._roles[0].ask("view", "view")

    async def final_books(self, engine: Mapping[str, EngineBook]) -> list[FinalBook]:
        """Let every user reach the engine's last state (wherever it is known), and then ask for its books."""
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


def _sums(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Add counts by name; zeros stay."""
    summed: Counter[str] = Counter()
    for each in counts:
        summed.update(each)
    return summed


def _total(encoded: Iterable[str]) -> HdrHistogram:
    total = new_histogram()
    for each in encoded:
        add_encoded(total, each)
    return total
