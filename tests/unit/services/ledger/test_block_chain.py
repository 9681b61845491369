"""Blocks, their chain, and what each of them commits to."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openoutcry.wire.errors import ConfigurationError
from services.ledger import schema
from services.ledger.proof.block_chain import BlockChain, BlockFacts, SealedBlock, genesis, read_block_facts
from services.ledger.proof.head import Head, read_head
from services.ledger.proof.leaf import LAYOUTS, BlockRows, leaf_bytes, read_leaf
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.salt import SaltKey, SaltKeys, read_salt_keys
from services.ledger.proof.signing_keys import HeadSigner, read_verifying_keys, write_key_list
from tests.property import naive_merkle
from tests.unit.services.ledger.made_rows import block_rows, span

SALTS = SaltKeys([SaltKey(bytes(range(32)))])
SIGNER = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))
HASHES = [hashlib.sha256(b"packet").digest()] * 2


def a_chain() -> BlockChain:
    return BlockChain("openoutcry", 0, SALTS, SIGNER)


def facts(**changes: int | bytes) -> BlockFacts:
    known = BlockFacts(bytes(32), bytes(32), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, bytes(32), bytes(32))
    return known._replace(**changes)  # type: ignore[arg-type]


def test_every_fact_of_a_block_changes_its_chain_value() -> None:
    """A field that is forgotten could be changed by anybody."""
    changed = {facts().chain()}
    for name in BlockFacts._fields:
        value = getattr(facts(), name)
        changed.add(facts(**{name: b"\1" * 32 if isinstance(value, bytes) else value + 1}).chain())
    assert len(changed) == 1 + len(BlockFacts._fields)


def test_a_block_commits_to_every_row_and_everything_it_is_given() -> None:
    rows = block_rows(1, 5, 2, 2)
    sealed = a_chain().seal(span(1, 5), b"data", HASHES, rows)
    for other in (
        a_chain().seal(span(1, 5), b"datb", HASHES, rows),
        a_chain().seal(span(1, 5), b"data", HASHES[:1], rows),
        a_chain().seal(span(1, 6), b"data", HASHES, rows),
        a_chain().seal(span(1, 5), b"data", HASHES, rows._replace(executions=rows.executions[::-1])),
        a_chain().seal(span(1, 5), b"data", HASHES, rows._replace(transfers=rows.transfers[:1])),
        a_chain().seal(span(1, 5), b"data", HASHES, rows._replace(refusals=[])),
        BlockChain("another", 0, SALTS).seal(span(1, 5), b"data", HASHES, rows),
        BlockChain("openoutcry", 1, SALTS).seal(span(1, 5), b"data", HASHES, rows),
        BlockChain("openoutcry", 0, SaltKeys([SaltKey(bytes(32))])).seal(span(1, 5), b"data", HASHES, rows),
    ):
        assert other.chain != sealed.chain


def test_every_field_of_every_row_is_in_its_leaf() -> None:
    for layout, table in zip(LAYOUTS.values(), block_rows(1, 1, 1, 1), strict=True):
        row = list(table[0])
        leaves = {leaf_bytes(layout, bytes(16), row)}
        for place, value in enumerate(row):
            changed = [*row]
            changed[place] = value + 1 if isinstance(value, int) else value + "x"
            leaves.add(leaf_bytes(layout, bytes(16), changed))
        assert len(leaves) == len(row) + 1
        assert list(read_leaf(leaf_bytes(layout, bytes(16), row)).row.values()) == row


def test_layouts_are_the_tables_columns() -> None:
    """A column more is another layout with the next number: old leaves stay what they are."""
    for layout in LAYOUTS.values():
        columns = schema.metadata.tables[layout.table].columns
        assert layout.fields == tuple(column.name for column in columns)
        assert layout.integers == {column.name for column in columns if column.type.python_type is int}


def test_the_block_has_a_column_for_each_thing_that_proves_it() -> None:
    assert set(SealedBlock._fields) <= {column.name for column in schema.block.columns}


@pytest.mark.parametrize("leaves", [0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 257])
def test_a_blocks_root_is_the_rfcs_over_its_leaves(leaves: int) -> None:
    rows = block_rows(1, leaves, 0, 0) if leaves < 9 else block_rows(1, leaves - 8, 5, 3)
    sealed = a_chain().seal(span(1, leaves), b"data", HASHES, rows)
    salts = SALTS.current.some(1, 1, 0, leaves)
    data = [
        leaf_bytes(layout, salts.pop(0), row)
        for layout, table in zip(LAYOUTS.values(), rows, strict=True)
        for row in table
    ]
    assert not salts
    assert sealed.root == naive_merkle.mth(data)
    assert sealed.leaves == leaves
    assert (len(sealed.pieces) == 0) == (leaves <= 16)
    assert b"".join(naive_merkle.mth(data[at : at + 16]) for at in range(0, leaves, 16)) in (
        sealed.pieces,
        sealed.root,
        b"",
    )


def test_blocks_follow_each_other_only_once_they_are_committed() -> None:
    chain = a_chain()
    first = chain.seal(span(1, 5), b"data", HASHES, block_rows(1, 5))
    again = chain.seal(span(1, 5), b"data", HASHES, block_rows(1, 5))
    assert first == again, "a transaction that is rolled back has left nothing behind"
    chain.committed(again)
    second = chain.seal(span(6, 9), b"data", HASHES, block_rows(6, 4))
    assert second.number == 2
    begun = BlockChain("openoutcry", 0, SALTS, SIGNER, chain.state)
    assert begun.seal(span(6, 9), b"data", HASHES, block_rows(6, 4)) == second
    assert a_chain().state.chain == genesis("openoutcry", 0) != genesis("openoutcry", 1)


def test_the_head_after_a_block_is_signed() -> None:
    sealed = a_chain().seal(span(1, 5), b"data", HASHES, block_rows(1, 5))
    head = Head("openoutcry", 0, 1, 1, 5, sealed.time, sealed.chain, sealed.tree_root)
    keys = read_verifying_keys(write_key_list([SIGNER.public_key]))
    assert keys.verifies(sealed.key_id, sealed.signature, head.to_bytes())
    assert read_head(head.to_bytes()) == head
    for place in range(len(head.to_bytes())):
        changed = bytearray(head.to_bytes())
        changed[place] ^= 1
        assert not keys.verifies(sealed.key_id, sealed.signature, bytes(changed))


def test_without_a_signer_nobody_signs() -> None:
    sealed = BlockChain("openoutcry", 0, SALTS).seal(span(1, 1), b"", [], BlockRows([], [], []))
    assert (sealed.key_id, sealed.signature) == ("", b"")


def test_salts_differ_by_place_and_key_and_each_can_be_made_alone() -> None:
    key = SALTS.current
    whole = list(key.stream(1, 1, 40))
    assert len(set(whole)) == 40
    assert [key.some(1, 1, at, 1)[0] for at in range(40)] == whole
    assert key.some(1, 1, 17, 9) == whole[17:26]
    for others in (key.some(1, 2, 0, 40), key.some(2, 1, 0, 40), SaltKey(bytes(32)).some(1, 1, 0, 40)):
        assert not set(whole) & set(others)


def test_keys_of_salts_are_kept_oldest_first() -> None:
    keys = read_salt_keys(f"{'00' * 32}\n{bytes(range(32)).hex()}\n")
    assert keys.current.salt_id == SALTS.current.salt_id
    assert len(keys.by_id) == 2
    for text in ("", "00", "zz" * 32):
        with pytest.raises(ConfigurationError):
            read_salt_keys(text)


def test_what_is_not_a_head_or_a_block_is_named() -> None:
    head = Head("openoutcry", 0, 1, 1, 5, 1, bytes(32), bytes(32)).to_bytes()
    for data, why in ((head[:-1], "183 bytes"), (b"x" + head[1:], "first 16 bytes")):
        with pytest.raises(NotProven, match=why):
            read_head(data)
    assert read_block_facts(facts().to_bytes()) == facts()
    for data, why in ((facts().to_bytes()[:-1], "239 bytes"), (b"x" + facts().to_bytes()[1:], "first 16 bytes")):
        with pytest.raises(NotProven, match=why):
            read_block_facts(data)


def test_a_name_too_long_for_a_head_is_refused_before_the_first_block() -> None:
    for name in ("", "x" * 65, "a\0"):
        with pytest.raises(ConfigurationError):
            BlockChain(name, 0, SALTS)


def test_the_first_block_of_each_day_gives_its_head_to_be_told() -> None:
    chain, told = a_chain(), []
    day = 86_400_000_000
    for number, time in enumerate((day - 1, day, day + 1, 3 * day), 1):
        sealed = chain.seal(span(number, number)._replace(time=time), b"", [], block_rows(number, 1))
        head = chain.committed(sealed)
        if head is not None:
            told.append(head.verified(read_verifying_keys(write_key_list([SIGNER.public_key]))).number)
    assert told == [1, 2, 4]
    silent = BlockChain("openoutcry", 0, SALTS)
    assert silent.committed(silent.seal(span(1, 1), b"", [], block_rows(1, 1))) is None
