"""A folder for one run's data, secrets and logs: its user's alone, gone when the run is over."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder of mode 0700 under the system's temporary folder; remove it and its content at the end."""
    with tempfile.TemporaryDirectory(prefix="outcry-", ignore_cleanup_errors=True) as name:
        yield Path(name)
