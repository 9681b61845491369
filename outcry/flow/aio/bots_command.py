"""`outcry bots`: a crowd that trades on a running exchange until it is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from urllib.parse import quote

from outcry.flow.aio.bots import Bots
from outcry.flow.market_tape import TapeCounts
from outcry.flow.special_effect import told_in_words
from shared.aio.first_error import first_error


async def run_bots(bots: Bots, say: Callable[[str], None]) -> None:
    """
    Trade until SIGTERM or SIGINT, then wait until the engine has applied all of it, and say what was done.

    Args:
        bots: Not started.
        say: Shows a line.

    Raises:
        OpenOutcryError: As `Bots` and `Driver` do: when Redis or the engine does not answer for too long.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, bots.stopping.set)
    try:
        await bots.start()
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(bots.follow())
            await bots.prepare()
            say(f"trading on {', '.join(each.symbol for each in bots.traded)}; Ctrl-C ends it")
            before, began = bots.tape.counts, asyncio.get_running_loop().time()
            await bots.run()
            seconds = asyncio.get_running_loop().time() - began
            following.cancel()
        say(summary(bots, before, seconds))
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        await bots.aclose()


def summary(bots: Bots, before: TapeCounts, seconds: float) -> str:
    """
    Return what a crowd did, a line for each kind of figure.

    Args:
        bots: At its end.
        before: What the feed had shown when it began to trade; changes and trades of others count too.
        seconds: How long it traded.
    """
    changes, trades = bots.tape.changes - before.changes, bots.tape.trades - before.trades
    done = f"{changes:,} book changes ({changes / max(seconds, 1e-3):,.0f}/s) and {trades:,} trades in {seconds:.1f} s"
    lines = [f"{done}; {bots.commands_sent:,} commands sent in all"]
    if special := told_in_words(bots.special.told()):
        lines.append(special)
    lines += [f"{count:,} refused by the engine: {code.value}" for code, count in bots.tape.refused.most_common()]
    return "\n".join(lines)


def with_credentials(url: str, credentials: tuple[str | None, str | None]) -> str:
    """
    Return the URL with user and password in it; unchanged if it names a user already, or there is no password.

    Args:
        url: As for `open_redis`.
        credentials: User and password, as `ServiceSettings.redis_credentials`.
    """
    username, password = credentials
    scheme, _, rest = url.partition("://")
    if password is None or "@" in rest:
        return url
    return f"{scheme}://{quote(username or '', safe='')}:{quote(password, safe='')}@{rest}"
