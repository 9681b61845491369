"""Children that do not outlive us, even when we are killed with -9.

On Linux the kernel ends a child when the thread that started it dies (PR_SET_PDEATHSIG); children are therefore started
from the main thread. Elsewhere there is no such call. There a child ends with us on every orderly way out, and the
roles with a channel to us end when their standard input closes. But a Redis server or a service may outlive a parent
that was killed with -9. It must then be ended by hand.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> Callable[[], None] | None:
    """Return what a new child must call before it becomes its program, or None where the system has no such call."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        # Between fork and exec: no allocation beyond this, no locks.
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # It died before we asked.
            os._exit(1)

    return ask_kernel
