"""Every user's books beside the engine's own, while the market rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from outcry.load.aio.engine_books import EngineBooks
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.plan import UserPlan
from outcry.load.verdict import BookVerdict, judge

VERDICTS_MAX: Final = 3
"""If somebody else's order moves the market while books are compared, they are compared again."""


async def engine_verdict(
    redis_url: str, seqs: Mapping[str, int], plans: Sequence[UserPlan], crew: LoadCrew
) -> BookVerdict:
    """
    Let every user ask for books, and compare them with the engine's.

    Args:
        redis_url: Where the engine keeps its books.
        seqs: Instrument to the last seq in the feed.
        plans: The books that each user follows.
        crew: The users.

    Raises:
        RoleFailed: If the engine's snapshots do not become as new as the feed, or the users' processes fail.
    """
    instruments = sorted({instrument for plan in plans for instrument in plan.instruments})
    books = EngineBooks(redis_url, instruments)
    try:
        for _ in range(VERDICTS_MAX):
            engine = await books.read_when_still(seqs)
            told = await crew.final_books(engine)
            if await books.read() == engine:
                break
        return judge(plans, told, engine)
    finally:
        await books.aclose()
