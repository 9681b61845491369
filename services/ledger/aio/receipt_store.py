"""Receipts out of the database: which block each execution is in, as which leaf, and the hashes around it.

A receipt reads three small statements for each block that it shows, and one for all paths through the record's tree: no
block is read whole. Statements are made once, since making one costs more than the database does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, Table, bindparam, func, select

from services.ledger import schema
from services.ledger.aio.proof_store import record_name, stored_blocks
from services.ledger.proof.block_chain import PIECE_LEAVES, BlockFacts, block_facts, genesis, path_in_block
from services.ledger.proof.head import read_head
from services.ledger.proof.leaf import LAYOUTS, Layout, leaf_bytes
from services.ledger.proof.merkle import leaf_hashes
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.receipt import Receipt, ShownBlock, ShownLeaf, proven_executions
from services.ledger.proof.record_tree import Node, Stored, inclusion
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signed_head import SignedHead

Row = Sequence[Any]
Block = Mapping[Any, Any]
_HISTORY: Final = bindparam("of_history", type_=BigInteger)
_POSITION: Final = bindparam("of_position", type_=BigInteger)
_ORDINAL: Final = bindparam("of_ordinal", type_=BigInteger)
_FIRST: Final = bindparam("first", type_=BigInteger)
_LAST: Final = bindparam("last", type_=BigInteger)
_block: Final = schema.block.c
BLOCK_OF: Final = (
    select(*(column for column in schema.block.columns if column.name not in {"data", "encoding"}))
    .where(_block.history == _HISTORY, _block.first_position <= _POSITION, _block.last_position >= _POSITION)
    .order_by(_block.first_position.desc(), _block.number.desc())
    .limit(1)
)
"""The block that holds a position: all but its commands."""
_execution: Final = schema.execution.c
BEFORE: Final = select(
    select(func.count())
    .where(_execution.history == _HISTORY, _execution.position >= _FIRST, _execution.position < _POSITION)
    .scalar_subquery()
    + select(func.count())
    .where(_execution.history == _HISTORY, _execution.position == _POSITION, _execution.ordinal < _ORDINAL)
    .scalar_subquery()
)
"""How many executions a block has before one. Two ranges of the key: one with an OR in it takes twice as long."""


def _leaves_of(table: Table) -> Select[Any]:
    columns = table.c
    return (
        select(table)
        .where(columns.history == _HISTORY, columns.position >= _FIRST, columns.position <= _LAST)
        .order_by(columns.position, columns.ordinal)
        .offset(bindparam("skipped"))
        .limit(bindparam("taken"))
    )


LEAVES_OF: Final = {layout.table: _leaves_of(schema.metadata.tables[layout.table]) for layout in LAYOUTS.values()}
"""A block's rows of one table, some of them."""


class _Shown(NamedTuple):
    """A block, and the executions of it that are shown."""

    block: Block
    rows: list[Row]


def make_receipt(connection: Connection, salts: SaltKeys, head: SignedHead, size: int, rows: Sequence[Row]) -> Receipt:
    """
    Return the receipt of some executions.

    Args:
        connection: To read from.
        salts: The ledger's.
        head: In which they are to be proven.
        size: Number of its block.
        rows: All columns of `execution`, in the order of history, position and ordinal; at least one.

    Raises:
        NotProven: If a row is in no block up to the head, was changed since, or the key of its salt is not here.
            What is returned has been proven, but for the signature.
    """
    shown = _by_block(connection, rows, size)
    proofs = [inclusion(each.block["number"] - 1, size) for each in shown]
    wanted = [Node(0, each.block["number"] - 2) for each in shown if each.block["number"] > 1]
    stored = stored_blocks(connection, [*wanted, *(node for proof in proofs for node in proof.nodes())])
    blocks = []
    for each, proof in zip(shown, proofs, strict=True):
        facts = _facts(connection, each.block, stored)
        leaves = _LeafReading(connection, _salt_key(salts, each.block), each.block)
        blocks.append(ShownBlock(facts.to_bytes(), proof.path(stored), [leaves.leaf(row) for row in each.rows]))
    receipt = Receipt(head, blocks)
    proven_executions(receipt, read_head(head.data))
    return receipt


class _LeafReading:
    """One block while its leaves are looked up."""

    def __init__(self, connection: Connection, key: SaltKey, block: Block) -> None:
        self._connection = connection
        self._key = key
        self._block = block
        self._pieces: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._within = {
            "of_history": block["history"], "first": block["first_position"], "last": block["last_position"],
        }  # fmt: skip

    def leaf(self, row: Row) -> ShownLeaf:
        """Return an execution's bytes and path."""
        _, position, ordinal, *_ = row
        place = {**self._within, "of_position": position, "of_ordinal": ordinal}
        number = int(self._connection.execute(BEFORE, place).scalar_one())
        data, hashes = self._piece(number // PIECE_LEAVES)
        try:
            path = path_in_block(hashes, bytes(self._block["pieces"] or self._block["root"]), number)
        except NotProven as error:
            raise NotProven(f"block {self._block['number']}: {error}") from error
        return ShownLeaf(number, data[number % PIECE_LEAVES], path)

    def _piece(self, number: int) -> tuple[list[bytes], list[bytes]]:
        """Return the bytes of 16 leaves, and their hashes."""
        if number not in self._pieces:
            first = number * PIECE_LEAVES
            count = max(0, min(PIECE_LEAVES, self._block["leaves"] - first))
            salts = self._key.some(self._block["history"], self._block["number"], first, count)
            rows = zip(salts, self._rows(first, count), strict=False)  # fewer rows: one was deleted, and is found
            data = [leaf_bytes(layout, salt, row) for salt, (layout, row) in rows]
            self._pieces[number] = data, leaf_hashes(data)
        return self._pieces[number]

    def _rows(self, first: int, count: int) -> list[tuple[Layout, Row]]:
        """Return the rows of so many leaves from number `first` on, with their layouts."""
        found: list[tuple[Layout, Row]] = []
        block = self._block
        sizes = (block["executions"], block["transfers"], block["leaves"] - block["executions"] - block["transfers"])
        for layout, size in zip(LAYOUTS.values(), sizes, strict=True):
            if first < size and len(found) < count:
                part = {**self._within, "skipped": first, "taken": min(count - len(found), size - first)}
                rows = self._connection.execute(LEAVES_OF[layout.table], part)
                found += [(layout, tuple(row)) for row in rows]
            first = max(0, first - size)
        return found


def _by_block(connection: Connection, rows: Sequence[Row], size: int) -> list[_Shown]:
    found: list[_Shown] = []
    for row in rows:
        if not found or not _is_in(row, found[-1].block):
            found.append(_Shown(_block_of(connection, row, size), []))
        found[-1].rows.append(row)
    return found


def _block_of(connection: Connection, row: Row, size: int) -> Block:
    history, position = row[0], row[1]
    block = connection.execute(BLOCK_OF, {"of_history": history, "of_position": position}).mappings().first()
    if block is None or block["number"] > size:
        raise NotProven(f"history {history}, position {position}: it is in no block up to number {size}")
    return block


def _is_in(row: Row, block: Block) -> bool:
    return bool(row[0] == block["history"] and block["first_position"] <= row[1] <= block["last_position"])


def _salt_key(salts: SaltKeys, block: Block) -> SaltKey:
    key = salts.by_id.get(block["salt_id"])
    if key is None:
        raise NotProven(f"the key {block['salt_id']} of block {block['number']}'s salts is not among the ledger's")
    return key


_EPOCH_OF: Final = select(schema.history.c.shard, schema.history.c.epoch).where(schema.history.c.number == _HISTORY)


def _facts(connection: Connection, block: Block, stored: Mapping[int, Stored]) -> BlockFacts:
    number = block["number"]
    found = connection.execute(_EPOCH_OF, {"of_history": block["history"]}).first()
    if found is None:
        raise NotProven(f"block {number}: its history {block['history']} is not in the ledger's database")
    shard, epoch = found
    previous = genesis(record_name(connection)[0], shard) if number == 1 else stored[number - 1].chain
    facts = block_facts(block, epoch, shard, previous)
    if facts.chain() != bytes(block["chain"]):
        raise NotProven(f"block {number} was changed: what it says does not make its chain value")
    return facts
