"""Receipts: the executions of one order, with all that proves them to whoever has the ledger's public key.

A receipt leads from each execution's bytes to its block's root, from the block's bytes to their chain value, from that
to the root of the tree over all blocks, which stands in a head, which is signed. Nothing else is needed.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from services.ledger.proof.block_chain import BLOCK_BYTES, BlockFacts, read_block_facts
from services.ledger.proof.head import Head
from services.ledger.proof.leaf import EXECUTION_LEAF, LEAF_BYTES_MAX, read_leaf
from services.ledger.proof.merkle import leaf_hash, root_by_inclusion
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.proof_file import (
    HASH_PATH,
    Reader,
    hex_bytes,
    list_of,
    members_of,
    read_proof,
    whole_number,
    write_proof,
)
from services.ledger.proof.signed_head import SIGNED_HEAD, SignedHead, signed_head_of
from services.ledger.proof.signing_keys import VerifyingKeys

RECEIPT_FORMAT: Final = "outcry receipt 1"
LEAVES_MAX: Final = 500
"""Executions in a receipt; an order of more has several."""


class ShownLeaf(NamedTuple):
    """An execution's bytes, and its way to the root of its block."""

    number: int
    """Of the leaf in its block, from 0."""
    data: bytes
    path: list[bytes]


class ShownBlock(NamedTuple):
    """A block's bytes, its way to the root of the tree over all blocks, and what is shown of it."""

    facts: bytes
    path: list[bytes]
    leaves: list[ShownLeaf]


class Receipt(NamedTuple):
    """A receipt as its file has it; nothing of it is proven."""

    head: SignedHead
    blocks: list[ShownBlock]

    def to_file(self) -> bytes:
        """Write it."""
        blocks = [
            {
                "block": block.facts.hex(),
                "path": _texts(block.path),
                "leaves": [
                    {"number": leaf.number, "leaf": leaf.data.hex(), "path": _texts(leaf.path)} for leaf in block.leaves
                ],
            }
            for block in self.blocks
        ]
        return write_proof({"format": RECEIPT_FORMAT, **self.head.members(), "blocks": blocks})


class ProvenExecution(NamedTuple):
    """An execution that stands in the record, and where."""

    fields: dict[str, Any]
    block: BlockFacts
    number: int
    """Of its leaf in the block, from 0."""


class ProvenReceipt(NamedTuple):
    """What a receipt proves."""

    head: Head
    key_id: str
    executions: list[ProvenExecution]


_LEAF: Final = members_of({"number": whole_number, "leaf": hex_bytes(1, LEAF_BYTES_MAX), "path": HASH_PATH})
_BLOCK: Final = members_of(
    {"block": hex_bytes(BLOCK_BYTES, BLOCK_BYTES), "path": HASH_PATH, "leaves": list_of(_LEAF, 1, LEAVES_MAX)}
)
_MEMBERS: Final[dict[str, Reader]] = {**SIGNED_HEAD, "blocks": list_of(_BLOCK, 1, LEAVES_MAX)}


def read_receipt(data: bytes) -> Receipt:
    """
    Read a receipt's file.

    Raises:
        NotProven: If it is none; says what and where.
    """
    found = read_proof(data, RECEIPT_FORMAT, _MEMBERS)
    blocks = [
        ShownBlock(block["block"], block["path"], [ShownLeaf(*leaf.values()) for leaf in block["leaves"]])
        for block in found["blocks"]
    ]
    return Receipt(signed_head_of(found), blocks)


def verify_receipt(receipt: Receipt, keys: VerifyingKeys) -> ProvenReceipt:
    """
    Prove all of a receipt.

    Raises:
        NotProven: If any of it does not hold; names the part.
    """
    head = receipt.head.verified(keys)
    return ProvenReceipt(head, receipt.head.key_id, proven_executions(receipt, head))


def proven_executions(receipt: Receipt, head: Head) -> list[ProvenExecution]:
    """
    Prove all of a receipt but its head.

    Raises:
        NotProven: If any of it does not hold; names the part.
    """
    executions: list[ProvenExecution] = []
    number = 0
    for place, block in enumerate(receipt.blocks):
        facts = _proven_block(block, f"blocks[{place}]", head)
        if facts.number <= number:
            raise NotProven(f"blocks[{place}]: blocks must be in the order of their numbers, each once")
        number = facts.number
        shown = enumerate(block.leaves)
        executions += [_proven_leaf(leaf, f"blocks[{place}].leaves[{at}]", facts) for at, leaf in shown]
    _check_subject(executions)
    return executions


def _proven_block(block: ShownBlock, path: str, head: Head) -> BlockFacts:
    facts = read_block_facts(block.facts)
    if facts.shard != head.shard:
        raise NotProven(f"{path}.block: it is of shard {facts.shard}, the head of shard {head.shard}")
    chain = facts.chain()
    found = root_by_inclusion(leaf_hash(chain), facts.number - 1, head.number, block.path)
    if found != head.tree_root:
        raise NotProven(f"{path}: block {facts.number} is not in the record whose head was signed")
    if facts.number == head.number and chain != head.chain:
        raise NotProven(f"{path}.block: block {facts.number} is not the one that the head names as the last")
    return facts


def _proven_leaf(leaf: ShownLeaf, path: str, facts: BlockFacts) -> ProvenExecution:
    if root_by_inclusion(leaf_hash(leaf.data), leaf.number, facts.leaves, leaf.path) != facts.root:
        raise NotProven(f"{path}: this execution is not in block {facts.number}, as leaf {leaf.number}")
    content = read_leaf(leaf.data)
    if content.layout is not EXECUTION_LEAF:
        raise NotProven(f"{path}.leaf: it is no execution but a {content.layout.table}")
    fields: dict[str, Any] = dict(content.row)
    if fields["history"] != facts.history or not facts.first_position <= fields["position"] <= facts.last_position:
        raise NotProven(f"{path}.leaf: its history and position are not those of block {facts.number}")
    return ProvenExecution(fields, facts, leaf.number)


def _check_subject(executions: list[ProvenExecution]) -> None:
    """One order of one user, each execution once and in order: a receipt's sum must not count anything twice."""
    first = executions[0].fields
    last = (-1, -1, -1)
    for one in (execution.fields for execution in executions):
        for name in ("user", "order_id"):
            if one[name] != first[name]:
                raise NotProven(f"the executions are of two: {name} {first[name]} and {one[name]}")
        place = (one["history"], one["position"], one["ordinal"])
        if place <= last:
            raise NotProven("the executions are not in the order of history, position and ordinal, each once")
        last = place


def _texts(path: list[bytes]) -> list[str]:
    return [one.hex() for one in path]
