"""Files of figures: if one cannot be written, it is refused before a run, not after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from openoutcry.wire.errors import ConfigurationError


def check_writable(flag: str, path: Path | None) -> None:
    """
    Refuse a run whose figures could not be kept.

    Raises:
        ConfigurationError: Names flag, path and what is wrong with it.
    """
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        raise ConfigurationError(f"{flag} {path} is a folder: name a file")
    if not folder.is_dir():
        raise ConfigurationError(f"{flag} {path}: there is no folder {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"{flag} {path} must not be written by this user")


def write_file(path: Path | None, text: str) -> None:
    """
    Write the figures, if a file is named.

    Raises:
        ConfigurationError: It cannot be written after all.
    """
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def page_writer(path: Path | None, module: str) -> Callable[[Any], None]:
    """
    Return what writes a report's page.

    Args:
        path: The file; None: no page is wanted.
        module: Has a function `page` that makes it of the report.

    Raises:
        ConfigurationError: This machine cannot draw; said before the run, not after it.
    """
    if path is None:
        return lambda _: None
    try:
        page = import_module(module).page
    except ImportError as error:
        raise ConfigurationError(
            f"--html needs matplotlib ({error}): pip install 'openoutcry-exchange[charts]'"
        ) from error
    return lambda report: write_file(path, page(report))
