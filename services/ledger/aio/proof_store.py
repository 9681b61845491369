"""Proofs out of the database: where a chain is, its heads, and what they have in common.

Everything reads, in the transaction that the connection is in. A proof reads at most 2 log2(blocks) small rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select

from services.ledger import schema
from services.ledger.proof.block_chain import ChainState, genesis
from services.ledger.proof.head import PRODUCT, Head
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.record_tree import Node, Proof, Stored, consistency, nodes_of
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


def _path(connection: Connection, proof: Proof) -> list[bytes]:
    nodes = proof.nodes()
    return proof.path(stored_blocks(connection, nodes) if nodes else {})
