"""`outcry ledger verify` at work: the chain and the segments, in as many processes as were asked for.

Owns who looks at what, and the progress that is shown. Every process opens the database by itself; a segment's result
is all that comes back. What cannot be looked at ends the run.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any, Final

from outcry.time_machine.aio.damage import damage_named
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.patient_collector import COLLECTOR_THRESHOLDS, patient_collector
from outcry.time_machine.balance_tally import result_findings
from outcry.time_machine.candle_tally import edge_findings
from outcry.time_machine.chain_check import ChainCheck, ChainResult
from outcry.time_machine.difference import FINDINGS_MAX, Difference
from outcry.time_machine.frame_check import frame_findings
from outcry.time_machine.segment_check import NOTHING_FOUND, Segment, SegmentCheck, SegmentResult
from outcry.time_machine.unrecorded import DamagedRecord
from outcry.time_machine.verification import LedgerVerdict, VerificationPlan, plan, verdict
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signing_keys import VerifyingKeys

JOBS_MAX: Final = 64
QUIET_S: Final = 2.0
"""A run that takes longer says how far it is."""
SHOW_S: Final = 1.0

_done: Any = None  # commands replayed by all processes, shared


def verify(
    url: str,
    *,
    from_us: int | None = None,
    until_us: int | None = None,
    jobs: int = 1,
    keys: VerifyingKeys | None = None,
    salts: SaltKeys | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> LedgerVerdict:
    """
    Verify a ledger up to its place of now.

    Args:
        url: Of its database.
        from_us: See `verification.plan`.
        until_us: Likewise.
        jobs: Processes; 1: this one.
        keys: Of the heads' signatures, if they are to be checked.
        salts: Of the leaves, if whoever verifies has them.
        say: Shows how far it is, a line each, once a second beyond QUIET_S.

    Raises:
        NotRecorded: If there is nothing to look at, or the database does not answer; OtherRelease.
        DamagedRecord: If a value that says what there is to look at cannot be.
    """
    with damage_named(url):
        return _verified(url, (from_us, until_us), jobs, keys, salts, say)


def _verified(
    url: str,
    span: tuple[int | None, int | None],
    jobs: int,
    keys: VerifyingKeys | None,
    salts: SaltKeys | None,
    say: Callable[[str], None],
) -> LedgerVerdict:
    began = time.monotonic()
    by_id = dict(salts.by_id) if salts is not None else {}
    with LedgerRecord(reading_engine(url)) as record:
        what = plan(record, *span)
        progress = _Progress(what, say, began)
        if jobs == 1:
            with patient_collector():
                chain, findings = _chain(record, what, keys)
                parts = list(_one_by_one(record, what, by_id, progress))
    if jobs > 1:  # with no connection open, which a process of the pool would have too
        chain, findings, parts = _side_by_side(url, what, keys, by_id, jobs, progress)
    if not any(part.findings for part in parts):
        edges = [part.edges for part in parts]
        with LedgerRecord(reading_engine(url)) as record:
            findings += edge_findings(record, what.segments[0].mark, what.place, edges)
            now = record.accounts("holding") if what.segments[-1].is_last else ()
            realised = [part.realised for part in parts]
            anew = [before.end is None for before in what.segments[:-1]]
            is_known = not what.after_block
            findings += islice(result_findings(realised, [is_known, *anew], now, what.place.position), FINDINGS_MAX)
    return verdict(what, chain, findings, parts, time.monotonic() - began)


def _chain(
    record: LedgerRecord, what: VerificationPlan, keys: VerifyingKeys | None
) -> tuple[ChainResult, list[Difference]]:
    epochs = {row.number: row.epoch for row in record.histories()}
    check = ChainCheck(record, what.place, epochs, keys, what.after_block)
    findings = list(islice(check.run(), FINDINGS_MAX))
    findings += islice(frame_findings(record, what.place, what.newest_block), FINDINGS_MAX)
    return check.result, findings


def _one_by_one(
    record: LedgerRecord, what: VerificationPlan, salts: Mapping[str, SaltKey], progress: _Progress
) -> Iterator[SegmentResult]:
    found = 0
    for segment in what.segments:
        result = _checked(record, segment, progress.add, salts)
        found += len(result.findings)
        yield result
        if found >= FINDINGS_MAX:
            return


def _checked(
    record: LedgerRecord, segment: Segment, add: Callable[[int], None], salts: Mapping[str, SaltKey]
) -> SegmentResult:
    try:
        return SegmentCheck(record, segment, add, salts).run()
    except DamagedRecord as damaged:
        return NOTHING_FOUND._replace(findings=[damaged.finding])


def _side_by_side(
    url: str,
    what: VerificationPlan,
    keys: VerifyingKeys | None,
    salts: Mapping[str, SaltKey],
    jobs: int,
    progress: _Progress,
) -> tuple[ChainResult, list[Difference], list[SegmentResult]]:
    shared = multiprocessing.Value("q", 0)
    parts: dict[int, SegmentResult] = {}
    chain, findings = ChainResult(0, 0, b""), list[Difference]()
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(shared,)) as pool:
        checking = pool.submit(_check_chain, url, what, keys)
        waiting: set[Future[Any]] = {checking}
        segments = enumerate(what.segments)
        waiting |= {pool.submit(_check_segment, url, *each, salts) for each in islice(segments, jobs)}
        while waiting:
            done, waiting = wait(waiting, timeout=SHOW_S, return_when=FIRST_COMPLETED)
            progress.show(shared.value)
            for future in done:
                if future is checking:
                    chain, findings = future.result()
                    continue
                number, result = future.result()
                parts[number] = result
                if sum(len(part.findings) for part in parts.values()) < FINDINGS_MAX:
                    waiting |= {pool.submit(_check_segment, url, *each, salts) for each in islice(segments, 1)}
    return chain, findings, [parts[number] for number in sorted(parts)]


def _begin(shared: Any) -> None:
    global _done  # noqa: PLW0603 - a process of the pool has one counter
    _done = shared
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def _add(commands: int) -> None:
    with _done.get_lock():
        _done.value += commands


def _check_chain(url: str, what: VerificationPlan, keys: VerifyingKeys | None) -> tuple[ChainResult, list[Difference]]:
    with LedgerRecord(reading_engine(url)) as record:
        return _chain(record, what, keys)


def _check_segment(url: str, number: int, segment: Segment, salts: Mapping[str, SaltKey]) -> tuple[int, SegmentResult]:
    waiting = 0

    def count(commands: int) -> None:
        nonlocal waiting
        waiting += commands
        if waiting >= 1_000:
            _add(waiting)
            waiting = 0

    with LedgerRecord(reading_engine(url)) as record:
        result = _checked(record, segment, count, salts)
    _add(waiting)
    return number, result


class _Progress:
    """How far a run is."""

    def __init__(self, what: VerificationPlan, say: Callable[[str], None], began: float) -> None:
        self._all = sum(segment.until - segment.mark.position for segment in what.segments)
        self._say = say
        self._began = began
        self._shown = began + QUIET_S - SHOW_S
        self._done = 0

    def add(self, commands: int) -> None:
        self._done += commands
        self.show(self._done)

    def show(self, done: int) -> None:
        now = time.monotonic()
        if now - self._shown >= SHOW_S:
            self._shown = now
            share = done / max(self._all, 1)
            rate = done / (now - self._began)
            self._say(f"{share:.0%}, {done:,} of {self._all:,} commands, {rate:,.0f}/s")
