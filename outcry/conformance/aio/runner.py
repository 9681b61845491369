"""Runs the checks: many side by side, each with a deadline, those that trade one after another."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import ConfigurationError, OpenOutcryError
from outcry.conformance.aio.checks import all_checks
from outcry.conformance.aio.pit import Pit
from outcry.conformance.aio.registry import body_of
from outcry.conformance.aio.stirrer import Stirrer
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.aio.trial import TIDY_S, Trial
from outcry.conformance.aio.venue import Venue, log_in, survey
from outcry.conformance.check import Check, chosen
from outcry.conformance.expectation import Failed, Skipped
from outcry.conformance.options import ConformanceOptions
from outcry.conformance.report import CheckVerdict, ConformanceReport, Result
from outcry.conformance.users import CheckUser, gather_users

SUITE_S: Final = 90.0
"""Deadline of a run; checks that have not ended by then have failed."""
SURVEY_S: Final = 15.0
CHECKS_AT_ONCE: Final = 12
"""Most of them wait for something; more would make each other wait on a small machine."""
ATTEMPTS_MAX: Final = 5
"""At a contended check, when others' orders come between."""
STAFF: Final = 4
"""Users of the kit itself: two who keep a book in motion, one who makes room for prices, one who looks."""


class Unreachable(OpenOutcryError):
    """What was to be tested does not answer, or not in this protocol; nothing could be checked."""


async def run_conformance(
    options: ConformanceOptions, on_result: Callable[[Result], None] = lambda _: None
) -> ConformanceReport:
    """
    Check a server.

    Args:
        options: What to check, and with which users.
        on_result: Hears of every check as it ends.

    Raises:
        ConfigurationError: If the options cannot be carried out.
        Unreachable: If the server does not answer, or does not even speak of itself as the document says.
    """
    options = options.checked()
    checks = chosen(all_checks(), options.only)
    if not checks:
        raise ConfigurationError(f"no check's name matches {options.only!r}")
    run, secret = secrets.token_hex(4), _secret(options)
    users = gather_users([*options.tokens, *_tokens(options)], secret, run, time.time())
    began = time.monotonic()
    try:
        async with asyncio.timeout(SURVEY_S):
            venue = await survey(options.urls, secret, run, users[0], options.instrument)
        results = await Run(venue, users, on_result).carry_out(checks)
    except (Failed, TimeoutError) as error:
        reason = str(error) or f"no answer within {SURVEY_S:g} s"
        raise Unreachable(f"{options.urls[0]} cannot be tested: {reason}") from error
    return ConformanceReport(venue.urls, venue.quiet.symbol, results, time.monotonic() - began)


class UserPool:
    """
    Lends users to checks: each has its own while it runs, so that no check meets another's limits, orders or messages.

    Args:
        users: All there are.
    """

    def __init__(self, users: Iterable[CheckUser]) -> None:
        self._free = deque(users)
        self._returned = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def lend(self, count: int) -> AsyncIterator[list[CheckUser]]:
        """Lend this many, all at once, the longest unused first; wait until they are there."""
        async with self._returned:
            await self._returned.wait_for(lambda: len(self._free) >= count)
            users = [self._free.popleft() for _ in range(count)]
        try:
            yield users
        finally:
            async with self._returned:
                self._free.extend(users)
                self._returned.notify_all()


class Run:
    """
    One run: who is busy with what.

    Args:
        venue: The exchange.
        users: At least `USERS_MIN`; the first STAFF are the kit's own.
        on_result: Hears of every check as it ends.
    """

    def __init__(self, venue: Venue, users: Sequence[CheckUser], on_result: Callable[[Result], None]) -> None:
        self._venue = venue
        self._staff = users[:STAFF]
        self._pool = UserPool(users[STAFF:])
        self._on_result = on_result
        self._results: dict[Check, Result] = {}
        self._places = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._trading = asyncio.Lock()

    async def carry_out(self, checks: Sequence[Check]) -> list[Result]:
        """Run these checks, those that may take long first, and return what came of them, in their order."""
        traders = [await self._employ(number, user) for number, user in enumerate(self._staff[1:])]
        broom, maker, taker = traders
        stirrer = Stirrer(maker, taker, self._venue.busy)
        try:
            async with asyncio.TaskGroup() as tasks:
                stirring = tasks.create_task(_stir(stirrer), name="stirrer")
                await self._carry_out(checks, Pit(broom, self._venue.quiet))
                stirring.cancel()
        finally:
            await _dismiss(traders)
        missing = f"not ended within the {SUITE_S:g} s of the suite"
        return [self._results.get(check, Result(check, CheckVerdict.FAIL, missing, SUITE_S, 1)) for check in checks]

    async def _employ(self, number: int, user: CheckUser) -> CheckTrader:
        client = await log_in(self._venue.urls[0], user, Encoding.MSGPACK)
        return CheckTrader(client, self._venue.quiet.symbol, f"{self._venue.run}-staff-{number}")

    async def _carry_out(self, checks: Sequence[Check], pit: Pit) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SUITE_S), asyncio.TaskGroup() as tasks:
                for check in sorted(checks, key=lambda check: -check.seconds):
                    tasks.create_task(self._prove(check, pit), name=check.name)

    async def _prove(self, check: Check, pit: Pit) -> None:
        alone = self._trading if check.is_contended else contextlib.nullcontext()
        async with alone, self._places, self._pool.lend(check.users) as users:
            began = time.monotonic()
            verdict, text, attempts = await self._attempts(check, users, pit)
        result = Result(check, verdict, text, time.monotonic() - began, attempts)
        self._results[check] = result
        self._on_result(result)

    async def _attempts(self, check: Check, users: Sequence[CheckUser], pit: Pit) -> tuple[CheckVerdict, str, int]:
        if len(self._venue.urls) < check.gateways:
            return CheckVerdict.SKIP, f"needs the URLs of {check.gateways} gateways of one exchange", 1
        attempt, is_final = 0, False
        while not is_final:
            attempt += 1
            trial = Trial(self._venue, users, f"{self._venue.run}-{secrets.token_hex(4)}", pit)
            try:
                verdict, text = await _attempt(check, trial)
                again = verdict is CheckVerdict.FAIL and check.is_contended and attempt < ATTEMPTS_MAX
                is_final = not (again and await _was_disturbed(trial))
            finally:
                await trial.tidy()
        return verdict, text, attempt


async def _attempt(check: Check, trial: Trial) -> tuple[CheckVerdict, str]:
    try:
        async with asyncio.timeout(check.seconds):
            return CheckVerdict.PASS, await body_of(check)(trial) or ""
    except Skipped as reason:
        return CheckVerdict.SKIP, str(reason)
    except Failed as reason:
        return CheckVerdict.FAIL, str(reason)
    except TimeoutError:
        return CheckVerdict.FAIL, f"no end within {check.seconds:g} s; waiting: {trial.waits_for() or 'for nothing'}"
    except Exception as error:  # noqa: BLE001 - the top of a check: one that breaks must not end the others
        return CheckVerdict.FAIL, f"the check itself broke: {error!r}"


async def _was_disturbed(trial: Trial) -> bool:
    try:
        async with asyncio.timeout(TIDY_S):
            return await trial.was_disturbed()
    except (Failed, TimeoutError):
        return False


async def _stir(stirrer: Stirrer) -> None:
    with contextlib.suppress(Failed):  # a check that misses the motion says so
        await stirrer.run()


async def _dismiss(traders: Sequence[CheckTrader]) -> None:
    for trader in traders:
        with contextlib.suppress(Failed, TimeoutError):
            async with asyncio.timeout(TIDY_S):
                await trader.withdraw()
                await trader.client.wire.shut()
        trader.client.wire.abort()


def _tokens(options: ConformanceOptions) -> list[str]:
    return _read(options.token_file).decode().split() if options.token_file else []


def _secret(options: ConformanceOptions) -> bytes | None:
    return _read(options.secret_file).strip() if options.secret_file else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
