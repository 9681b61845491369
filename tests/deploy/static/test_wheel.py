"""What a wheel carries beside its sources: the trading page, where it was built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from services.gateway.aio.page_folder import BUILT, INSTALLED
from tests.deploy.static.files import PROJECT, text


def wheel_of(root: Path, folder: Path) -> list[str]:
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(words, cwd=root, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_a_wheel_brings_the_page_that_was_built_and_is_made_without_one_too(tmp_path: Path) -> None:
    root = tmp_path / "copy"
    root.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(PROJECT / name, root)
    for package in ("outcry", "services", "shared"):
        (root / package).mkdir()
        (root / package / "__init__.py").touch()
    assert not [name for name in wheel_of(root, tmp_path / "without") if "page" in name]
    for name in ("index.html", "licenses.md", "assets/main-Bk3s.js", "previous/assets/main-old.js"):
        (root / "web/dist" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "web/dist" / name).touch()
    place = INSTALLED.relative_to(PROJECT).as_posix()
    found = {name.removeprefix(place) for name in wheel_of(root, tmp_path / "with") if name.startswith(place)}
    assert found == {"/index.html", "/licenses.md", "/assets/main-Bk3s.js", "/previous/assets/main-old.js"}


def test_a_gateway_finds_the_page_where_it_is_built() -> None:
    assert f"PAGE := {BUILT.relative_to(PROJECT).as_posix()}/index.html\n" in text("Makefile")


def test_the_image_is_made_with_the_page_that_was_built() -> None:
    """A folder that the context leaves out would be copied as nothing, and no replica would have a page."""
    assert re.search(r"^COPY web web$", text("Dockerfile"), re.MULTILINE)
    let_in = {line.removeprefix("!") for line in text(".dockerignore").splitlines() if line.startswith("!")}
    assert {"web/dist", "web/package.json"} <= let_in
    assert "web" not in let_in, "neither its sources nor node_modules"
