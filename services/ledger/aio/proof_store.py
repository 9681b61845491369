"""Proofs out of the database: where a chain is, its heads, what they have in common, and receipts.

Everything reads, in the transaction that the connection is in. A proof reads at most 2 log2(blocks) small rows, a
receipt besides some 20 rows for each execution: no block is read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, func, or_, select

from services.ledger import schema
from services.ledger.aio.proof_keys import ProofKeys
from services.ledger.proof.block_chain import (
    PIECE_LEAVES,
    BlockChain,
    BlockFacts,
    ChainState,
    genesis,
    path_in_block,
)
from services.ledger.proof.head import PRODUCT, Head, read_head
from services.ledger.proof.leaf import LAYOUTS, leaf_bytes
from services.ledger.proof.merkle import leaf_hashes
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.receipt import Receipt, ShownBlock, ShownLeaf, proven_executions
from services.ledger.proof.record_tree import Node, Proof, Stored, consistency, inclusion, nodes_of
from services.ledger.proof.salt import SaltKeys
from services.ledger.proof.signed_head import ConsistencyProof, SignedHead

_BLOCK: Final = schema.block.c
_FACTS: Final = [column for column in schema.block.columns if column.name not in {"data", "encoding"}]
"""What a proof needs of a block: all but its commands."""


def record_name(connection: Connection) -> tuple[str, int]:
    """Return whose record it is, as heads have it: the exchange's name, and the shard."""
    info = schema.ledger_info.c
    product = connection.execute(select(info.value).where(info.name == "product")).scalar()
    shard = connection.execute(select(schema.place.c.shard)).scalar()
    return product or PRODUCT, shard or 0


def chain_maker(keys: ProofKeys, product: str, shard: int) -> Callable[[Connection], BlockChain]:
    """Return what makes the chain of blocks as a database has it, sealed and signed by these keys."""
    return lambda connection: BlockChain(
        product, shard, keys.salts, keys.signer, load_chain(connection, product, shard)
    )


def load_chain(connection: Connection, product: str, shard: int) -> ChainState:
    """Return how far the chain of a ledger is; of an empty one, where it begins."""
    number = connection.execute(select(schema.place.c.block).where(schema.place.c.shard == shard)).scalar() or 0
    if not number:
        return ChainState(0, genesis(product, shard), ())
    nodes = nodes_of(0, number)
    blocks = stored_blocks(connection, [*nodes, Node(0, number - 1)])
    return ChainState(number, blocks[number].chain, tuple(blocks[node.block].hash_of(node.level) for node in nodes))


def stored_blocks(connection: Connection, nodes: Iterable[Node]) -> dict[int, Stored]:
    """
    Return the blocks that hold these nodes, by number.

    Raises:
        NotProven: If one is missing.
    """
    numbers = sorted({node.block for node in nodes})
    columns = (_BLOCK.number, _BLOCK.chain, _BLOCK.tree_nodes)
    rows = connection.execute(select(*columns).where(_BLOCK.number.in_(numbers)))
    found = {number: Stored(bytes(chain), bytes(tree_nodes)) for number, chain, tree_nodes in rows}
    if missing := [number for number in numbers if number not in found]:
        raise NotProven(f"block {missing[0]} is not in the ledger's database")
    return found


def signed_head(connection: Connection, product: str, shard: int, number: int | None = None) -> SignedHead | None:
    """
    Return the head after a block.

    Args:
        connection: To read from.
        product: The exchange's name.
        shard: Its shard.
        number: Of the block; None: the last.

    Returns:
        None if there is no such block, or nobody has signed it.
    """
    if number is None:
        number = connection.execute(select(schema.place.c.block).where(schema.place.c.shard == shard)).scalar() or 0
    block = connection.execute(select(*_FACTS).where(_BLOCK.number == number)).mappings().first()
    if block is None or not block["key_id"]:
        return None
    head = Head(
        product, shard, block["history"], block["number"], block["last_position"], block["time"],
        bytes(block["chain"]), bytes(block["tree_root"]),
    )  # fmt: skip
    return SignedHead(head.to_bytes(), block["key_id"], bytes(block["signature"]))


def consistency_proof(connection: Connection, old_size: int, new_size: int) -> ConsistencyProof:
    """
    Return the proof that nothing up to block `old_size` differs in the record of `new_size` blocks.

    Raises:
        NotProven: If a block that it needs is missing.
    """
    return ConsistencyProof(old_size, new_size, _path(connection, consistency(old_size, new_size)))


def make_receipt(
    connection: Connection, salts: SaltKeys, head: SignedHead, size: int, rows: Sequence[Sequence[Any]]
) -> Receipt:
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
    shown: list[ShownBlock] = []
    waiting = list(rows)
    while waiting:
        block = _block_of(connection, waiting[0], size)
        within = [row for row in waiting if _is_in(row, block)]
        shown.append(_ShownPart(connection, salts, block).shown(within, size))
        waiting = waiting[len(within) :]
    receipt = Receipt(head, shown)
    proven_executions(receipt, read_head(head.data))
    return receipt


class _ShownPart:
    """One block while its leaves are looked up."""

    def __init__(self, connection: Connection, salts: SaltKeys, block: Any) -> None:
        self._connection = connection
        self._block = block
        self._pieces: dict[int, tuple[list[bytes], list[bytes]]] = {}
        key = salts.by_id.get(block["salt_id"])
        if key is None:
            raise NotProven(f"the key {block['salt_id']} of block {block['number']}'s salts is not among the ledger's")
        self._key = key

    def shown(self, rows: Sequence[Sequence[Any]], size: int) -> ShownBlock:
        """Return the block's facts, and these executions with their paths."""
        facts = block_facts(self._connection, self._block)
        path = _path(self._connection, inclusion(facts.number - 1, size))
        return ShownBlock(facts.to_bytes(), path, [self._leaf(row) for row in rows])

    def _leaf(self, row: Sequence[Any]) -> ShownLeaf:
        number = self._number(row[1], row[2])
        data, hashes = self._piece(number // PIECE_LEAVES)
        try:
            path = path_in_block(hashes, bytes(self._block["pieces"] or self._block["root"]), number)
        except NotProven as error:
            raise NotProven(f"block {self._block['number']}: {error}") from error
        return ShownLeaf(number, data[number % PIECE_LEAVES], path)

    def _number(self, position: int, ordinal: int) -> int:
        """Count the block's executions before one."""
        columns = schema.execution.c
        before = or_(columns.position < position, columns.ordinal < ordinal)
        where = and_(self._within(schema.execution), columns.position <= position, before)
        return int(
            self._connection.execute(select(func.count()).select_from(schema.execution).where(where)).scalar_one()
        )

    def _piece(self, number: int) -> tuple[list[bytes], list[bytes]]:
        """Return the bytes of 16 leaves, and their hashes."""
        if number not in self._pieces:
            first = number * PIECE_LEAVES
            count = min(PIECE_LEAVES, self._block["leaves"] - first)
            salts = self._key.some(self._block["history"], self._block["number"], first, count)
            rows = zip(salts, self._rows(first, count), strict=False)  # fewer rows: one was deleted, and is found
            data = [leaf_bytes(layout, salt, row) for salt, (layout, row) in rows]
            self._pieces[number] = data, leaf_hashes(data)
        return self._pieces[number]

    def _rows(self, first: int, count: int) -> list[tuple[Any, Any]]:
        """Return the rows of so many leaves from number `first` on, with their layouts."""
        found: list[tuple[Any, Any]] = []
        block = self._block
        sizes = (block["executions"], block["transfers"], block["leaves"] - block["executions"] - block["transfers"])
        for layout, size in zip(LAYOUTS.values(), sizes, strict=True):
            if first < size and len(found) < count:
                table = schema.metadata.tables[layout.table]
                statement = (
                    select(table)
                    .where(self._within(table))
                    .order_by(table.c.position, table.c.ordinal)
                    .offset(first)
                    .limit(count - len(found))
                )
                found += [(layout, tuple(row)) for row in self._connection.execute(statement)]
            first = max(0, first - size)
        return found

    def _within(self, table: Table) -> Any:
        block = self._block
        return and_(
            table.c.history == block["history"],
            table.c.position >= block["first_position"],
            table.c.position <= block["last_position"],
        )


def block_facts(connection: Connection, block: Any) -> BlockFacts:
    """
    Return what a block's chain value is of.

    Args:
        connection: To read the block before it, and its epoch.
        block: Its columns, as a mapping; `data` is not needed.

    Raises:
        NotProven: If they do not make its chain value: one of them was changed.
    """
    number = block["number"]
    found = connection.execute(
        select(schema.history.c.shard, schema.history.c.epoch).where(schema.history.c.number == block["history"])
    ).first()
    if found is None:
        raise NotProven(f"block {number}: its history {block['history']} is not in the ledger's database")
    shard, epoch = found
    if number == 1:
        previous = genesis(record_name(connection)[0], shard)
    else:
        previous = stored_blocks(connection, [Node(0, number - 2)])[number - 1].chain
    facts = BlockFacts(
        previous=previous,
        root=bytes(block["root"]),
        leaves=block["leaves"],
        number=number,
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
    if facts.chain() != bytes(block["chain"]):
        raise NotProven(f"block {number} was changed: what it says does not make its chain value")
    return facts


def _path(connection: Connection, proof: Proof) -> list[bytes]:
    nodes = proof.nodes()
    return proof.path(stored_blocks(connection, nodes) if nodes else {})


def _block_of(connection: Connection, row: Sequence[Any], size: int) -> Any:
    history, position = row[0], row[1]
    statement = (
        select(*_FACTS)
        .where(_BLOCK.history == history, _BLOCK.first_position <= position, _BLOCK.last_position >= position)
        .order_by(_BLOCK.first_position.desc(), _BLOCK.number.desc())
        .limit(1)
    )
    block = connection.execute(statement).mappings().first()
    if block is None or block["number"] > size:
        raise NotProven(f"history {history}, position {position}: it is in no block up to number {size}")
    return block


def _is_in(row: Sequence[Any], block: Any) -> bool:
    return bool(row[0] == block["history"] and block["first_position"] <= row[1] <= block["last_position"])
