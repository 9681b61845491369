"""What a command of ours shows on a terminal, as SVG: run on a real one, and drawn from the bytes that it wrote.

Owns the reading of those bytes as far as `rich` writes them: a live page is taken away by erasing its lines upwards,
and drawn anew.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

READ_BYTES: Final = 65_536
_TOKEN: Final = re.compile(r"(\r?\n|\x1b\[2K|\x1b\[1A)")
_UNSEEN: Final = re.compile(r"\x1b\[\?\d+[hl]|\x1b\[\d*[A-LN-Za-ln-z]|\x07")
_ELSEWHERE: Final = re.compile(r"@font-face \{\{.*?\}\}\n|<!-- Generated with .*? -->\n", re.DOTALL)
"""Fonts of another server, and an address: a picture asks nobody for anything."""
_THEME: Final = TerminalTheme(
    (13, 17, 23),
    (214, 220, 228),
    [(72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65), (121, 192, 255), (210, 168, 255), (86, 212, 221),
     (214, 220, 228)],
    [(110, 118, 129), (255, 161, 152), (126, 231, 135), (242, 204, 96), (165, 214, 255), (226, 197, 255),
     (179, 240, 255), (255, 255, 255)],
)  # fmt: skip


def left_standing(written: str) -> str:
    """Return what stands on a terminal, and above it, when the command that wrote this has ended."""
    lines = [""]
    for part in _TOKEN.split(written):
        match part:
            case "\r\n" | "\n":
                lines.append("")
            case "\x1b[2K":
                lines[-1] = ""
            case "\x1b[1A":
                # Whoever goes up has erased the line, and writes all that follows anew.
                lines = lines[:-1] or [""]
            case _:
                lines[-1] += _UNSEEN.sub("", part).replace("\r", "")
    return "\n".join(lines).strip("\n")


def drawn(shown: str, title: str, columns: int) -> str:
    """Return a page of a terminal as SVG; its colours are those of its bytes."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown), soft_wrap=False, highlight=False)
    return console.export_svg(title=title, theme=_THEME, code_format=_ELSEWHERE.sub("", CONSOLE_SVG_FORMAT))


def on_terminal(command: Sequence[str], size: tuple[int, int], seconds_max: float) -> tuple[str, int]:
    """
    Run a command on a terminal of so many columns and lines; return what it wrote and its exit status.

    Raises:
        TimeoutExpired: If it has not ended in time; it is killed.
    """
    ours, its = pty.openpty()
    columns, lines = size
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}
    process = subprocess.Popen(  # noqa: S603
        command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    )
    os.close(its)
    written = bytearray()
    try:
        while part := _read(ours):
            written += part
        process.wait(seconds_max)
    finally:
        process.kill()
        os.close(ours)
    return written.decode(), process.returncode


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, READ_BYTES)
    except OSError:  # Linux: nobody writes any more
        return b""


def ours(*arguments: str) -> list[str]:
    """Return a command of ours."""
    return [sys.executable, "-m", "outcry", *arguments]
