"""What runs containers: Docker with Compose v2, or a script named by COMPOSE_ENGINE that brings an engine along.

A script is called `SCRIPT up|compose|down|stop [compose arguments]` in the project's folder. Its engine may have no
network for containers, so with it the market runs on the host's own (docker-compose.host-network.yml).
"""

from __future__ import annotations

import abc
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
COMMAND_SECONDS_MAX: Final = 120.0
UP_SECONDS_MAX: Final = 900.0
"""A script may have to build an engine and every image first."""

BOTS_RATE: Final = "20"
"""Orders a second. Each change goes to 1,000 users through haproxy, who check it: on a machine of two cores that is all
of this at once, 200 would measure how it starves."""


class EngineFailed(Exception):
    """A command of the engine failed; the text ends with its words."""


class Engine(abc.ABC):
    """Runs the project's compose file. Every method raises `EngineFailed` with the engine's words."""

    files: tuple[str, ...] = ("docker-compose.yml",)
    profiles: tuple[str, ...] = ("observability", "demo")
    engines = ("matching", "matching-standby")
    """Services of the matching engines."""

    @property
    def arguments(self) -> list[str]:
        """What every compose command begins with."""
        files = [text for name in self.files for text in ("-f", name)]
        return [*files, *(text for name in self.profiles for text in ("--profile", name))]

    @property
    def command(self) -> list[str]:
        """What runs compose."""
        return ["docker", "compose", *self.arguments]

    @abc.abstractmethod
    def up(self) -> str:
        """Build the image, start all, and return when everything is healthy."""

    @abc.abstractmethod
    def compose(self, *words: str, seconds: float = COMMAND_SECONDS_MAX) -> str:
        """Run any other command."""

    @abc.abstractmethod
    def down(self) -> str:
        """End and remove all, volumes too."""

    def stop(self) -> None:  # noqa: B027 - an engine that was there before stays
        """End the engine, if it came with the test."""

    @abc.abstractmethod
    def kill(self, service: str, index: int = 1) -> None:
        """End a container's process at once."""

    @abc.abstractmethod
    def freeze(self, service: str, index: int = 1) -> None:
        """Let a container's process stand still: its sockets stay open, and nobody answers."""

    @abc.abstractmethod
    def thaw(self, service: str, index: int = 1) -> None:
        """Let it go on."""

    def _name(self, service: str, index: int) -> str:
        return f"openoutcry-{service}-{index}"


class Docker(Engine):
    """The engine that is here."""

    def up(self) -> str:
        return self.compose("up", "-d", "--wait", "--build", seconds=UP_SECONDS_MAX)

    def compose(self, *words: str, seconds: float = COMMAND_SECONDS_MAX) -> str:
        return _run(*self.command, *words, seconds=seconds)

    def down(self) -> str:
        return self.compose("down", "-v", "-t", "10")

    def kill(self, service: str, index: int = 1) -> None:
        _run("docker", "kill", self._name(service, index))

    def freeze(self, service: str, index: int = 1) -> None:
        _run("docker", "pause", self._name(service, index))

    def thaw(self, service: str, index: int = 1) -> None:
        _run("docker", "unpause", self._name(service, index))


class Script(Engine):
    """
    An engine that a script brings along.

    Args:
        path: Of the script.
    """

    files = ("docker-compose.yml", "docker-compose.host-network.yml")

    def __init__(self, path: str) -> None:
        self._path = str(Path(path).resolve())

    @property
    def command(self) -> list[str]:
        return [self._path, "compose", *self.arguments]

    def up(self) -> str:
        return _run(self._path, "up", *self.arguments, seconds=UP_SECONDS_MAX)

    def compose(self, *words: str, seconds: float = COMMAND_SECONDS_MAX) -> str:
        return _run(*self.command, *words, seconds=seconds)

    def down(self) -> str:
        return _run(self._path, "down", *self.arguments)

    def stop(self) -> None:
        _run(self._path, "stop")

    def kill(self, service: str, index: int = 1) -> None:
        os.kill(self._process(service, index), signal.SIGKILL)

    def freeze(self, service: str, index: int = 1) -> None:
        os.kill(self._process(service, index), signal.SIGSTOP)

    def thaw(self, service: str, index: int = 1) -> None:
        os.kill(self._process(service, index), signal.SIGCONT)

    def _process(self, service: str, index: int) -> int:
        """Return the process id of a container's first process, as this machine knows it."""
        header, *rows = [line.split() for line in self.compose("top", service).splitlines() if line.strip()]
        column = header.index("PID")
        return next(int(row[column]) for row in rows if row[:2] == [service, str(index)])


def find_engine() -> Engine | str:
    """Return the engine to use, or why there is none."""
    if script := os.environ.get("COMPOSE_ENGINE"):
        return Script(script)
    if shutil.which("docker") is None:
        return "no docker here, and COMPOSE_ENGINE names no script that brings an engine"
    try:
        version = _run("docker", "compose", "version", "--short")
        _run("docker", "info")
    except EngineFailed as error:
        return f"docker does not run here, and COMPOSE_ENGINE names no script that brings an engine: {error}"
    return Docker() if re.match(r"v?[2-9]", version) else f"docker compose is {version.strip()}, and must be 2 or later"


def _run(*command: str, seconds: float = COMMAND_SECONDS_MAX) -> str:
    done = subprocess.run(
        command,
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={"BOTS_RATE": BOTS_RATE} | os.environ,
    )
    if done.returncode:
        said = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        raise EngineFailed(f"{' '.join(command)} ended with status {done.returncode}:\n{said}")
    return done.stdout
