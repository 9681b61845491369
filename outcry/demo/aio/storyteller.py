"""Carries the demo's story out on a running exchange, and measures what each chapter did.

What is killed is started again after a few seconds, as an orchestrator would. A chapter is looked at several times a
second until all users are back, or for CHAPTER_SECONDS_MAX.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from hdrh.histogram import HdrHistogram

from outcry.demo.story import Chapter, Turn, announcement, complaint, told
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.latency import new_histogram, percentile_ms
from outcry.load.look import LoadStatistics
from outcry.stack.aio.child import Child
from outcry.stack.aio.leadership import Leadership
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack

CHAPTER_SECONDS_MAX: Final = 20.0
"""How long users may take to be back; then the chapter ends as it is, and the verdict names it."""
CHAPTER_SECONDS_MIN: Final = 2.0
"""How long a chapter is watched at least: whom it concerns must have had the time to notice."""
BLACKOUT_SECONDS: Final = 3.0
"""How long refusals are counted before what they did is told."""
DEAD_SECONDS: Final = 3.0
"""What is killed stays dead for so long."""
LOOK_SECONDS: Final = 0.1


class _Open(NamedTuple):
    """A chapter that goes on."""

    chapter: Chapter
    began: float
    """Monotonic seconds."""
    since_us: int
    disconnects: int
    """Before it."""
    sent: int
    """Commands of the bots, before it."""
    victim: Child | None
    recovery: HdrHistogram
    """Of users since then, µs."""
    sent_before_leader: int | None = None
    """Commands that were sent when another engine was first seen to lead; what is answered of them, it has answered."""


class Storyteller:
    """
    Tells the story of one run, one chapter at a time. Used from one task: whoever it asks answers one question at once.

    Args:
        stack: Started.
        driver: The bots.
        crew: The users.
        statistics: Asks the users, and keeps what they measured.
        instrument: Of the blackout.
        users: How many there are.
        say: Shows a sentence.
    """

    def __init__(
        self,
        stack: Stack,
        driver: RoleProcess,
        crew: LoadCrew,
        statistics: Callable[[], Awaitable[LoadStatistics]],
        instrument: str,
        users: int,
        say: Callable[[str], None],
    ) -> None:
        self.chapters: list[Chapter] = []
        self.killed: set[str] = set()
        """Names of the parts that this story has killed."""
        self._stack = stack
        self._driver = driver
        self._crew = crew
        self._statistics = statistics
        self._instrument = instrument
        self._users = users
        self._say = say
        self._open: _Open | None = None
        self._dead: list[tuple[float, Child]] = []

    @property
    def is_open(self) -> bool:
        """Whether a chapter goes on; the next one waits for its end."""
        return self._open is not None

    @property
    def deed(self) -> Turn | None:
        """What is going on."""
        return self._open.chapter.deed if self._open is not None else None

    async def begin(self, deed: Turn, at: float) -> None:
        """Let a chapter happen, at this second of the measurement."""
        assert self._open is None
        market, load = await self._ask(), await self._statistics()
        victim, name, users = await self._victim(deed, load)
        self._say(f"{at:5.1f} s  {announcement(deed, name, users)}")
        since_us, began = time.time_ns() // 1000, time.monotonic()
        if victim is not None:
            victim.kill()
            self.killed.add(victim.name)
            self._dead.append((began + DEAD_SECONDS, victim))
        else:
            self._driver.tell("blackout")
        chapter = Chapter(at, deed, name)
        counts = load.counts["disconnects"]
        self._open = _Open(chapter, began, since_us, counts, market["commands"], victim, new_histogram())

    async def look(self) -> None:
        """See how the chapter goes on, and tell its end; restart what has been dead for long enough."""
        self._restart()
        if self._open is None:
            return
        opened, now = self._open, time.monotonic()
        market, load = await self._ask(), await self._statistics()
        if opened.sent_before_leader is None and await self._has_successor(opened):
            opened = opened._replace(sent_before_leader=market["commands"])
        opened.recovery.add(load.delays["recovery"])
        chapter = self._told_by(opened, market, load)
        elapsed = now - opened.began
        if chapter.deed is Turn.BLACKOUT:
            is_over = elapsed >= BLACKOUT_SECONDS
        else:
            back_us = await self._back_us(opened, market, load) if elapsed >= LOOK_SECONDS else 0
            if back_us and chapter.back_ms is None:
                chapter = chapter._replace(back_ms=max(0.0, (back_us - opened.since_us) / 1000))
            is_over = chapter.back_ms is not None and elapsed >= CHAPTER_SECONDS_MIN
            is_over |= elapsed >= CHAPTER_SECONDS_MAX
        self._open = opened._replace(chapter=chapter)
        if is_over:
            self._end(chapter, market)

    def close(self, market: Mapping[str, Any]) -> None:
        """End what still goes on: the market has come to rest, and this is the bots' last word."""
        if self._open is not None:
            self._end(self._open.chapter, market)

    def restore(self) -> None:
        """Start again what is dead, whatever the time."""
        self._dead = [(0.0, child) for _, child in self._dead]
        self._restart()

    def complaints(self) -> list[str]:
        """Return what was wrong with how chapters ended."""
        return [text for chapter in self.chapters if (text := complaint(chapter))]

    # -- private ------------------------------------------------------------------------------------------------------

    async def _ask(self) -> Mapping[str, Any]:
        return await self._driver.ask("stats", "stats")

    async def _victim(self, deed: Turn, load: LoadStatistics) -> tuple[Child | None, str, int]:
        stack = self._stack
        if deed is Turn.BLACKOUT:
            return None, self._instrument, 0
        if deed is Turn.GATEWAY:
            place = max(range(len(stack.gateways)), key=load.connections.__getitem__)
            gateway = stack.gateways[place]
            return gateway, gateway.name, load.connections[place]
        leader = await self._leader() or stack.engines[0]
        return leader, leader.name, 0

    async def _leader(self) -> Child | None:
        leadership = Leadership(self._stack.redis_url)
        try:
            return await leadership.leader(self._stack.engines)
        finally:
            await leadership.aclose()

    async def _has_successor(self, opened: _Open) -> bool:
        if opened.chapter.deed is not Turn.ENGINE:
            return False
        leader = await self._leader()
        return leader is not None and leader is not opened.victim

    def _told_by(self, opened: _Open, market: Mapping[str, Any], load: LoadStatistics) -> Chapter:
        effect = market["blackout"]
        return opened.chapter._replace(
            users_moved=load.counts["disconnects"] - opened.disconnects,
            back_p50_ms=percentile_ms(opened.recovery, 50.0),
            silent_ms=max(opened.chapter.silent_ms, market["silent_ms"]),
            orders_waiting=max(opened.chapter.orders_waiting, market["commands"] - market["answered"]),
            orders_ended=effect["ended"],
            users_closed_out=effect["users"],
            orders_refused=effect["refused"],
            sentence=effect["sentence"],
        )

    async def _back_us(self, opened: _Open, market: Mapping[str, Any], load: LoadStatistics) -> int:
        """Return when the last user was back, µs since 1970; 0: not yet."""
        if opened.chapter.deed is Turn.GATEWAY:
            return load.whole_at_us if load.whole == self._users and load.whole_at_us > opened.since_us else 0
        if opened.sent_before_leader is None or market["answered"] < opened.sent_before_leader:
            return 0  # nobody leads yet, or what waited is not answered
        expected = {symbol: (market["epoch"], seq) for symbol, seq in market["seqs"].items()}
        reached = await self._crew.reached(expected, opened.since_us)
        return time.time_ns() // 1000 if reached == self._users else 0

    def _end(self, chapter: Chapter, market: Mapping[str, Any]) -> None:
        opened, self._open = self._open, None
        assert opened is not None
        chapter = chapter.ended(opened.sent, market["answered"])
        self.chapters.append(chapter)
        for sentence in told(chapter):
            self._say(f"         {sentence}")

    def _restart(self) -> None:
        now = time.monotonic()
        due = [child for at, child in self._dead if at <= now]
        self._dead = [each for each in self._dead if each[0] > now]
        for child in due:
            if child.exit_status() is not None:
                child.restart()
