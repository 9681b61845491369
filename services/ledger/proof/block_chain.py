"""The chain of blocks: what a block commits to, and the columns that prove it.

A block is what one transaction wrote. Its chain value is SHA-256 of 240 bytes of a fixed layout, in which the chain
value before it stands: whoever changes anything in a block must change every chain value after it, and every head that
somebody has noted. A block's leaves are in a tree of their own, so that one can be shown without the others.

Owns the layout and the state from block to block. Leaves to the writer when a block is sealed, and to `record_tree`
how the blocks' tree grows.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.ledger.proof.head import Head, check_product
from services.ledger.proof.leaf import BlockRows, block_leaf_hashes
from services.ledger.proof.merkle import HASH_BYTES, inclusion_path, levels_above, root_of
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.record_tree import grow, root_of_peaks
from services.ledger.proof.salt import SaltKeys
from services.ledger.proof.signed_head import SignedHead
from services.ledger.proof.signing_keys import HeadSigner

PIECE_LEVEL: Final = 4
PIECE_LEAVES: Final = 1 << PIECE_LEVEL
"""Leaves whose common node is stored: a proof of one makes the hashes of its 15 neighbours again, and no more."""
_DAY_US: Final = 86_400_000_000
_TAG: Final = b"outcry block 01\n"
_GENESIS_TAG: Final = b"outcry genesis1\n"
_LAYOUT: Final = struct.Struct(">16s32s32s12q32s32s")
BLOCK_BYTES: Final = _LAYOUT.size


class BlockFacts(NamedTuple):
    """What a block's chain value is of; integers are 8 bytes big-endian, signed."""

    previous: bytes
    """Chain value of the block before it; of the first, see `genesis`."""
    root: bytes
    """Of the tree of its leaves."""
    leaves: int
    number: int
    history: int
    epoch: int
    first_position: int
    last_position: int
    first_ms: int
    first_n: int
    last_ms: int
    last_n: int
    shard: int
    time: int
    """Of its last command, µs."""
    data_sha256: bytes
    """SHA-256 of its commands, as stored."""
    packets_sha256: bytes
    """SHA-256 of its packets' SHA-256, one after the other."""

    def to_bytes(self) -> bytes:
        """Return what is hashed."""
        return _LAYOUT.pack(_TAG, *self)

    def chain(self) -> bytes:
        """Return the block's chain value."""
        return hashlib.sha256(self.to_bytes()).digest()


class BlockSpan(NamedTuple):
    """From where to where a block goes, as its columns of the same names say."""

    history: int
    epoch: int
    first_position: int
    last_position: int
    first_ms: int
    first_n: int
    last_ms: int
    last_n: int
    time: int
    """Of its last command, µs; if it has none, of the block before it."""


class SealedBlock(NamedTuple):
    """The columns of table `block` that prove it, by their names."""

    number: int
    time: int
    leaves: int
    executions: int
    transfers: int
    salt_id: str
    pieces: bytes
    """The nodes over each 16 leaves, one after the other; empty if there are no more than 16."""
    root: bytes
    data_sha256: bytes
    packets_sha256: bytes
    chain: bytes
    tree_nodes: bytes
    """The nodes of the record's tree that this block completes, from below."""
    tree_root: bytes
    key_id: str
    """"": nobody signed."""
    signature: bytes
    """Of the head after this block."""


class ChainState(NamedTuple):
    """How far a chain is; stored nowhere as such, see `aio.proof_store.load_chain`."""

    number: int
    """Blocks so far."""
    chain: bytes
    peaks: tuple[bytes, ...]
    """Complete nodes of the tree over chain values, one for each bit of `number`, the largest first."""


class BlockChain:
    """
    Seals blocks, one after another.

    Args:
        product: Name of the exchange, in every head; 1 to 64 bytes.
        shard: Its shard.
        state: From where it goes on; without it a new record begins.
        salts: Keys of the leaves' salts.
        signer: Who signs heads; None: nobody, and heads prove nothing to others.
    """

    def __init__(
        self,
        product: str,
        shard: int,
        salts: SaltKeys,
        signer: HeadSigner | None = None,
        state: ChainState | None = None,
    ) -> None:
        self._product = check_product(product)
        self._shard = shard
        self._salts = salts.current
        self._signer = signer
        self._ahead: tuple[SealedBlock, ChainState, Head] | None = None
        self._day = -1
        self.state = state if state is not None else ChainState(0, genesis(product, shard), ())

    def seal(self, span: BlockSpan, data: bytes, packet_hashes: Iterable[bytes], rows: BlockRows) -> SealedBlock:
        """
        Seal the block after the last that was committed; nothing changes before `committed`, so it may be done again.

        Args:
            span: Where it begins and ends.
            data: Its commands, as they are stored.
            packet_hashes: SHA-256 of its packets' bytes, in order.
            rows: Its executions, transfers and refusals, fields in the order of `leaf`'s layouts.

        Returns:
            The block's columns. Cost: O(leaves); benchmarks.ledger_proofs measures it.
        """
        number = self.state.number + 1
        hashes = block_leaf_hashes(rows, self._salts, span.history, number)
        pieces = levels_above(hashes, PIECE_LEVEL)
        facts = BlockFacts(
            self.state.chain, root_of(pieces), rows.leaves, number, *span[:-1], self._shard, span.time,
            hashlib.sha256(data).digest(), hashlib.sha256(b"".join(packet_hashes)).digest(),
        )  # fmt: skip
        chain = facts.chain()
        growth = grow(self.state.peaks, self.state.number, chain)
        head = Head(
            self._product, self._shard, span.history, number, span.last_position, span.time, chain,
            root_of_peaks(growth.peaks),
        )  # fmt: skip
        sealed = SealedBlock(
            number=number,
            time=span.time,
            leaves=rows.leaves,
            executions=len(rows.executions),
            transfers=len(rows.transfers),
            salt_id=self._salts.salt_id,
            pieces=b"".join(pieces) if len(pieces) > 1 else b"",
            root=facts.root,
            data_sha256=facts.data_sha256,
            packets_sha256=facts.packets_sha256,
            chain=chain,
            tree_nodes=growth.completed,
            tree_root=head.tree_root,
            key_id=self._signer.key_id if self._signer else "",
            signature=self._signer.sign(head.to_bytes()) if self._signer else b"",
        )
        self._ahead = sealed, ChainState(number, chain, growth.peaks), head
        return sealed

    def committed(self, sealed: SealedBlock) -> SignedHead | None:
        """
        Go on behind a block: the transaction that wrote it has been committed.

        Returns:
            The head after it, if it is the first of its day (UTC, by the log's time) that this chain has sealed: to be
            told where others keep it. None for the other blocks, and where nobody signs.
        """
        assert self._ahead is not None
        assert self._ahead[0] is sealed
        _, self.state, head = self._ahead
        day, self._day = self._day, sealed.time // _DAY_US
        if day == self._day or not sealed.key_id:
            return None
        return SignedHead(head.to_bytes(), sealed.key_id, sealed.signature)


def genesis(product: str, shard: int) -> bytes:
    """Return what stands before the first block."""
    return hashlib.sha256(_GENESIS_TAG + shard.to_bytes(8, "big", signed=True) + product.encode()).digest()


def path_in_block(piece: Sequence[bytes], pieces: bytes, number: int) -> list[bytes]:
    """
    Return the path from a leaf to the root of its block.

    Args:
        piece: The hashes of the (up to) 16 leaves around it, from number `number - number % 16` on.
        pieces: The block's column, or if that is empty its root.
        number: Of the leaf, from 0.

    Raises:
        NotProven: If the piece is not the one that was sealed: a row of it was changed since.
    """
    nodes = [pieces[at : at + HASH_BYTES] for at in range(0, len(pieces), HASH_BYTES)]
    place = number >> PIECE_LEVEL
    if number % PIECE_LEAVES >= len(piece) or nodes[place : place + 1] != [root_of(piece)]:
        first = place << PIECE_LEVEL
        raise NotProven(f"one of its leaves {first} to {first + PIECE_LEAVES - 1} was changed")
    return inclusion_path(piece, number % PIECE_LEAVES) + inclusion_path(nodes, place)


def block_facts(block: Mapping[Any, Any], epoch: int, shard: int, previous: bytes) -> BlockFacts:
    """
    Return what a block's chain value should be of, by its columns.

    Args:
        block: Its columns; `data` is not needed.
        epoch: Of its history.
        shard: Of its history.
        previous: Chain value of the block before it; of the first, see `genesis`.
    """
    return BlockFacts(
        previous=previous,
        root=bytes(block["root"]),
        leaves=block["leaves"],
        number=block["number"],
        history=block["history"],
        epoch=epoch,
        first_position=block["first_position"],
        last_position=block["last_position"],
        first_ms=block["first_ms"],
        first_n=block["first_n"],
        last_ms=block["last_ms"],
        last_n=block["last_n"],
        shard=shard,
        time=block["time"],
        data_sha256=bytes(block["data_sha256"]),
        packets_sha256=bytes(block["packets_sha256"]),
    )


def read_block_facts(data: bytes) -> BlockFacts:
    """
    Read what a chain value is of.

    Raises:
        NotProven: If these are no such bytes; what is wrong is named.
    """
    if len(data) != BLOCK_BYTES:
        raise NotProven(f"a block has {len(data)} bytes, not {BLOCK_BYTES}")
    tag, *facts = _LAYOUT.unpack(data)
    if tag != _TAG:
        raise NotProven("a block is not one of this version: its first 16 bytes are others")
    return BlockFacts(*facts)
