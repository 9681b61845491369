"""An environment of its own for each peer, under git-ignored benchmarks/.peers/NAME; what is in it is pinned here.

Python peers have requirements/NAME.txt, Node's have requirements/NAME/package.json, and two are Debian packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ENVIRONMENTS: Final = Path(__file__).parents[2] / ".peers"
REQUIREMENTS: Final = Path(__file__).parent / "requirements"
INSTALL_SECONDS_MAX: Final = 600.0
PYTHON: Final = ("picows", "starlette", "python-socketio")
NODE: Final = ("ws",)
DEBIAN: Final = {"nats-server": ("nats-server",), "nchan": ("nginx-light", "libnginx-mod-nchan")}
"""Peer to its packages."""
NCHAN_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
"""Where Debian puts it."""
NAMES: Final = (*PYTHON, *NODE, *DEBIAN)


class NotInstalled(Exception):
    """A peer is missing; the text says how to get it."""

    @classmethod
    def here(cls, name: str) -> NotInstalled:
        """Name the command that installs a peer."""
        return cls(f"not installed: python -m benchmarks.fan_out.peers install {name}")


def python_of(name: str) -> str:
    """
    Return the interpreter of a Python peer's environment.

    Raises:
        NotInstalled: If there is none.
    """
    python = ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        raise NotInstalled.here(name)
    return str(python)


def node_module_of(name: str) -> str:
    """
    Return the folder of a Node peer's package.

    Raises:
        NotInstalled: If there is none, or no Node.
    """
    module = ENVIRONMENTS / name / "node_modules" / name
    if not module.exists() or shutil.which("node") is None:
        raise NotInstalled.here(name)
    return str(module)


def program_of(name: str, program: str) -> str:
    """
    Return the path of a Debian peer's program.

    Raises:
        NotInstalled: If there is none.
    """
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotInstalled.here(name)
    return found


def nginx_module(name: str) -> str:
    """
    Return the path of nchan's module for nginx.

    Raises:
        NotInstalled: If there is none.
    """
    if not NCHAN_MODULE.exists():
        raise NotInstalled.here(name)
    return str(NCHAN_MODULE)


def pinned(name: str, package: str) -> str:
    """Return the version of a package that a Python peer's requirements pin."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines)[package]


def pinned_in_node(name: str) -> str:
    """Return the version that a Node peer's package.json pins."""
    manifest = json.loads((REQUIREMENTS / name / "package.json").read_text(encoding="utf-8"))
    return str(manifest["dependencies"][name])


def debian_version(package: str) -> str:
    """Return the upstream version of a Debian package that is installed, or nothing."""
    query = shutil.which("dpkg-query")
    if query is None:
        return ""
    argv = [query, "--show", "--showformat=${Version}", package]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    version = re.sub(r"^\d+:", "", found)
    return re.split(r"[-+]", version, maxsplit=1)[0]


def install(name: str) -> None:
    """
    Make a peer's environment anew.

    Raises:
        NotInstalled: If this machine or user cannot.
        subprocess.CalledProcessError: If an installer fails; it has said why.
    """
    if name in PYTHON:
        _install_python(name)
    elif name in NODE:
        _install_node(name)
    else:
        _install_debian(name)


def _install_python(name: str) -> None:
    where = _emptied(name)
    _run(sys.executable, "-m", "venv", str(where))
    # Everything that it needs is listed: nothing is chosen on the day.
    pip = (str(where / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--no-deps", "--requirement", str(REQUIREMENTS / f"{name}.txt"))


def _install_node(name: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled(f"not installed: {name} needs Node and npm")
    where = _emptied(name)
    where.mkdir(parents=True)
    shutil.copy(REQUIREMENTS / name / "package.json", where)
    _run(npm, "install", "--prefix", str(where), "--no-audit", "--no-fund", "--loglevel=error")


def _install_debian(name: str) -> None:
    packages = DEBIAN[name]
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NotInstalled(f"not installed: as root, apt-get install {' '.join(packages)}")
    _run(apt, "install", "--yes", "--quiet", "--no-install-recommends", *packages)


def _emptied(name: str) -> Path:
    where = ENVIRONMENTS / name
    shutil.rmtree(where, ignore_errors=True)
    return where


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, timeout=INSTALL_SECONDS_MAX, stdout=sys.stderr)  # noqa: S603 - installers
