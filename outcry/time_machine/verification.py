"""The verification of a ledger: what is looked at, and what is said of it.

Owns the plan (which segments), and the verdict. Leaves to `aio.verify_run` who looks at which segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from outcry.time_machine.chain_check import ChainResult
from outcry.time_machine.difference import FINDINGS_MAX, Difference
from outcry.time_machine.past_market import known_line
from outcry.time_machine.playback import gap_text
from outcry.time_machine.record import GapRow, MarkRow, Record, Stretch
from outcry.time_machine.segment_check import Segment, SegmentResult
from outcry.time_machine.time_text import DAY_US, moment_text
from outcry.time_machine.unrecorded import NotRecorded
from services.ledger.fork import WriterPlace
from shared.logs.engine_version import ENGINE_VERSION

REPORT_FORM: Final = 1


class VerificationPlan(NamedTuple):
    """What a verification looks at."""

    place: WriterPlace
    """As of its beginning: a live ledger goes on meanwhile."""
    segments: list[Segment]
    gaps: list[GapRow]
    """Not filled, within it."""
    after_block: int
    """The chain is checked from the block behind this one on; 0: all of it."""
    newest_block: int
    """Of before the place was read."""


class LedgerVerdict(NamedTuple):
    """What came of it."""

    plan: VerificationPlan
    commands: int
    packets: int
    rows: int
    marks: int
    chain: ChainResult
    findings: list[Difference]
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether the record is what follows from its commands."""
        return not self.findings

    def summary(self) -> str:
        """Return one line."""
        segments, gaps = self.plan.segments, self.plan.gaps
        head = self.chain.chain.hex()
        if self.findings:
            many = "at least " if len(self.findings) >= FINDINGS_MAX else ""
            noun = "difference" if len(self.findings) == 1 else "differences"
            return f"not clean: {many}{len(self.findings)} {noun}; the first is the one to look at"
        first, last = segments[0].mark.time, self.plan.place.time if segments[-1].end is None else segments[-1].end.time
        days = max(1, last // DAY_US - first // DAY_US + 1) if first else 1
        return (
            f"clean: {days:,} {'day' if days == 1 else 'days'}, {self.commands:,} commands, {self.rows:,} rows, "
            f"{len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'}, chain head {head}"
        )

    def lines(self) -> list[str]:
        """Return it for people."""
        gaps = [gap_text(gap.from_position, gap.until_position) + f" ({gap.why})" for gap in self.plan.gaps]
        rate = self.commands / max(self.seconds, 1e-3)
        place = self.plan.place
        signed = f", {self.chain.signatures:,} signatures" if self.chain.signatures else ""
        looked = (
            f"{self.packets:,} packets, {self.marks:,} marks, {self.chain.blocks:,} blocks{signed} in "
            f"{self.seconds:.1f} s ({rate:,.0f} commands/s); the ledger was at position {place.position:,}, "
            f"{moment_text(place.time)}"
        )
        return [*(each.text for each in self.findings), *gaps, self.summary(), looked]

    def fields(self) -> dict[str, Any]:
        """Return it for programs, as the report's file has it."""
        place = self.plan.place
        return {
            "form": REPORT_FORM,
            "clean": self.is_clean,
            "engine_version": ENGINE_VERSION,
            "from": [{"history": each.mark.history, "position": each.mark.position} for each in self.plan.segments[:1]],
            "place": {"epoch": place.epoch, "position": place.position, "time": moment_text(place.time)},
            "commands": self.commands,
            "packets": self.packets,
            "rows": self.rows,
            "marks": self.marks,
            "blocks": self.chain.blocks,
            "signatures": self.chain.signatures,
            "chain": self.chain.chain.hex(),
            "gaps": [gap._asdict() for gap in self.plan.gaps],
            "findings": [finding.fields() for finding in self.findings],
            "seconds": round(self.seconds, 3),
            "summary": self.summary(),
        }


def plan(record: Record, from_us: int | None = None, until_us: int | None = None) -> VerificationPlan:
    """
    Return what is to be looked at.

    Args:
        record: The ledger's.
        from_us: From the last mark at or before this moment on; None: from the first.
        until_us: Up to the first mark at or after this moment; None: to the place.

    Raises:
        NotRecorded: If there is nothing in between.
    """
    newest_block = record.newest_block()
    place, stretches = known_line(record)
    marks = [
        (number, mark)
        for number, stretch in enumerate(stretches)
        for mark in record.marks(stretch.history, stretch.after, stretch.until)
    ]
    if marks and until_us is not None and until_us <= (begins := _begins(record, marks[0][1])):
        raise NotRecorded("before_ledger", f"the ledger begins at {moment_text(begins)}")
    starts = [at for at, (_, mark) in enumerate(marks) if from_us is not None and mark.time <= from_us]
    marks = marks[starts[-1] :] if starts else marks
    ends = [at for at, (_, mark) in enumerate(marks) if until_us is not None and mark.time >= until_us]
    marks = marks[: ends[0] + 1] if ends else marks
    gaps = [gap for gap in record.gaps() if not gap.filled]
    if from_us is not None and from_us > place.time:
        raise NotRecorded("not_yet", f"the ledger is at {moment_text(place.time)}, position {place.position:,}")
    if not marks:
        raise NotRecorded(
            "before_ledger", "the ledger has no mark yet: the first one comes with the engine's checkpoint"
        )
    segments = list(_segments(stretches, marks, gaps))
    if not ends:
        number, mark = marks[-1]
        segments.append(Segment(stretches[number:], mark, None, place.position, is_last=True))
    after_block = _block_before(record, segments, whole=not starts)
    return VerificationPlan(place, segments, _within(gaps, stretches, segments), after_block, newest_block)


def _segments(stretches: list[Stretch], marks: list[tuple[int, MarkRow]], gaps: list[GapRow]) -> Iterator[Segment]:
    for (number, mark), (end_number, end) in pairwise(marks):
        until = end.position
        missing = [gap for gap in gaps if gap.history == mark.history and mark.position <= gap.from_position < until]
        if missing and number == end_number:
            yield Segment(stretches[number : end_number + 1], mark, None, missing[0].from_position)
        else:
            yield Segment(stretches[number : end_number + 1], mark, end, until)


def _within(gaps: list[GapRow], stretches: list[Stretch], segments: list[Segment]) -> list[GapRow]:
    current = {stretch.history for stretch in stretches}
    first = segments[0].mark
    return [gap for gap in gaps if gap.history in current and (gap.history, gap.from_position) >= first[:2]]


def _begins(record: Record, mark: MarkRow) -> int:
    """Return the time of a mark; of one from before any command, that of the first."""
    first = next((block for block in record.blocks(mark.history, mark.position) if block.last_ms), None)
    return mark.time or (first.first_ms * 1_000 if first is not None else 0)


def _block_before(record: Record, segments: list[Segment], *, whole: bool) -> int:
    """Return the number of the block before the first that the segments begin in."""
    mark = segments[0].mark
    if whole:
        return 0
    for block in record.blocks(mark.history, mark.position):
        return block.number - 1
    return 0


def verdict(
    plan: VerificationPlan,
    chain: ChainResult,
    chain_findings: Sequence[Difference],
    parts: Sequence[SegmentResult],
    seconds: float,
) -> LedgerVerdict:
    """Put together what the parts found; the first differences by position are named."""
    epochs = {stretch.history: stretch.epoch for segment in plan.segments for stretch in segment.stretches}
    found = sorted({*chain_findings, *(each for part in parts for each in part.findings)})
    named = [each._replace(epoch=epochs.get(each.history, 0)) for each in found]
    return LedgerVerdict(
        plan,
        sum(part.commands for part in parts),
        sum(part.packets for part in parts),
        sum(part.rows for part in parts),
        sum(part.marks for part in parts),
        chain,
        named[:FINDINGS_MAX],
        seconds,
    )
