"""
Measure the libraries of other languages again, and compare with the tables of the documents.

    python -m tests.languages [python go java]

Each language's packages are fetched, in the versions named, by its own package manager into a temporary folder; one
whose toolchain is not on this machine is left out by name. Ends with status 1 if a row is not as it was measured.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.languages.closing_server import serve

HERE: Final = Path(__file__).parent
DOCS: Final = HERE.parents[1] / "docs"
TABLES: Final = (DOCS / "numbers.md", DOCS / "protocol.md")
LAST_S: Final = 2.0
"""Time for the last connections to end by themselves: a handler that is cancelled is told of as an error."""
STEP_S: Final = 600.0
"""Time for one command: a build of a language's libraries on a busy machine."""
PACKAGES: Final = ("ormsgpack==1.13.1", "msgspec==0.23.0", "picows==2.3.1", "wsproto==1.3.2")


class Language(NamedTuple):
    """How a language's rows are measured: commands in a copy of its folder, the last of which prints them."""

    tools: tuple[str, ...]
    files: tuple[str, ...]
    steps: tuple[str, ...]


LANGUAGES: Final = {
    "python": Language(
        ("python3",),
        ("python_libraries.py",),
        (
            "python3 -m venv venv",
            f"venv/bin/pip install --quiet --disable-pip-version-check {' '.join(PACKAGES)}",
            "venv/bin/python python_libraries.py {port}",
        ),
    ),
    "go": Language(
        ("go",), ("go/main.go", "go/go.mod", "go/go.sum"), ("go build -o libraries .", "./libraries {port}")
    ),
    "java": Language(
        ("mvn", "javac", "java"),
        ("java/pom.xml", "java/Libraries.java"),
        (
            "mvn -q -B dependency:build-classpath -Dmdep.outputFile=classpath",
            'javac -cp "$(cat classpath)" Libraries.java',
            'java -cp "$(cat classpath):." Libraries {port}',
        ),
    ),
}


async def rows(language: Language, port: int) -> list[str]:
    """Return the rows that a language's program prints."""
    printed = ""
    with tempfile.TemporaryDirectory() as folder:
        for name in language.files:
            shutil.copy(HERE / name, folder)
        for step in language.steps:
            process = await asyncio.create_subprocess_shell(
                step.format(port=port), stdout=asyncio.subprocess.PIPE, cwd=folder
            )
            async with asyncio.timeout(STEP_S):
                output, _ = await process.communicate()
            if process.returncode:
                raise SystemExit(f"{step}: ended with status {process.returncode}")
            printed = output.decode()
    return [line for line in printed.splitlines() if line.startswith("| ")]


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(names: Sequence[str]) -> int:
    """Print each row and whether it stands in a document; return how many do not."""
    documented = "\n".join(path.read_text() for path in TABLES)
    wrong = 0
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for name in names:
            missing = [tool for tool in LANGUAGES[name].tools if shutil.which(tool) is None]
            if missing:
                say(f"{name}: left out, this machine has no {', '.join(missing)}")
                continue
            for row in await rows(LANGUAGES[name], port):
                is_right = row.removesuffix(" |") in documented
                wrong += not is_right
                say(f"{'as documented' if is_right else 'NOT AS DOCUMENTED'}: {row}")
        await asyncio.sleep(LAST_S)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(sys.argv[1:] or list(LANGUAGES))) else 0)
