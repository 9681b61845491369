"""Exports as Parquet: zstd, one row group a 100,000 rows, whole numbers beside decimals, the schema's version within.

Readers multiply decimals each in their own way: one overflows, one rounds, one refuses. So every price, quantity and
amount is a whole number too, of ticks, lots or millionths.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from openoutcry.wire.account import MILLIONTHS
from services.ledger.queries.listing import Listing
from services.ledger.queries.member import Kind, RowMember, Shape
from services.ledger.queries.problem import Problem
from services.ledger.schema import SCHEMA_VERSION

MEDIA_TYPE: Final = "application/vnd.apache.parquet"
ROWS_A_GROUP: Final = 100_000
ROWS_A_BATCH: Final = 5_000
DECIMAL: Final = "_decimal"
"""What the name of the decimal beside a whole number ends with."""
_WITH_DECIMAL: Final = (Kind.PRICE, Kind.QUANTITY, Kind.MONEY, Kind.AMOUNT)


def check_parquet() -> None:
    """
    Return if Parquet can be written here.

    Raises:
        Problem: 501.
    """
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 -- an extra of 170 MB
    except ImportError as error:
        text = "format: parquet needs the extra `parquet` (pyarrow), which this exchange does not have; ask for csv"
        raise Problem(HTTPStatus.NOT_IMPLEMENTED, "not_implemented", text, "format") from error


def parquet_parts(
    shape: Shape, rows: Iterable[Mapping[str, Any]], listing: Listing, metadata: Mapping[str, str]
) -> Iterator[bytes]:
    """
    Write rows as Parquet, a row group at a time.

    Args:
        shape: Their members.
        rows: In order.
        listing: What turns ticks and lots into decimals.
        metadata: What the file says of itself, beside the schema's version.
    """
    import pyarrow as pa  # noqa: PLC0415 -- an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    said = {"openoutcry.schema_version": str(SCHEMA_VERSION), **metadata}
    schema = pa.schema([field for member in shape for field in _fields(pa, member)], metadata=said)
    sink = io.BytesIO()
    remaining = iter(rows)
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        while batches := list(_batches(pa, schema, shape, islice(remaining, ROWS_A_GROUP), listing)):
            writer.write_table(pa.concat_tables(batches).combine_chunks(), row_group_size=ROWS_A_GROUP)
            yield _taken(sink)
    yield _taken(sink)


def _batches(pa: Any, schema: Any, shape: Shape, rows: Iterator[Mapping[str, Any]], listing: Listing) -> Iterator[Any]:
    """Rows of Python are twenty times as large as columns: they become these early."""
    while part := list(islice(rows, ROWS_A_BATCH)):
        columns = [column for member in shape for column in _columns(member, part, listing)]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        yield pa.table(arrays, schema=schema)


def _fields(pa: Any, member: RowMember) -> list[Any]:
    if member.kind in _WITH_DECIMAL:
        return [pa.field(member.name, pa.int64()), pa.field(member.name + DECIMAL, pa.decimal128(38, 6))]
    kinds = {Kind.INTEGER: pa.int64, Kind.FLAG: pa.bool_}
    if member.kind is Kind.TIME:
        return [pa.field(member.name, pa.timestamp("us", tz="UTC"))]
    return [pa.field(member.name, kinds.get(member.kind, pa.string)())]


def _columns(member: RowMember, rows: list[Mapping[str, Any]], listing: Listing) -> list[list[Any]]:
    values = [row[member.name] for row in rows]
    if member.kind is Kind.TIME:
        return [[value or None for value in values]]
    if member.kind not in _WITH_DECIMAL:
        return [values]
    return [values, [_decimal(member, value, row, listing) for value, row in zip(values, rows, strict=True)]]


def _decimal(member: RowMember, value: int | None, row: Mapping[str, Any], listing: Listing) -> Decimal | None:
    if value is None:
        return None
    if member.kind is Kind.MONEY:
        return _money(value)
    listed = listing.get(row[member.instrument])
    if member.kind is Kind.AMOUNT:
        return _money(value) if listed is None else Decimal(value)
    if listed is None:
        return None
    return Decimal(listed.price_text(value)) if member.kind is Kind.PRICE else Decimal(listed.units(value))


def _money(amount: int) -> Decimal:
    """Exact: a division would round to the context's 28 digits, which 64 bits do not reach."""
    return Decimal(amount) / MILLIONTHS


def _taken(sink: io.BytesIO) -> bytes:
    found = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return found
