"""`python -m benchmarks.ledger_proofs`: what sealing costs the ledger's writer, and a receipt who asks for it.

Blocks are sealed as the writer does, with rows as it has them, and written nowhere. Receipts come out of a database of
SQLite that holds a record of a million commands, each with two executions, in blocks of 2,048 commands.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, insert, select

from benchmarks.command import run
from benchmarks.measure import Effort, time_call
from benchmarks.table import Cell, Table
from services.ledger import schema
from services.ledger.aio.proof_store import consistency_proof, signed_head
from services.ledger.aio.receipt_store import make_receipt
from services.ledger.proof.block_chain import BlockChain, BlockSpan
from services.ledger.proof.head import PRODUCT
from services.ledger.proof.leaf import EXECUTION_LEAF, BlockRows
from services.ledger.proof.receipt import read_receipt, verify_receipt
from services.ledger.proof.salt import SaltKey, SaltKeys
from services.ledger.proof.signing_keys import HeadSigner, VerifyingKeys, read_verifying_keys, write_key_list

COMMANDS_OF_BLOCK: Final = 2_048
EXECUTIONS_OF_COMMAND: Final = 2
COMMANDS: Final = 1_000_000
SEALED: Final = (1, 64, 1_024, 4_096)
"""Executions of a block."""
ORDERS: Final = (1, 3, 20)
"""Executions of an order, each in another block."""
EPOCH: Final = 4_503_599_627_370_497
TIME: Final = 1_767_225_600_000_000
SALTS: Final = SaltKeys([SaltKey(bytes(32))])
SIGNER: Final = HeadSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def measure(effort: Effort) -> list[Table]:
    """Measure both."""
    return [_sealing(effort), _receipts(effort)]


def _sealing(effort: Effort) -> Table:
    rows: list[list[Cell]] = []
    for count in SEALED:
        chain = BlockChain(PRODUCT, 0, SALTS, SIGNER)
        sealed = BlockRows(list(_rows(1, count)), [], [])
        span = _span(1, count)
        data, packets = bytes(40 * count), [hashlib.sha256(b"packet").digest()] * max(1, count // 32)
        timing = time_call(partial(chain.seal, span, data, packets, sealed), effort)
        rows.append([count, timing, timing.per(count)])
    title = "CPU time of sealing a block, signature included."
    return Table("ledger-sealing", title, ["executions of the block", "block", "an execution"], rows)


def _receipts(effort: Effort) -> Table:
    keys = read_verifying_keys(write_key_list([SIGNER.public_key]))
    rows: list[list[Cell]] = []
    with _database() as connection:
        per_block = effort.cases(COMMANDS_OF_BLOCK, 64)
        blocks = _fill(connection, effort.cases(COMMANDS // COMMANDS_OF_BLOCK, max(ORDERS)), per_block)
        head = signed_head(connection, PRODUCT, 0)
        assert head is not None
        random = Random(7)  # noqa: S311 -- a seeded choice
        for count in ORDERS:
            shown = _some_of(connection, sorted(random.sample(range(blocks), count)), per_block)
            timing = time_call(partial(make_receipt, connection, SALTS, head, blocks, shown), effort)
            receipt = make_receipt(connection, SALTS, head, blocks, shown)
            file = receipt.to_file()
            checked = time_call(partial(_verified, file, keys), effort)
            rows.append([f"a receipt of {count}, in as many blocks", timing, checked, len(file)])
        timing = time_call(partial(consistency_proof, connection, blocks // 3, blocks), effort)
        proof = consistency_proof(connection, blocks // 3, blocks).to_file()
        rows.append(["a consistency proof", timing, "", len(proof)])
    record = f"{blocks:,} blocks and {blocks * per_block:,} commands"
    title = f"Proofs out of a record of {record} (SQLite): CPU time."
    return Table("ledger-proofs", title, ["", "made", "verified", "bytes"], rows)


def _verified(file: bytes, keys: VerifyingKeys) -> None:
    verify_receipt(read_receipt(file), keys)


def _fill(connection: Connection, blocks: int, per_block: int) -> int:
    """Write blocks of so many commands each; the leaves are hashed as the writer does."""
    chain = BlockChain(PRODUCT, 0, SALTS, SIGNER)
    connection.execute(
        insert(schema.history).values(number=1, shard=0, epoch=EPOCH, from_position=0, from_log_id="0-0", began=TIME)
    )
    marks = ", ".join("?" * len(EXECUTION_LEAF.fields))
    for number in range(blocks):
        first = number * per_block + 1
        rows = list(_rows(first, per_block * EXECUTIONS_OF_COMMAND))
        span = _span(first, first + per_block - 1)
        sealed = chain.seal(span, b"", [], BlockRows(rows, [], []))
        connection.exec_driver_sql(f"INSERT INTO execution VALUES ({marks})", rows)  # noqa: S608 -- of marks
        values = {**span._asdict(), **sealed._asdict(), "encoding": "zlib1", "data": b""}
        del values["epoch"]
        connection.execute(insert(schema.block).values(**values))
        chain.committed(sealed)
    connection.execute(
        insert(schema.place).values(
            shard=0, history=1, epoch=EPOCH, term=1, position=blocks * per_block, feed_id="1-1", log_id="1-0",
            time=TIME, block=blocks, chain=chain.state.chain,
        )
    )  # fmt: skip
    return blocks


def _some_of(connection: Connection, blocks: list[int], per_block: int) -> list[tuple[Any, ...]]:
    """Return an execution from the middle of each block, as if they were one order's."""
    columns = schema.execution.c
    positions = [number * per_block + per_block // 2 for number in blocks]
    found = connection.execute(
        select(schema.execution)
        .where(columns.history == 1, columns.position.in_(positions), columns.ordinal == 0)
        .order_by(columns.position)
    )
    return [tuple(row) for row in found]


def _rows(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    """Yield executions of one user's one order: what a receipt is of does not change what it costs."""
    for number in range(count):
        position, ordinal = first + number // EXECUTIONS_OF_COMMAND, number % EXECUTIONS_OF_COMMAND
        yield (
            1, position, ordinal, "user-417", position, "filled", TIME + position, 778_812, "order-123", "ACME", "bid",
            "limit", "gtc", 10_100, 50, 20, 10_100, 30, position, "maker", "", 0, 0, "", 0,
        )  # fmt: skip


def _span(first: int, last: int) -> BlockSpan:
    return BlockSpan(1, EPOCH, first, last, TIME // 1_000, 0, TIME // 1_000 + 1, 0, TIME)


@contextmanager
def _database() -> Iterator[Connection]:
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'ledger.db'}")
        schema.metadata.create_all(engine)
        with engine.connect() as connection:
            yield connection
            connection.rollback()
        engine.dispose()


if __name__ == "__main__":
    run({"benchmarks.ledger_proofs": measure})
