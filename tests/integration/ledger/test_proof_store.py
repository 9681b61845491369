"""Receipts, heads and consistency proofs out of a real database; and what is said when it was tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Table, create_engine, delete, func, select, update

from services.ledger import schema
from services.ledger.aio.proof_store import consistency_proof, load_chain, signed_head
from services.ledger.aio.receipt_store import make_receipt
from services.ledger.proof.block_chain import BlockChain
from services.ledger.proof.leaf import BlockRows
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.receipt import ProvenReceipt, read_receipt, verify_receipt
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signed_head import check_consistency
from services.ledger.proof.signing_keys import HeadSigner, read_verifying_keys, write_key_list
from tests.unit.services.ledger.made_rows import block_rows, execution_row
from tools.reference.proofs.proof_record import ProofRecord

SALTS = SaltKeys([SaltKey(bytes(range(32)))])
SIGNER = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))
KEYS = read_verifying_keys(write_key_list([SIGNER.public_key]))
PRODUCT = "openoutcry"
BLOCKS = 13


def written(folder: Path, blocks: int) -> Path:
    """Write blocks of chance, the third and the ninth empty, and a second history from the eighth on."""
    path = folder / f"{blocks}.db"
    engine = create_engine(f"sqlite:///{path}")
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        record = ProofRecord(connection, new_chain(), PRODUCT)
        random, position = Random(15), 0
        for number in range(1, blocks + 1):
            history = 1 if number < 8 else 2
            if number == 8:
                position -= 20
                record.begin_history(2, 1, position)
            count = 0 if number in {3, 9} else random.choice((1, 5, 16, 17, 40, 100))
            rows = block_rows(position + 1, count, random.randrange(4), random.randrange(4), history)
            record.append(rows if count else BlockRows([], [], []), position + 1, position + count, history)
            position += count
    engine.dispose()
    return path


def new_chain() -> BlockChain:
    return BlockChain(PRODUCT, 0, SALTS, SIGNER)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("template"), BLOCKS).read_bytes()


@pytest.fixture(scope="module")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    schema.metadata.create_all(engine)
    engine.dispose()
    return path.read_bytes()


@contextmanager
def opened(path: Path, content: bytes) -> Iterator[Connection]:
    path.write_bytes(content)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture
def connection(tmp_path: Path, template: bytes) -> Iterator[Connection]:
    with opened(tmp_path / "ledger.db", template) as connection:
        yield connection


@pytest.fixture
def empty(tmp_path: Path, empty_template: bytes) -> Iterator[ProofRecord]:
    with opened(tmp_path / "ledger.db", empty_template) as connection:
        yield ProofRecord(connection, new_chain(), PRODUCT)


def rows_of(connection: Connection, order_id: int) -> list[tuple[object, ...]]:
    columns = schema.execution.c
    order = (columns.history, columns.position, columns.ordinal)
    found = connection.execute(select(schema.execution).where(columns.order_id == order_id).order_by(*order))
    return [tuple(row) for row in found]


def proven(connection: Connection, rows: list[tuple[object, ...]], size: int = BLOCKS) -> ProvenReceipt:
    head = signed_head(connection, PRODUCT, 0, size)
    assert head is not None
    written = make_receipt(connection, SALTS, head, size, rows).to_file()
    return verify_receipt(read_receipt(written), KEYS)


def test_every_execution_has_a_receipt_that_anybody_can_check(connection: Connection) -> None:
    rows = [tuple(row) for row in connection.execute(select(schema.execution))]
    assert len(rows) > 200
    for row in Random(16).sample(rows, 40):
        (one,) = proven(connection, [row]).executions
        assert tuple(one.fields.values()) == row


def test_an_orders_executions_are_one_receipt_whatever_blocks_they_are_in(empty: ProofRecord) -> None:
    for number in range(6):
        mine = [execution_row(number * 20 + at, user="u-1", order_id=7) for at in (3, 11, 18)]
        others = [
            execution_row(number * 20 + at) for at in (1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 19, 20)
        ]
        empty.append(
            BlockRows(sorted(mine + others, key=lambda row: row[1]), [], []), number * 20 + 1, number * 20 + 20
        )
    found = proven(empty.connection, rows_of(empty.connection, 7), 6)
    assert [one.fields["position"] for one in found.executions] == [at + 20 * n for n in range(6) for at in (3, 11, 18)]
    assert [one.block.number for one in found.executions] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6]


def test_an_earlier_head_serves_too_but_not_for_what_came_later(connection: Connection) -> None:
    first, last = execution_row(1), [tuple(row) for row in connection.execute(select(schema.execution))][-1]
    for size in range(1, BLOCKS + 1):
        assert proven(connection, [first], size).head.number == size
    with pytest.raises(NotProven, match="in no block up to number 4"):
        proven(connection, [last], 4)


def test_all_heads_are_consistent_with_each_other(connection: Connection) -> None:
    heads = [signed_head(connection, PRODUCT, 0, size) for size in range(1, BLOCKS + 1)]
    read = [head.verified(KEYS) for head in heads if head is not None]
    assert len(read) == BLOCKS
    assert signed_head(connection, PRODUCT, 0) == heads[-1]
    for old in read:
        for new in read[old.number - 1 :: 3]:
            check_consistency(old, new, consistency_proof(connection, old.number, new.number))
    assert signed_head(connection, PRODUCT, 0, BLOCKS + 1) is None


def test_a_chain_goes_on_from_the_database(empty: ProofRecord) -> None:
    for number in range(18):
        assert load_chain(empty.connection, PRODUCT, 0) == empty.chain.state
        empty.append(block_rows(number + 1, 1), number + 1, number + 1)
    assert load_chain(empty.connection, PRODUCT, 1).number == 0


def first_block(connection: Connection) -> int:
    """Return how many executions the first block with more than a piece has, and its number."""
    where = schema.block.c.executions > 16
    return int(connection.execute(select(func.min(schema.block.c.number)).where(where)).scalar_one())


def test_a_changed_row_is_found_when_a_neighbours_receipt_is_made(connection: Connection) -> None:
    rows = [tuple(row) for row in connection.execute(select(schema.execution).limit(2))]
    table = schema.execution
    connection.execute(update(table).where(table.c.position == rows[1][1]).values(price=10_101))
    with pytest.raises(NotProven, match=r"block 1: one of its leaves 0 to 15 was changed"):
        proven(connection, [rows[0]])


@pytest.mark.parametrize("table", [schema.execution, schema.transfer, schema.refusal], ids=lambda table: table.name)
def test_a_deleted_row_is_found(empty: ProofRecord, table: Table) -> None:
    empty.append(block_rows(1, 3, 2, 2), 1, 3)
    where = table.c.ordinal == 1 if table is not schema.execution else table.c.position == 2
    empty.connection.execute(delete(table).where(where))
    with pytest.raises(NotProven, match="leaves 0 to 15 was changed"):
        proven(empty.connection, [execution_row(3)], 1)


NOT_IN_ITS_RECEIPT = {
    "encoding": "of data",
    "data": "proofs hold its SHA-256; `outcry ledger verify` reads it",
    "key_id": "of the head after it, as the next three",
    "signature": "",
    "tree_root": "",
    "tree_nodes": "later receipts need them",
}


@pytest.mark.parametrize(
    "column", [column.name for column in schema.block.columns if column.name not in NOT_IN_ITS_RECEIPT]
)
def test_a_changed_column_of_a_block_is_found(connection: Connection, column: str) -> None:
    table = schema.block
    number = first_block(connection)
    row = connection.execute(select(table).where(table.c.number == number)).mappings().one()
    where = (schema.execution.c.history == row["history"], schema.execution.c.position == row["last_position"])
    (shown,) = [tuple(found) for found in connection.execute(select(schema.execution).where(*where))]
    held = row[column]
    changed = held + 1 if isinstance(held, int) else held[::-1]
    connection.execute(update(table).where(table.c.number == number).values({column: changed}))
    with pytest.raises(NotProven):
        proven(connection, [shown])


def test_another_salt_key_makes_no_receipt(connection: Connection) -> None:
    head = signed_head(connection, PRODUCT, 0)
    assert head is not None
    with pytest.raises(NotProven, match="salts is not among"):
        make_receipt(connection, SaltKeys([SaltKey(bytes(32))]), head, BLOCKS, [execution_row(1)])
