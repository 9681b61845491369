"""What a load run needs of an exchange, whoever started it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from outcry.load.aio.load_crew import LoadCrew
from outcry.load.plan import UserPlan
from outcry.load.verdict import BookVerdict
from outcry.stack.aio.child import Child
from outcry.stack.usage import Usage


class LoadedMarket(Protocol):
    """An exchange under load."""

    @property
    def kind(self) -> str:
        """`own` or `foreign`."""

    @property
    def proof(self) -> str:
        """What a good verdict says, in a sentence without its full stop."""

    @property
    def urls(self) -> Sequence[str]:
        """WebSocket URLs of its gateways."""

    @property
    def instruments(self) -> Sequence[str]:
        """What users may follow, in order of listing."""

    @property
    def settings(self) -> Mapping[str, str]:
        """How it was started, by name, for the report; empty if that is not known."""

    @property
    def needed(self) -> Sequence[Child]:
        """Processes of ours without which it does not go on."""

    @property
    def metrics(self) -> Mapping[str, str]:
        """Name to the URL of its Prometheus metrics."""

    def named(self, plans: Sequence[UserPlan]) -> list[UserPlan]:
        """Return the plans under names that the exchange knows."""

    def token(self, user: str) -> str:
        """Return a user's token."""

    def lost_gateways(self) -> Sequence[str]:
        """
        Return how gateways have ended so far.

        Raises:
            RoleFailed: If something without which it does not go on has ended.
        """

    def set_pace(self, factor: float) -> bool:
        """Let the market trade at this multiple of its rate; False if its rate is not ours to set."""

    async def lose_gateway(self) -> str:
        """End one gateway without a warning; return what was done."""

    def usage(self) -> Mapping[str, Usage]:
        """Measure the processes that can be measured, by role."""

    async def rest(self) -> None:
        """Let the market come to rest, if that is possible."""

    async def judge(self, plans: Sequence[UserPlan], crew: LoadCrew) -> BookVerdict:
        """Collect every user's books, and compare them; after `rest`."""
