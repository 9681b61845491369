"""The chain of blocks: every block is the one that its chain value is of, and follows the one before.

Owns the check of table `block` by itself and against the packets' hashes. Leaves a block's leaves to `segment_check`,
which has their rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.playback import block_finding
from outcry.time_machine.record import BlockRow, PacketRow, Record
from services.ledger.fork import WriterPlace
from services.ledger.proof.block_chain import PIECE_LEAVES, BlockFacts, genesis
from services.ledger.proof.head import Head
from services.ledger.proof.merkle import HASH_BYTES, root_of
from services.ledger.proof.record_tree import grow, root_of_peaks
from services.ledger.proof.signing_keys import VerifyingKeys


class ChainResult(NamedTuple):
    """How far the chain is, if nothing was found."""

    blocks: int
    signatures: int
    """Of heads, that were checked."""
    chain: bytes
    """The last block's."""


class ChainCheck:
    """
    The check of a part of the chain.

    Args:
        record: The ledger's.
        place: As of the beginning of the verification; later blocks are not looked at.
        epochs: By number of the history.
        keys: Of heads' signatures; None: they are not checked.
        after: Number of the block before the first; 0: from the very first one on. What the record says of a block in
            between is taken for granted, and the tree over all blocks is not made again.
    """

    def __init__(
        self,
        record: Record,
        place: WriterPlace,
        epochs: Mapping[int, int],
        keys: VerifyingKeys | None = None,
        after: int = 0,
    ) -> None:
        self._record = record
        self._place = place
        self._epochs = epochs
        self._keys = keys
        self._after = after
        self._product = record.facts().get("product", "")
        self._number = after
        self._ends: dict[int, int] = {}
        self._packets = _PacketHashes(record)
        self._gaps = {(gap.history, gap.until_position) for gap in record.gaps()}
        self._peaks: Sequence[bytes] = ()
        self._grown = 0  # blocks in them
        self.result = ChainResult(0, 0, b"")

    def run(self) -> Iterator[Difference]:
        """Yield what is wrong; `result` is set at the end. O(bytes of the commands)."""
        chain = genesis(self._product, self._place.shard)
        if self._after:
            for block in self._record.sealed(self._after - 1, self._after):
                chain = block.chain
        numbers = self._epochs.keys()
        for table, history, position in self._record.strays(min(numbers, default=0), max(numbers, default=0)):
            yield Difference(history, position, table, "", "history", shown(history), "no such history")
        blocks = signatures = 0
        for block in self._record.sealed(self._after, self._place.block):
            yield from self._of_block(block, chain)
            chain = block.chain
            blocks += 1
            signatures += bool(block.key_id and self._keys is not None)
        place = self._place
        for field, recorded, found in (("block", place.block, self._number), ("chain", place.chain, chain)):
            if recorded != found:
                yield Difference(place.history, place.position, "place", "", field, shown(recorded), shown(found))
        yield from self._of_place()
        self.result = ChainResult(blocks, signatures, chain)

    def _of_place(self) -> Iterator[Difference]:
        """Yield in what the place is not behind its last packet."""
        place = self._place
        packet = self._record.packet_before(place.history, 0, None, position=place.position)
        if packet is None or (place.history, place.position) in self._gaps:
            return  # it went on behind a gap, and has written no packet since
        told = (
            ("position", place.position, packet.position),
            ("term", place.term, packet.term),
            ("feed_id", place.feed_id, f"{packet.term}-{packet.position}"),
            ("log_id", place.log_id, packet.log_id),
            ("time", place.time, packet.time),
            ("epoch", place.epoch, self._epochs.get(place.history, 0)),
        )
        for field, recorded, found in told:
            if recorded != found:
                yield Difference(place.history, place.position, "place", "", field, shown(recorded), shown(found))

    def _of_block(self, block: BlockRow, previous: bytes) -> Iterator[Difference]:
        self._number += 1
        if block.number != self._number:
            yield _finding(block, "number", block.number, self._number)
            self._number = block.number
        first = self._ends.get(block.history, block.first_position - 1) + 1
        if block.first_position != first and (block.history, block.first_position - 1) not in self._gaps:
            yield _finding(block, "first_position", block.first_position, first)
        self._ends[block.history] = block.last_position
        data = hashlib.sha256(block.data).digest()
        packets = self._packets.of(block)
        facts = BlockFacts(
            previous, block.root, block.leaves, block.number, block.history, self._epochs.get(block.history, 0),
            block.first_position, block.last_position, block.first_ms, block.first_n, block.last_ms, block.last_n,
            self._place.shard, block.time, data, packets,
        )  # fmt: skip
        chain = facts.chain()
        for field, recorded, found in (
            ("data_sha256", block.data_sha256, data),
            ("packets_sha256", block.packets_sha256, packets),
            ("chain", block.chain, chain),
            ("pieces", block.pieces, block.pieces if _lead_to_root(block) else b"nodes of another tree"),
        ):
            if recorded != found:
                yield _finding(block, field, recorded, found)
        yield from self._of_tree(block)

    def _of_tree(self, block: BlockRow) -> Iterator[Difference]:
        if not self._after:
            growth = grow(self._peaks, self._grown, block.chain)
            self._grown += 1
            self._peaks = growth.peaks
            root = root_of_peaks(growth.peaks)
            for field, recorded, found in (
                ("tree_nodes", block.tree_nodes, growth.completed),
                ("tree_root", block.tree_root, root),
            ):
                if recorded != found:
                    yield _finding(block, field, recorded, found)
        if self._keys is None or not block.key_id:
            return
        head = Head(
            self._product, self._place.shard, block.history, block.number, block.last_position, block.time, block.chain,
            block.tree_root,
        )  # fmt: skip
        if block.key_id not in self._keys.by_id:
            yield _finding(block, "key_id", block.key_id, "no such key was given")
        elif not self._keys.verifies(block.key_id, block.signature, head.to_bytes()):
            yield _finding(block, "signature", block.signature, "it is not this head's")


class _PacketHashes:
    """
    Which packets a block holds, and their hash.

    A block holds its positions' packets whole. A new leader's marker has the position of the packet before it, and may
    stand at the end of a block or at the beginning of the next: the block's own hash tells.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._history = 0
        self._rows: Iterator[PacketRow] = iter(())
        self._next: PacketRow | None = None
        self._markers: list[bytes] = []  # at the end of the block before, and not known to be in it

    def of(self, block: BlockRow) -> bytes:
        """Return SHA-256 of the hashes of a block's packets; of a guess if no choice of markers gives the block's."""
        if block.history != self._history:
            self._history = block.history
            self._rows = self._record.packets(block.history, block.first_position - 1, None)
            self._next = next(self._rows, None)
            self._markers = []
            while self._next is not None and self._next.position < block.first_position:
                if self._next.prev == self._next.position:
                    self._markers.append(self._next.sha256)
                self._next = next(self._rows, None)
        hashes: list[bytes] = []
        trailing: list[bytes] = []
        while self._next is not None and self._next.position <= block.last_position:
            is_marker = self._next.prev == self._next.position == block.last_position
            (trailing if is_marker else hashes).append(self._next.sha256)
            self._next = next(self._rows, None)
        return self._chosen(block, hashes, trailing)

    def _chosen(self, block: BlockRow, hashes: list[bytes], trailing: list[bytes]) -> bytes:
        leading = self._markers
        if not hashes:  # of markers alone
            leading, trailing = [], leading + trailing
        for skipped in range(len(leading) + 1):
            for taken in range(len(trailing) + 1):
                found = _joined(leading[skipped:] + hashes + trailing[:taken])
                if found == block.packets_sha256:
                    self._markers = trailing[taken:]
                    return found
        self._markers = trailing
        return _joined(leading + hashes)


def _lead_to_root(block: BlockRow) -> bool:
    """Tell whether the nodes that are stored for proofs are of the block's tree."""
    nodes = [block.pieces[start : start + HASH_BYTES] for start in range(0, len(block.pieces), HASH_BYTES)]
    if block.leaves <= PIECE_LEAVES:
        return not nodes
    return len(nodes) == -(-block.leaves // PIECE_LEAVES) and root_of(nodes) == block.root


def _joined(hashes: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"".join(map(bytes, hashes))).digest()


def _finding(block: BlockRow, field: str, recorded: object, found: object) -> Difference:
    return block_finding(block, field, shown(recorded), shown(found))
