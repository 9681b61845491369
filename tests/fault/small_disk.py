"""A disk that can be filled: a small tmpfs of our own, for root alone."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SIZE_MIB: Final = 64
BLOCK: Final = bytes(64 * 1024)


def why_not() -> str:
    """Return why this machine has no such disk; "" if it has."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root of a Linux machine may mount a disk"
    if shutil.which("mount") is None:
        return "there is no mount"
    return ""


class SmallDisk:
    """
    A mounted disk.

    Args:
        path: Where.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Leave no byte."""
        with self._filler.open("wb", buffering=0) as filler:
            size = len(BLOCK)
            while size:
                try:
                    filler.write(BLOCK[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink()


@contextlib.contextmanager
def small_disk(path: Path) -> Iterator[SmallDisk]:
    """
    Mount one at a folder that is made; it is gone at the end.

    Raises:
        PermissionError: If the system does not allow it, as in many containers.
    """
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=0700", "tmpfs", str(path)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    if mounted.returncode:
        raise PermissionError(mounted.stderr.strip())
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=10)
