"""Values of a type that no ledger writes: SQLite keeps a text, a fraction or bytes in a column of whole numbers too.

What reads a record relies on the types of its columns, as PostgreSQL holds them. Where one is another's, something
fails somewhere; then all tables are looked through for it, and it is named.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from openoutcry.wire.errors import OpenOutcryError
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.unrecorded import DamagedRecord

_FAILURES: Final = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError, struct.error,
)  # fmt: skip
"""What a value of the wrong type leads to."""


@contextmanager
def damage_named(url: str) -> Iterator[None]:
    """
    Name what is damaged where a record could not be read for it.

    Args:
        url: Of the ledger's database.

    Raises:
        DamagedRecord: In place of a failure, if a value is of another type than its column.
    """
    try:
        yield
    except OpenOutcryError:
        raise
    except _FAILURES as error:
        with LedgerRecord(reading_engine(url)) as record:
            for finding in record.mistyped():
                raise DamagedRecord(finding) from error
        raise
