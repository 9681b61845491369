"""A LOBSTER message file on disk, plain or gzipped, read line by line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from openoutcry.wire.errors import ConfigurationError
from outcry.flow.lobster import LobsterMessage, read_messages

GZIP_MARK: Final = b"\x1f\x8b"


class LobsterFile:
    """
    An open file; a context manager that closes it.

    Args:
        path: A text, or one packed by gzip, whatever its name.

    Raises:
        ConfigurationError: If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        try:
            self._bytes_total = path.stat().st_size
            self._raw = path.open("rb")
        except OSError as error:
            raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
        is_packed = path.suffix == ".gz" or self._raw.peek(2)[:2] == GZIP_MARK
        plain = gzip.GzipFile(fileobj=self._raw) if is_packed else self._raw
        # Remarks may be in any letters, and programs on Windows begin a text with a mark.
        self._text = io.TextIOWrapper(cast("IO[bytes]", plain), encoding="utf-8-sig")

    def __iter__(self) -> Iterator[LobsterMessage]:
        """
        Yield its messages in order.

        Raises:
            ConfigurationError: At the first line that breaks a rule of the format, or where the file is damaged.
        """
        try:
            yield from read_messages(self._text, self.path.name)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ConfigurationError(f"{self.path} is no whole gzip file: {error}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{self.path} is no text file of LOBSTER messages: {error}") from error
        except OSError as error:
            raise ConfigurationError(f"cannot read {self.path}: {error}") from error

    def progress(self) -> float:
        """Return the share of the file's bytes that has been read, 0 to 1."""
        return self._raw.tell() / self._bytes_total if self._bytes_total else 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()
        self._raw.close()
