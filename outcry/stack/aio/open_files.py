"""Room for many connections: macOS gives a process 256 open files unless asked for more."""

from __future__ import annotations

import resource
from typing import Final

from openoutcry.wire.errors import ConfigurationError

SPARE_FILES: Final = 256
"""Beside the connections: libraries, logs, Redis."""


def allow_open_files(connections: int) -> None:
    """
    Raise this process's limit, and with it the one of its future children, to hold so many connections.

    Raises:
        ConfigurationError: If the system allows fewer.
    """
    needed = connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard not in (resource.RLIM_INFINITY, -1) and hard < needed:
        raise ConfigurationError(
            f"{connections} connections need {needed} open files, and this system allows {hard}: raise `ulimit -Hn`"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
