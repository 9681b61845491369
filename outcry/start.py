"""The command's first step: Ctrl-C ends it at any moment, while what it needs is still being imported too."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

from outcry.cli.loading import end_at_once, load_module

FAILED: Final = 1
"""Exit status; as in `outcry.cli.running`, which takes half a second to import."""
_OUTPUT_ERRORS: Final = (errno.ENOSPC, errno.EIO, errno.EPIPE)


def main() -> None:
    """Run the command; what cannot be written is reported in a sentence."""
    run = load_module("outcry.cli.app").main
    try:
        try:
            run()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            raise
        end_at_once(FAILED, f"outcry: cannot write its output: {os.strerror(error.errno)}")
