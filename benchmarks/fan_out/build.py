"""The C programs of this benchmark, compiled when they are first needed and again when a source is newer."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent / "c"
BUILT: Final = Path(__file__).parents[1] / ".build"
COMPILERS: Final = ("gcc", "cc", "clang")
FLAGS: Final = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")
INCLUDES: Final = ("/usr/include", "/usr/local/include")
COMPILE_SECONDS_MAX: Final = 60.0


class NoCompiler(Exception):
    """This machine has no C compiler, or cannot compile for Linux; the text says which were looked for."""


TLS: Final = ("-DTLS", "-lssl", "-lcrypto")
"""More flags, for a program that speaks TLS; OpenSSL's headers are Debian's libssl-dev."""


def program(name: str, sources: Path = SOURCES, *, tls: bool = False) -> Path:
    """
    Return an up-to-date program of NAME.c.

    Args:
        name: Of the source and of the program.
        sources: Its folder; one elsewhere may include the headers of ours.
        tls: Whether it is to speak TLS too; it is another program then.

    Raises:
        NoCompiler: If there is none on PATH, or no OpenSSL to compile with.
        subprocess.CalledProcessError: If the source does not compile; what the compiler said is on standard error.
    """
    if tls and not any(Path(folder, "openssl/ssl.h").exists() for folder in INCLUDES):
        raise NoCompiler("no headers of OpenSSL: on Debian, apt-get install libssl-dev")
    built = BUILT / (f"{name}-tls" if tls else name)
    source = sources / f"{name}.c"
    newest = max(path.stat().st_mtime for path in (source, *SOURCES.glob("*.h")))
    if not built.exists() or built.stat().st_mtime < newest:
        _compile(source, built, TLS if tls else ())
    return built


def compiler() -> str:
    """
    Return the path of a C compiler.

    Raises:
        NoCompiler: If there is none on PATH.
    """
    for name in COMPILERS:
        if path := shutil.which(name):
            return path
    raise NoCompiler(f"no C compiler on PATH ({', '.join(COMPILERS)}): on Debian, apt-get install gcc libc6-dev")


def _compile(source: Path, built: Path, more: tuple[str, ...]) -> None:
    BUILT.mkdir(exist_ok=True)
    # Under a name of its own until it is whole: two benchmarks may be started together.
    unfinished = built.with_name(f"{built.name}.{os.getpid()}")
    argv = [compiler(), *FLAGS, f"-I{SOURCES}", "-o", str(unfinished), str(source), *more]
    subprocess.run(argv, check=True, timeout=COMPILE_SECONDS_MAX)  # noqa: S603 - a compiler found by name
    unfinished.replace(built)
