"""One segment of the record, from a mark to the next: replayed, and compared with all that the ledger wrote of it.

Owns the comparison: each packet cut as recorded, its SHA-256, the rows of every table, what must add up, and the mark
at the end, byte for byte but for the term and the store that it was made in. Memory is bounded by one chunk of rows,
one block, and the market itself. Segments know nothing of each other: they may be looked at in any order, and at once.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from openoutcry.wire.errors import MalformedMessage
from outcry.time_machine.account_check import account_findings
from outcry.time_machine.balance_tally import TABLE as EOD
from outcry.time_machine.balance_tally import BalanceTally, Realised, days_of
from outcry.time_machine.candle_tally import CandleTally
from outcry.time_machine.difference import FINDINGS_MAX, Difference, shown
from outcry.time_machine.playback import MissingCommands, Playback, block_finding, check_release, checkpoint_of
from outcry.time_machine.record import BlockRow, MarkRow, PacketRow, Record, Stretch
from outcry.time_machine.replayed_rows import ReplayedRows
from outcry.time_machine.row_comparison import NO_ROW, differences
from outcry.time_machine.tallies import NumberTally, OrderTally, sums
from outcry.time_machine.unrecorded import DamagedRecord
from services.ledger.acts import DoneProposals
from services.ledger.candles import CandleRow
from services.ledger.command_block import entry_place
from services.ledger.proof.leaf import BlockRows, block_leaf_hashes
from services.ledger.proof.merkle import root_of
from services.ledger.proof.salt import SaltKey
from services.ledger.rows import Memory
from services.matching.floor import EngineConfig
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint, read_config, read_head
from shared.logs.commands import ACTIONS
from shared.logs.packet import encode_packet

ROWS_IN_CHUNK: Final = 8_192
"""Rows that are replayed before they are compared."""
PACKETS_IN_CHUNK: Final = 2_048
TABLES: Final = (
    "execution", "trade", "transfer", "refusal", "admin_action", "status_change", "auction", "instrument",
    "terms", "rule", "clearance", "user_group", "book_mark",
)  # fmt: skip
"""Those whose rows follow from packets and commands alone; a packet's own row is compared as it is followed."""

_LEAVES: Final = ("execution", "transfer", "refusal")
_ACTS: Final = frozenset(ACTIONS.values())
"""Commands of the administration, which may stand in the log without a proposal."""


class Segment(NamedTuple):
    """From one mark to another."""

    stretches: Sequence[Stretch]
    """The record's line, from the history of the mark on."""
    mark: MarkRow
    end: MarkRow | None
    """None: to `until`."""
    until: int
    """The last position."""
    is_last: bool = False
    """Whether that is the place."""


class SegmentResult(NamedTuple):
    """What came of it."""

    commands: int
    packets: int
    rows: int
    marks: int
    findings: list[Difference]
    edges: list[CandleRow]
    """Candles of the minutes in which it begins and ends: another segment may have trades of them too."""
    realised: Realised


NOTHING_FOUND: Final = SegmentResult(0, 0, 0, 0, [], [], Realised(0, [], {}))
"""Of a segment that was not looked at."""


class SegmentCheck:
    """
    The check of one segment.

    Args:
        record: The ledger's.
        segment: Which.
        progress: Called with the commands replayed since the last call.
        salts: Keys of the leaves' salts by id, if whoever verifies has them: only so the blocks' roots can be made
            again.
    """

    def __init__(
        self,
        record: Record,
        segment: Segment,
        progress: Callable[[int], None] = lambda _: None,
        salts: Mapping[str, SaltKey] | None = None,
    ) -> None:
        self._record = record
        self._segment = segment
        self._progress = progress
        self._findings: list[Difference] = []
        mark = segment.mark
        data = record.mark_data(mark.history, mark.position)
        checkpoint = checkpoint_of(mark, data)
        self._extend(sha256_finding(mark, data, record.mark_sha256(mark.history, mark.position)))
        self._term = checkpoint.term
        self._playback = Playback(record, segment.stretches, segment.mark, checkpoint)
        self._engine = engine = checkpoint.engine
        self._builder = PacketBuilder(engine)
        self._orders, self._numbers = OrderTally(engine), NumberTally(engine)
        closed = engine.decisions.proposals.rows()[3]
        done = [row.proposal_id for row in closed if row.state == "done"]
        phases = {symbol: str(market.phase) for symbol, market in engine.instruments.items()}
        self._candles = CandleTally(record, segment.mark.time)
        self._memory = Memory(phases, DoneProposals(done), days_of(engine))
        self._balances = BalanceTally(engine)
        self._first_balances = record.first_balances()
        self._rows = ReplayedRows(segment.stretches[0].history, self._memory)
        self._has_acts = False  # among the commands since the last packet
        self._history = segment.stretches[0].history
        self._compared = engine.position  # rows up to there
        self._salts = salts or {}
        self._block: BlockRow | None = None
        self._count = NOTHING_FOUND

    def run(self) -> SegmentResult:
        """
        Return what was found; at most FINDINGS_MAX, and then the rest was not looked at.

        Raises:
            OtherRelease: If a later release wrote the record; NotRecorded if the database did not answer.
        """
        try:
            self._run()
        except DamagedRecord as damaged:
            self._found(damaged.finding)
        edges = [] if self._findings else self._candles.edges()
        realised = self._balances.realised(self._history)
        return self._count._replace(findings=self._findings[:FINDINGS_MAX], edges=edges, realised=realised)

    def _run(self) -> None:
        self._end_term, self._end_config = self._known_end()
        for stretch, packet in self._packets():
            if not self._follow(stretch, packet) or len(self._findings) >= FINDINGS_MAX:
                break
        else:
            self._end_block()
            self._compare(self._segment.until)
            self._check_end()

    def _packets(self) -> Iterator[tuple[Stretch, PacketRow]]:
        segment, start = self._segment, self._segment.mark.position
        of_mark = start, self._term
        for stretch in segment.stretches:
            until = segment.until if stretch.until is None else min(segment.until, stretch.until)
            if stretch.after > segment.until:
                return
            for packet in self._record.packets(stretch.history, max(start, stretch.after), until):
                is_of_mark = stretch is segment.stretches[0] and (packet.position, packet.term) <= of_mark
                is_of_next = segment.end is not None and packet.prev == packet.position == segment.until
                if is_of_next and (stretch.history, packet.term) > (segment.end.history, self._end_term):  # type: ignore[union-attr]
                    continue
                if not is_of_mark:
                    yield stretch, packet

    def _follow(self, stretch: Stretch, packet: PacketRow) -> bool:
        """Replay a packet's commands and take note of its rows; False if the replay cannot go on."""
        if stretch.history != self._history:
            self._compare(self._engine.position)
            self._history = stretch.history
            self._rows = ReplayedRows(stretch.history, self._memory)
        engine, position = self._engine, self._engine.position
        if not self._apply_until(stretch, packet):
            return False
        if engine.epoch != stretch.epoch:
            engine.begin_epoch(stretch.epoch)
        if packet.term == self._end_term and self._end_config is not None:
            engine.config = self._end_config  # its leader has the settings that its mark knows
        made = self._builder.take() or self._builder.marker()
        if made.log_id != packet.log_id:
            made = made._replace(log_id=packet.log_id)
        commands = made.position - made.prev
        if not commands:
            self._term = max(self._term, packet.term)
        data = encode_packet(made)
        told = (packet.prev, packet.time, packet.commands, packet.term, packet.sha256)
        replayed = (made.prev, made.time, commands, self._term, hashlib.sha256(data).digest())
        if told != replayed:
            self._extend(_packet_findings(stretch.history, packet, told, replayed))
            if (packet.prev, packet.commands) != (made.prev, commands):
                return False  # a packet is missing, or one too many: what follows is cut otherwise
        taken = self._playback.taken
        self._rows.add(made, data, (packet.term, packet.published), taken, has_acts=self._has_acts)
        self._has_acts = False
        taken.clear()
        if self._rows.closes:  # balances are kept as they are now
            self._end_block()
            self._compare(engine.position)
        self._progress(engine.position - position)
        return True

    def _apply_until(self, stretch: Stretch, packet: PacketRow) -> bool:
        engine, apply, playback = self._engine, self._builder.apply, self._playback
        try:
            while engine.position < packet.position:
                entry = next(playback.entries, None)
                if entry is None:
                    raise MissingCommands(stretch.history, engine.position, packet.position)
                if playback.block is not self._block:
                    self._begin_block()
                time_us = entry.time_us
                for command in entry.commands:
                    apply(command, time_us)
                    if type(command) in _ACTS:
                        self._has_acts = True
                engine.log_id = entry.entry_id
        except MissingCommands as missing:
            self._found(
                Difference(stretch.history, missing.after, "block", "", "", NO_ROW, f"commands up to {missing.until:,}")
            )
            return False
        if engine.position != packet.position:
            self._found(
                Difference(
                    stretch.history, packet.position, "packet", f"term {packet.term}", "position",
                    shown(packet.position), shown(engine.position),
                )
            )  # fmt: skip
            return False
        return True

    def _begin_block(self) -> None:
        """Go on to the next block: the one before is complete, and so are its rows."""
        self._end_block()
        self._block, stored = self._playback.block, self._playback.stored
        assert self._block is not None
        block = self._block
        ids = [entry_place(entry_id) for entry_id, _ in stored[:1] + stored[-1:]] or [(0, 0), (0, 0)]
        told = ((block.first_ms, block.first_n), (block.last_ms, block.last_n))
        for field, recorded, found in zip(("first", "last"), told, ids, strict=False):
            if recorded != found:
                self._found(block_finding(block, f"{field}_ms, {field}_n", shown(recorded), shown(found)))
        if self._rows.packets >= PACKETS_IN_CHUNK or self._rows.count >= ROWS_IN_CHUNK:
            self._compare(self._engine.position)

    def _end_block(self) -> None:
        block = self._block
        if block is None or self._compared >= block.first_position:
            return  # it began before the mark, and is the other segment's
        tables, first = self._rows.by_table, block.first_position
        if block.last_position > self._engine.position:
            whole = (self._record.rows(table, block.history, first - 1, block.last_position) for table in _LEAVES)
            rows = BlockRows(*[list(map(tuple, each)) for each in whole])
        else:
            rows = BlockRows(*[_from(tables.get(table, []), first) for table in _LEAVES])
        self._extend(leaf_findings(block, rows, self._salts))

    def _compare(self, until: int) -> None:
        """Compare the rows of the packets up to a position with the record's."""
        rows, history, after = self._rows, self._history, self._compared
        tables = rows.by_table
        for table in TABLES:
            expected = tables.get(table, [])
            self._extend(differences(table, self._record.rows(table, history, after, until), expected))
        self._extend(self._orders.add(history, tables.get("execution", [])))
        self._extend(self._numbers.add(history, tables))
        self._extend(self._candles.add(history, until, tables.get("trade", [])))
        self._balances.add(tables.get("execution", []), tables.get("transfer", []))
        days = list(dict.fromkeys(day for position, day in rows.closes if position == until))
        if days and (self._first_balances is None or (history, until) < self._first_balances):
            days = []  # of an earlier release, which kept none
        self._extend(self._balances.close(history, until, days, self._record.rows(EOD, history, after, until)))
        done = self._count
        self._count = done._replace(
            commands=done.commands + rows.commands,
            packets=done.packets + rows.packets,
            rows=done.rows + rows.count,
        )
        self._compared = until
        self._rows = ReplayedRows(history, self._memory)

    def _known_end(self) -> tuple[int, EngineConfig | None]:
        end = self._segment.end
        if end is None:
            return 0, None
        check_release(end)
        data = self._record.mark_data(end.history, end.position)
        try:
            return read_head(data).term, read_config(data)
        except MalformedMessage:
            return 0, None  # told where it is compared

    def _check_end(self) -> None:
        engine, end = self._engine, self._segment.end
        for asset, total in sums(engine).items():
            if total:
                text = f"the sum of {asset} over all accounts"
                self._found(Difference(self._history_now(), engine.position, "purse", asset, text, shown(total), "0"))
        self._extend(self._candles.end(self._history_now(), engine.position))
        if end is None:
            if self._segment.is_last:
                self._extend(account_findings(self._record, engine, self._history_now()))
            return
        data = self._record.mark_data(end.history, end.position)
        self._count = self._count._replace(marks=1)
        self._extend(sha256_finding(end, data, self._record.mark_sha256(end.history, end.position)))
        self._extend(mark_findings(end, data, Checkpoint(engine, 0, "")))

    def _history_now(self) -> int:
        return self._playback.stretch.history

    def _extend(self, findings: Iterable[Difference]) -> None:
        for finding in findings:
            self._found(finding)
            if len(self._findings) >= FINDINGS_MAX:
                return

    def _found(self, finding: Difference) -> None:
        self._findings.append(finding)


_PACKET_FIELDS: Final = ("prev", "time", "commands", "term", "sha256")


def _packet_findings(
    history: int, packet: PacketRow, told: tuple[Any, ...], replayed: tuple[Any, ...]
) -> Iterator[Difference]:
    for field, left, right in zip(_PACKET_FIELDS, told, replayed, strict=True):
        if left != right:
            yield Difference(
                history, packet.position, "packet", f"term {packet.term}", field, shown(left), shown(right)
            )


def leaf_findings(block: BlockRow, rows: BlockRows, salts: Mapping[str, SaltKey]) -> Iterator[Difference]:
    """Yield in what a block's leaves are not its rows; without the key of their salts they can only be counted."""
    counts = (
        ("leaves", block.leaves, rows.leaves),
        ("executions", block.executions, len(rows.executions)),
        ("transfers", block.transfers, len(rows.transfers)),
    )
    for field, recorded, found in counts:
        if recorded != found:
            yield block_finding(block, field, shown(recorded), shown(found))
    if salts and rows.leaves:
        key = salts.get(block.salt_id)
        if key is None:
            yield block_finding(block, "salt_id", block.salt_id, "no such key was given")
            return
        root = root_of(block_leaf_hashes(rows, key, block.history, block.number))
        if root != block.root:
            yield block_finding(block, "root", shown(block.root), shown(root))


def _from(rows: list[tuple[Any, ...]], position: int) -> list[tuple[Any, ...]]:
    """Return the rows from a position on; they are in order."""
    return rows[bisect_left(rows, position, key=itemgetter(1)) :]


def mark_findings(mark: MarkRow, data: bytes, replayed: Checkpoint) -> Iterator[Difference]:
    """
    Yield in what a mark is not the replayed market.

    Args:
        mark: Its row.
        data: Its bytes.
        replayed: Of the same position; its engine's place in the log is set to the mark's, since a leader may have read
            on over entries that only repeat.
    """
    engine = replayed.engine
    try:
        head = read_head(data)
    except MalformedMessage as error:
        yield Difference(mark.history, mark.position, "mark", "", "data", "what cannot be read", str(error))
        return
    told = (
        ("position", mark.position, engine.position),
        ("log_id", mark.log_id, head.log_id),
        ("time", mark.time, engine.time),
        ("engine_version", mark.engine_version, max(mark.engine_version, engine.version)),
    )
    for field, recorded, wanted in told:
        if recorded != wanted:
            yield Difference(mark.history, mark.position, "mark", "", field, shown(recorded), shown(wanted))
    if head.position != engine.position:
        return
    engine.log_id = head.log_id
    made = encode_checkpoint(Checkpoint(engine, head.term, head.store_id, head.shard))
    if made != data:
        held, wanted = hashlib.sha256(data).hexdigest()[:16], hashlib.sha256(made).hexdigest()[:16]
        yield Difference(mark.history, mark.position, "mark", "", "data", f"SHA-256 {held}…", f"SHA-256 {wanted}…")


def sha256_finding(mark: MarkRow, data: bytes, told: bytes) -> Iterator[Difference]:
    """Yield a finding if a mark's bytes are not those of its SHA-256."""
    found = hashlib.sha256(data).digest()
    if told != found:
        yield Difference(mark.history, mark.position, "mark", "", "sha256", shown(told), shown(found))
