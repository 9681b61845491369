"""What the commands of proofs read: files, the ledger's database, its interface; and how they end."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

import typer
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from openoutcry.wire.errors import ConfigurationError
from outcry.cli.running import FAILED, MISUSED, leave, reported_errors, say
from services.ledger.aio.database import database_file, database_url, open_engine
from services.ledger.aio.proof_store import consistency_proof, record_name, signed_head
from services.ledger.proof.head import Head
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.proof_file import FILE_BYTES_MAX
from services.ledger.proof.signed_head import (
    ConsistencyProof,
    OtherSize,
    SignedHead,
    read_consistency_proof,
    read_signed_head,
)
from services.ledger.proof.signing_keys import VerifyingKeys, read_verifying_keys

ANSWER_SECONDS_MAX: Final = 30
KeyOption = Annotated[
    Path, typer.Option(help="The ledger's public keys: its keys.json, or a key in hexadecimal digits.")
]
DatabaseOption = Annotated[
    str | None, typer.Option(envvar="OUTCRY_LEDGER_DATABASE", help="sqlite:///PATH or postgresql://…")
]
UrlOption = Annotated[str | None, typer.Option(help="Or the ledger's interface, such as https://market.example.com.")]
LedgerToken = Annotated[str, typer.Option(envvar="OUTCRY_TOKEN", help="Of whoever asks there.")]


def head_fields(head: Head) -> dict[str, Any]:
    """Return a head by name, ready for JSON; hashes in hexadecimal digits."""
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in head._asdict().items()}


class ProofSource(NamedTuple):
    """Where heads and consistency proofs come from: a database, or an interface."""

    database: str | None
    url: str | None
    token: str

    def head(self, block: int | None) -> SignedHead:
        """
        Return the head after a block; None: the newest.

        Raises:
            ConfigurationError: If it cannot be had; says why.
            NotProven: If what came is none.
        """
        if self.url is not None:
            return read_signed_head(self._answer("ledger/head" + ("" if block is None else f"?block={block}")))
        with self._read() as (connection, product, shard):
            found = signed_head(connection, product, shard, block)
        if found is None:
            which = "no block" if block is None else f"no block {block}"
            raise ConfigurationError(f"the ledger has {which} whose head is signed")
        return found

    def consistency(self, old_size: int, new_size: int) -> ConsistencyProof:
        """
        Return the proof between two sizes.

        Raises:
            ConfigurationError: If it cannot be had; says why.
            NotProven: If what came is none.
        """
        if self.url is not None:
            return read_consistency_proof(self._answer(f"ledger/consistency?old={old_size}&new={new_size}"))
        with self._read() as (connection, _product, _shard):
            return consistency_proof(connection, old_size, new_size)

    @contextlib.contextmanager
    def _read(self) -> Iterator[tuple[Connection, str, int]]:
        if self.database is None:
            raise ConfigurationError("give --database or --url: where is the ledger?")
        url = database_url(self.database)
        if (file := database_file(url)) is not None and not file.exists():
            raise ConfigurationError(f"there is no file {file}")
        engine = open_engine(url, writes=False)
        try:
            with engine.connect() as connection:
                yield connection, *record_name(connection)
        except SQLAlchemyError as error:
            raise ConfigurationError(f"no ledger can be read there ({type(error).__name__})") from error
        finally:
            engine.dispose()

    def _answer(self, path: str) -> bytes:
        url = f"{str(self.url).rstrip('/')}/v1/{path}"
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ConfigurationError("--url must begin with http:// or https://")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310 - checked
                data: bytes = answer.read(FILE_BYTES_MAX + 1)
        except urllib.error.HTTPError as error:
            with error:  # else its connection stays open until it is collected
                raise ConfigurationError(f"the ledger refused {path}: {error.code} {error.reason}") from error
        except OSError as error:
            raise ConfigurationError(f"the ledger at {self.url} does not answer: {error}") from error
        return data


@contextlib.contextmanager
def judged() -> Iterator[None]:
    """Say what is not proven, and exit with the status that belongs to it."""
    with reported_errors():
        try:
            yield
        except OtherSize as error:
            say(f"CANNOT BE JUDGED: {error}, which `outcry ledger consistency` gets")
            say("or ask for the receipt by the head of that block: /v1/receipts/ORDER_ID?block=NUMBER")
            leave(MISUSED)
        except NotProven as error:
            say(f"NOT PROVEN: {error}")
            leave(FAILED)


def keys_in(path: Path) -> VerifyingKeys:
    """
    Read public keys.

    Raises:
        ConfigurationError: If there are none; says why.
    """
    try:
        return read_verifying_keys(proof_bytes(path).decode())
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text") from error


def proof_bytes(path: Path) -> bytes:
    """
    Read a file of up to 16 MB.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror})") from error
