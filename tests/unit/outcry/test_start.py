"""The command's first step, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

INTERRUPTED_WHILE_IMPORTING = """
import os, signal, sys
import outcry.start

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
outcry.start.main()
"""
TELLS_ITS_VERSION = """
import sys
import outcry.start

sys.argv = ["outcry", "--version"]
outcry.start.main()
"""


def run(program: str, *arguments: str, output: str = "/dev/null") -> subprocess.CompletedProcess[str]:
    with Path(output).open("w", encoding="utf-8") as out:
        argv = [sys.executable, "-c", program, *arguments]
        return subprocess.run(argv, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60, check=False)


@pytest.mark.parametrize("module", ["outcry.cli.app", "outcry.cli.watch", "outcry.terminal.aio.line_watch"])
def test_ctrl_c_while_the_command_is_imported_ends_it_in_order(module: str) -> None:
    """It ended with a traceback, for the first half second of every command."""
    ended = run(INTERRUPTED_WHILE_IMPORTING, "watch", module)
    assert (ended.returncode, ended.stderr) == (130, "outcry: stopped\n")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_output_that_cannot_be_written_is_told_in_a_sentence() -> None:
    ended = run(TELLS_ITS_VERSION, output="/dev/full")
    assert (ended.returncode, ended.stderr) == (1, "outcry: cannot write its output: No space left on device\n")
    assert run(TELLS_ITS_VERSION).returncode == 0
