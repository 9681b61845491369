"""Proofs by example, for verifiers in every language: what must be proven, what must be refused, and for what.

`python -m tools.reference.vectors` writes `merkle.json`, `receipts.json` and `heads.json` into protocol/vectors. The
record is a small one, with keys that everybody knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, select

from services.ledger import schema
from services.ledger.aio.proof_store import consistency_proof, signed_head, stored_blocks
from services.ledger.aio.receipt_store import make_receipt
from services.ledger.proof import merkle
from services.ledger.proof.block_chain import BlockChain, block_facts, genesis
from services.ledger.proof.head import Head, read_head
from services.ledger.proof.leaf import EXECUTION_LEAF, TRANSFER_LEAF, BlockRows, leaf_bytes
from services.ledger.proof.receipt import Receipt, ShownBlock, ShownLeaf
from services.ledger.proof.record_tree import Node, Stored, consistency, grow, inclusion
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signed_head import ConsistencyProof, SignedHead
from services.ledger.proof.signing_keys import HeadSigner, write_key_list
from tools.reference.proofs.proof_record import EPOCH, TIME, ProofRecord

PRODUCT: Final = "openoutcry"
OLD_SIGNER: Final = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1"))
SIGNER: Final = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\2"))
STRANGER: Final = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\3"))
KEY_LIST: Final = write_key_list([OLD_SIGNER.public_key, SIGNER.public_key])
SALTS: Final = SaltKeys([SaltKey(hashlib.sha256(b"vectors").digest())])
TREE_SIZE: Final = 9
BLOCKS: Final = 7
ORDER: Final = 71
_ORDER: Final = ("mine-1", "ACME", "bid", "limit", "gtc", 9_998, 25)
_EMPTY: Final = BlockRows([], [], [])


def rendered_proofs() -> dict[str, str]:
    """Return the files' contents by their names."""
    files = {"merkle.json": merkle_vectors(), "receipts.json": receipt_vectors(), "heads.json": head_vectors()}
    return {name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in files.items()}


def merkle_vectors() -> dict[str, Any]:
    """Return small trees: every root, every inclusion path, every consistency proof."""
    data = [bytes([number]) * number for number in range(TREE_SIZE)]
    blocks: dict[int, Stored] = {}
    peaks: tuple[bytes, ...] = ()
    for size, leaf in enumerate(data):
        growth = grow(peaks, size, leaf)
        blocks[size + 1], peaks = Stored(leaf, growth.completed), growth.peaks
    sizes = range(1, TREE_SIZE + 1)
    return {
        "leaves": [leaf.hex() for leaf in data],
        "roots": [merkle.root_of(merkle.leaf_hashes(data[:size])).hex() for size in range(TREE_SIZE + 1)],
        "inclusion": [
            {"number": number, "size": size, "path": _texts(inclusion(number, size).path(blocks))}
            for size in sizes
            for number in range(size)
        ],
        "consistency": [
            {"old": old, "new": new, "path": _texts(consistency(old, new).path(blocks))}
            for new in sizes
            for old in range(1, new + 1)
        ],
    }


def receipt_vectors() -> dict[str, Any]:
    """Return receipts: `proves` are the leaves' fields, or `refused` is a part of the reason."""
    cases = [
        {"name": name, "file": file.decode(), "refused": refused, "proves": proves}
        for name, file, refused, proves in _receipts()
    ]
    return {"keys": KEY_LIST, "cases": cases}


def head_vectors() -> dict[str, Any]:
    """Return pairs of heads, perhaps with a proof, and the verdict: proven, not_proven or cannot_be_judged."""
    cases = [
        {
            "name": name,
            "old": old.to_file().decode(),
            "new": new.to_file().decode(),
            "proof": proof.to_file().decode() if proof else None,
            "verdict": verdict,
        }
        for name, old, new, proof, verdict in _heads()
    ]
    return {"keys": KEY_LIST, "cases": cases}


def made_record(connection: Connection, *, changed: bool = False) -> ProofRecord:
    """
    Return a record of seven blocks with one order of three executions; the key was changed after the fourth.

    Args:
        connection: To an empty database.
        changed: Whether the third block says something else.
    """
    record = ProofRecord(connection, BlockChain(PRODUCT, 0, SALTS, OLD_SIGNER), PRODUCT)
    record.append(BlockRows([_execution(1, 0, 1, "accepted", 25), *_others(2, 20)], [], []), 1, 21)
    record.append(_EMPTY, 22, 21)
    filled = _execution(23, 1, 2, "filled", 20, fill_price=9_998, fill_quantity=5, trade_id=4, liquidity="maker")
    other = next(_others(22, 1, 9_997 if changed else 9_996))
    record.append(BlockRows([other, filled], [_transfer(24)], [_refusal(25)]), 22, 25)
    record.append(BlockRows(list(_others(26, 33)), [], []), 26, 59)
    record.chain = BlockChain(PRODUCT, 0, SALTS, SIGNER, record.chain.state)
    record.append(BlockRows([_execution(60, 0, 3, "cancelled", 20, reason="user_request")], [], []), 60, 60)
    record.append(_EMPTY, 61, 60)
    record.append(
        BlockRows([_execution(61, 0, 1, "accepted", 2**62, user="größe", order_id=2**62 + 1)], [], []), 61, 61
    )
    return record


def _receipts() -> Iterator[tuple[str, bytes, str, Any]]:
    with _database() as connection:
        made_record(connection)
        rows = [_found(connection, position) for position in (1, 23, 60)]
        good = _receipt(connection, BLOCKS, rows)
        proves = [_shown(row) for row in rows]
        yield "an order's executions in three blocks", good.to_file(), "", proves
        yield (
            "one execution, by the head of its own block",
            _receipt(connection, 3, rows[1:2]).to_file(),
            "",
            proves[1:2],
        )
        yield "by a head that the older key signed", _receipt(connection, 4, rows[:2]).to_file(), "", proves[:2]
        large = _found(connection, 61)
        yield (
            "numbers beyond 2^53 and letters beyond ASCII",
            _receipt(connection, 7, [large]).to_file(),
            "",
            [_shown(large)],
        )
        for name, file, refused in (*_altered(good), *_forged(connection, good, rows)):
            yield name, file, refused, None


def _altered(good: Receipt) -> Iterator[tuple[str, bytes, str]]:
    """Yield what anybody can do to a file."""
    text = good.to_file()
    head, first, leaf = good.head, good.blocks[0], good.blocks[0].leaves[0]
    flipped = bytearray(leaf.data)
    flipped[-10] ^= 1
    yield "a byte of an execution", _with_leaf(good, leaf._replace(data=bytes(flipped))), "blocks[0].leaves[0]"
    yield "an execution's number in its block", _with_leaf(good, leaf._replace(number=1)), "blocks[0].leaves[0]"
    yield "a path too short", _with_leaf(good, leaf._replace(path=leaf.path[:-1])), "blocks[0].leaves[0]"
    yield "a path too long", _with_leaf(good, leaf._replace(path=[*leaf.path, bytes(32)])), "blocks[0].leaves[0]"
    swapped = [leaf.path[1], leaf.path[0], *leaf.path[2:]]
    yield (
        "two hashes of a path in the other order",
        _with_leaf(good, leaf._replace(path=swapped)),
        "blocks[0].leaves[0]",
    )
    facts = bytearray(first.facts)
    facts[100] ^= 1
    yield "a byte of a block", _with(good, [first._replace(facts=bytes(facts)), *good.blocks[1:]]), "blocks[0]"
    yield "a block's path", _with(good, [first._replace(path=first.path[::-1]), *good.blocks[1:]]), "blocks[0]"
    yield "blocks in another order", _with(good, good.blocks[::-1]), "order"
    yield "a block twice", _with(good, [first, first]), "order"
    yield "an execution twice", _with(good, [first._replace(leaves=[leaf, leaf])]), "order"
    changed = bytearray(head.data)
    changed[100] ^= 1
    yield "a byte of the head", good._replace(head=head._replace(data=bytes(changed))).to_file(), "signature"
    other = head._replace(key_id=OLD_SIGNER.key_id)
    yield "another key's id", good._replace(head=other).to_file(), "signature"
    signature = bytearray(head.signature)
    signature[40] ^= 1
    yield (
        "a byte of the signature",
        good._replace(head=head._replace(signature=bytes(signature))).to_file(),
        "signature",
    )
    yield "capital letters", text.replace(head.key_id.encode(), head.key_id.upper().encode()), "key_id"
    yield "a space more", text.replace(b'"blocks": [', b'"blocks":  ['), "line"
    yield "no end of the last line", text[:-1], "line"
    yield "a number as a float", text.replace(b'"number": 0', b'"number": 0.0', 1), ""
    yield "a number with an exponent", text.replace(b'"number": 0', b'"number": 0e0', 1), ""
    yield "a name twice", text.replace(b'"number": 0', b'"number": 5,\n     "number": 0', 1), "line"
    yield "a member more", text.replace(b'"blocks": [', b'"note": 1,\n "blocks": ['), "members"
    yield "another format", text.replace(b"outcry receipt 1", b"outcry receipt 2"), "format"
    yield "no executions", _with(good, []), "blocks"
    yield "not JSON", text[:400], "JSON"
    yield "a list", b"[]\n", "members"
    yield "nested a thousand times", b"[" * 1_000 + b"]" * 1_000 + b"\n", ""


def _forged(connection: Connection, good: Receipt, rows: list[tuple[Any, ...]]) -> Iterator[tuple[str, bytes, str]]:
    """Yield what a forger with other keys can do, and what a ledger that lies can."""
    head = good.head
    stranger = SignedHead(head.data, STRANGER.key_id, STRANGER.sign(head.data))
    yield "signed by a stranger", good._replace(head=stranger).to_file(), "key_id"
    yield (
        "signed by a stranger in the ledger's name",
        good._replace(head=stranger._replace(key_id=SIGNER.key_id)).to_file(),
        "signature",
    )
    tag = b"outcry head 002\n" + head.data[16:]
    yield (
        "a head of another version, well signed",
        good._replace(head=SignedHead(tag, SIGNER.key_id, SIGNER.sign(tag))).to_file(),
        "head",
    )
    alone = _receipt(connection, 3, rows[1:2])
    other_chain = _signed(read_head(alone.head.data)._replace(chain=bytes(32)))
    yield "a head whose chain value is not its last block's", alone._replace(head=other_chain).to_file(), "blocks[0]"
    leaf = good.blocks[0].leaves[0]
    node = merkle.leaf_hash(leaf.data) + leaf.path[0]
    inner = ShownLeaf(0, node, leaf.path[1:])
    yield "a node in the place of a leaf", _with_leaf(good, inner), "blocks[0].leaves[0]"
    theirs = _receipt(connection, BLOCKS, [_found(connection, 22)]).blocks[0].leaves[0]
    mixed = good.blocks[1]._replace(leaves=[theirs, good.blocks[1].leaves[0]])
    yield "two people's executions in one receipt", _with(good, [good.blocks[0], mixed]), "two"
    with _database() as other:
        made_record(other, changed=True)
        elsewhere = _receipt(other, BLOCKS, rows[:1])
        yield "a block of another record", good._replace(blocks=elsewhere.blocks).to_file(), "blocks[0]"
    with _database() as lying:
        record = ProofRecord(lying, BlockChain(PRODUCT, 0, SALTS, SIGNER), PRODUCT)
        record.append(BlockRows([], [_transfer(5)], []), 1, 9)
        record.append(BlockRows([_execution(3, 0, 1, "accepted", 25)], [], []), 10, 19)
        yield "a transfer as an execution", _of_only_leaf(lying, record, 1), "execution"
        yield "an execution in a block that ends before it", _of_only_leaf(lying, record, 2), "position"


def _heads() -> Iterator[tuple[str, SignedHead, SignedHead, ConsistencyProof | None, str]]:
    with _database() as connection, _database() as other:
        made_record(connection)
        made_record(other, changed=True)
        heads = [_head(connection, size) for size in range(1, BLOCKS + 1)]
        others = [_head(other, size) for size in range(1, BLOCKS + 1)]
        for old, new in ((1, 2), (1, 7), (3, 7), (4, 6), (6, 7)):
            proof = consistency_proof(connection, old, new)
            yield f"{old} and {new}", heads[old - 1], heads[new - 1], proof, "proven"
        yield "equal", heads[4], heads[4], None, "proven"
        yield "no proof", heads[2], heads[4], None, "cannot_be_judged"
        yield "the other way round", heads[4], heads[2], consistency_proof(connection, 3, 5), "not_proven"
        yield "two heads of one block", heads[4], others[4], None, "not_proven"
        yield "another record since block 3", heads[2], others[6], consistency_proof(other, 3, 7), "not_proven"
        yield "the same before it", heads[1], others[6], consistency_proof(other, 2, 7), "proven"
        good = consistency_proof(connection, 3, 7)
        yield "a proof of other sizes", heads[1], heads[6], good, "not_proven"
        yield "a path too short", heads[2], heads[6], good._replace(path=good.path[:-1]), "not_proven"
        yield "a path too long", heads[2], heads[6], good._replace(path=[*good.path, bytes(32)]), "not_proven"
        yield "a path in the other order", heads[2], heads[6], good._replace(path=good.path[::-1]), "not_proven"
        yield "no path", heads[2], heads[6], good._replace(path=[]), "not_proven"
        forged = heads[6]._replace(signature=heads[5].signature)
        yield "a head that nobody signed", heads[2], forged, good, "not_proven"
        shard = _signed(Head(PRODUCT, 1, *read_head(heads[6].data)[2:]))
        yield "another shard", heads[2], shard, good, "not_proven"


def _head(connection: Connection, size: int) -> SignedHead:
    found = signed_head(connection, PRODUCT, 0, size)
    assert found is not None
    return found


def _receipt(connection: Connection, size: int, rows: list[tuple[Any, ...]]) -> Receipt:
    return make_receipt(connection, SALTS, _head(connection, size), size, rows)


def _of_only_leaf(connection: Connection, record: ProofRecord, number: int) -> bytes:
    """Return the receipt of the one leaf of a block, whatever it is; well signed."""
    size = record.chain.state.number
    columns = schema.block.columns
    block = connection.execute(select(schema.block).where(columns.number == number)).mappings().one()
    layout = EXECUTION_LEAF if block["executions"] else TRANSFER_LEAF
    table = schema.metadata.tables[layout.table]
    row = connection.execute(select(table).where(table.c.history == 1)).one()
    (salt,) = SALTS.current.some(1, number, 0, 1)
    leaf = ShownLeaf(0, leaf_bytes(layout, salt, tuple(row)), [])
    proof = inclusion(number - 1, size)
    stored = stored_blocks(connection, [*proof.nodes(), Node(0, 0)])
    facts = block_facts(block, EPOCH, 0, stored[1].chain if number == 2 else genesis(PRODUCT, 0))
    shown = ShownBlock(facts.to_bytes(), proof.path(stored), [leaf])
    return Receipt(_head(connection, size), [shown]).to_file()


def _with(receipt: Receipt, blocks: list[ShownBlock]) -> bytes:
    return receipt._replace(blocks=blocks).to_file()


def _with_leaf(receipt: Receipt, leaf: ShownLeaf) -> bytes:
    first, *others = receipt.blocks
    return _with(receipt, [first._replace(leaves=[leaf]), *others])


def _signed(head: Head) -> SignedHead:
    return SignedHead(head.to_bytes(), SIGNER.key_id, SIGNER.sign(head.to_bytes()))


def _found(connection: Connection, position: int) -> tuple[Any, ...]:
    columns = schema.execution.c
    return tuple(connection.execute(select(schema.execution).where(columns.position == position)).one())


def _shown(row: tuple[Any, ...]) -> dict[str, str]:
    """Return the fields as text: not every language has numbers that large."""
    return {name: str(value) for name, value in zip(EXECUTION_LEAF.fields, row, strict=True)}


@contextmanager
def _database() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    schema.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _execution(
    position: int, ordinal: int, user_seq: int, event: str, remaining: int, **fields: Any
) -> tuple[Any, ...]:
    client_order_id, instrument, side, kind, time_in_force, price, quantity = _ORDER
    row = {
        "history": 1,
        "position": position,
        "ordinal": ordinal,
        "user": "ann",
        "user_seq": user_seq,
        "event": event,
        "time": TIME + position * 1_000,
        "order_id": ORDER,
        "client_order_id": client_order_id,
        "instrument": instrument,
        "side": side,
        "kind": kind,
        "time_in_force": time_in_force,
        "price": price,
        "quantity": quantity,
        "remaining": remaining,
        "fill_price": 0,
        "fill_quantity": 0,
        "trade_id": 0,
        "liquidity": "",
        "reason": "",
        "trigger": 0,
        "expires_at": 0,
        "expires_on": "",
        "held_until": 0,
    }
    return tuple((row | fields).values())


def _others(first: int, count: int, price: int = 9_996) -> Iterator[tuple[Any, ...]]:
    for position in range(first, first + count):
        user = f"user-{position % 5}"
        yield _execution(
            position, 0, position, "accepted", 7, user=user, order_id=100 + position, price=price, quantity=7
        )


def _transfer(position: int) -> tuple[Any, ...]:
    who = ("~issuer", "ann", 500, 0, 2, TIME + 10**12, "anna", "bert", "year one")
    return (1, position, 0, TIME + position * 1_000, f"grant-{position}", "grant", "ACME", *who)


def _refusal(position: int) -> tuple[Any, ...]:
    why = ("place_order", "ACME", "blackout", "trading is closed to you", "Q4", '{"price":9998}')
    return (1, position, 0, TIME + position * 1_000, "ben", *why)


def _texts(path: list[bytes]) -> list[str]:
    return [one.hex() for one in path]
