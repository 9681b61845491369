"""A record for examples, tests and measurements: a database of the ledger's tables, filled with what is given.

Only what proofs read is written. It is the ledger's own sealing, and none of its writing.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import Connection, delete, insert

from services.ledger import schema
from services.ledger.proof.block_chain import BlockChain, BlockSpan, SealedBlock
from services.ledger.proof.leaf import LAYOUTS, BlockRows

EPOCH: Final = 4_503_599_627_370_497
TIME: Final = 1_767_225_600_000_123


class ProofRecord:
    """
    A record that grows block by block.

    Args:
        connection: To a database with the ledger's tables, empty.
        chain: Seals the blocks.
        product: The exchange's name, as the chain has it.
        shard: Likewise.
    """

    def __init__(self, connection: Connection, chain: BlockChain, product: str, shard: int = 0) -> None:
        self.connection = connection
        self.chain = chain
        self._shard = shard
        connection.execute(insert(schema.ledger_info).values(name="product", value=product))
        self.begin_history(1)

    def begin_history(self, number: int, parent: int | None = None, from_position: int = 0) -> None:
        """Begin an epoch."""
        self.connection.execute(
            insert(schema.history).values(
                number=number, shard=self._shard, epoch=EPOCH + number - 1, parent=parent,
                from_position=from_position, from_log_id="0-0", until_position=None, began=TIME,
            )
        )  # fmt: skip

    def append(self, rows: BlockRows, first: int, last: int, history: int = 1) -> SealedBlock:
        """Write a block of these positions: none if `last` is `first` - 1."""
        number = self.chain.state.number + 1
        ms = TIME // 1000 + number
        span = BlockSpan(
            history, EPOCH + history - 1, first, last, ms, 0, ms, max(0, last - first), TIME + number * 200_000
        )
        data = b"commands of block %d" % number
        sealed = self.chain.seal(span, data, [hashlib.sha256(b"packet %d" % number).digest()], rows)
        block = {**span._asdict(), **sealed._asdict(), "encoding": "zlib1", "data": data}
        del block["epoch"]
        self.connection.execute(insert(schema.block).values(**block))
        for layout, table in zip(LAYOUTS.values(), rows, strict=True):
            if table:
                named = [dict(zip(layout.fields, row, strict=True)) for row in table]
                self.connection.execute(insert(schema.metadata.tables[layout.table]), named)
        self._move(span, sealed)
        self.chain.committed(sealed)
        return sealed

    def _move(self, span: BlockSpan, sealed: SealedBlock) -> None:
        self.connection.execute(delete(schema.place))
        self.connection.execute(
            insert(schema.place).values(
                shard=self._shard, history=span.history, epoch=span.epoch, term=1, position=span.last_position,
                feed_id=f"1-{span.last_position}", log_id=f"{span.last_ms}-{span.last_n}", time=span.time,
                block=sealed.number, chain=sealed.chain,
            )
        )  # fmt: skip
