"""The client stands beside whatever packages its user has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_a_user_s_own_packages_may_be_called_shared_and_services(tmp_path: Path) -> None:
    """Once the client lived in a wheel with packages of these names, and the user's own were imported instead."""
    for name in ("shared", "services", "outcry", "tools", "wire"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong package')\n", encoding="utf-8")
    program = "import openoutcry, openoutcry.testing; print(openoutcry.connect.__module__)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "openoutcry.aio.connect"), done.stderr


def test_it_imports_no_more_than_it_says() -> None:
    """Msgpack (which Cython made) and websockets, besides Python's own."""
    program = "import sys, openoutcry, openoutcry.testing; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    foreign = {name for name in done.stdout.split() if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert foreign <= {"openoutcry", "msgpack", "websockets", "cython_runtime", "sitecustomize"}
