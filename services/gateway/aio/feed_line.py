"""A line to the feed that reads from a replica while that serves, and from the primary else.

A gateway's reads are most of what a store does for it, and any replica can answer them; commands go to the primary. The
replica is asked what it is between two reads, on the connection that is read: behind a sentinel another connection may
lead to another replica. What it lacks for a moment nobody sees: the reader waits at its place, or the primary has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from services.gateway.replication import Replication, read_replication, replica_fault
from shared.aio.redis_connection import UNREACHABLE, Redis, RedisError
from shared.aio.redis_line import RedisLine
from shared.aio.store_failure import store_failure
from shared.metric_families import MetricFamilies

CHECK_S: Final = 1.0
"""Between two checks, and how far behind the primary a replica may be."""
GOOD_CHECKS: Final = 3
"""In a row, before a replica that was left is read from again."""
_GATEWAY: Final = MetricFamilies("outcry_gateway")


class FeedLine(RedisLine):
    """
    A line for one reader.

    Args:
        primary: For what the replica cannot give.
        replica: Read from while it serves.
        now: Tells monotonic seconds.
        log: Is told of each change.
    """

    def __init__(self, primary: Redis, replica: Redis, now: Callable[[], float], log: FilteringBoundLogger) -> None:
        super().__init__(primary)
        self.is_on_replica = False
        self.left = 0
        """Times that the replica was left."""
        self._replica = RedisLine(replica)
        self._now = now
        self._log = log
        self._check_at = 0.0
        self._before: Replication | None = None
        """What the primary said at the check before."""
        self._good = GOOD_CHECKS - 1
        """In a row; a replica that was never left needs one."""
        self._fault = ""

    async def call(self, *words: str | bytes | int) -> Any:
        """
        Send one command, to the replica if it serves.

        Raises:
            RedisError: As a `RedisLine`; after a failure of the replica the next call goes to the primary.
        """
        if self._now() >= self._check_at:
            await self._check()
        if not self.is_on_replica:
            return await super().call(*words)
        try:
            return await self._replica.call(*words)
        except (*UNREACHABLE, RedisError) as error:
            self._leave(store_failure(error))
            raise

    async def hang_up(self) -> None:
        """End all connections; a replica that was silent is left."""
        self._leave("it is silent")
        await self._replica.hang_up()
        await super().hang_up()

    async def _check(self) -> None:
        """Ask both what they are. A primary that does not answer says nothing against the replica."""
        self._check_at = self._now() + CHECK_S
        try:
            primary = read_replication(await super().call("INFO", "replication"))
        except (*UNREACHABLE, RedisError, ValueError):
            return
        try:
            replica = read_replication(await self._replica.call("INFO", "replication"))
            fault = replica_fault(replica, primary, self._before)
        except ValueError as error:
            fault = str(error)
        except (*UNREACHABLE, RedisError) as error:
            fault = store_failure(error)
        is_first, self._before = self._before is None, primary
        if fault:
            if not is_first:
                self._leave(fault)
            return
        self._good += 1
        if self._good >= GOOD_CHECKS and not self.is_on_replica:
            self.is_on_replica, self._fault = True, ""
            self._log.info("the feed is read from the replica")

    def _leave(self, fault: str) -> None:
        """Read from the primary; told once for each fault."""
        self._good = 0
        self.left += self.is_on_replica
        if self.is_on_replica or fault != self._fault:
            self._log.warning("the feed is read from the primary: the replica does not serve", fault=fault)
        self.is_on_replica, self._fault = False, fault


class FeedLineCollector(Collector):
    """Turns a feed line's state into metrics; None stands for one that has just begun."""

    def __init__(self, line: FeedLine | None) -> None:
        self._line = line

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        line = self._line
        yield _GATEWAY.gauge(
            "feed_replica", "With FEED_URL: 1 while the feed is read from there, 0 while from the primary",
            0 if line is None else int(line.is_on_replica),
        )  # fmt: skip
        yield _GATEWAY.counter(
            "feed_replica_left", "With FEED_URL: times that the replica was left", 0 if line is None else line.left
        )
