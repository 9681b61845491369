"""Pictures of README and docs are there, small, and shown; what makes them reads a terminal as a person does."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from rich.live import Live

from tools.pictures.palette import BYTES_MAX, TooLarge, shrink
from tools.pictures.terminal import drawn, left_standing

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "docs" / "pictures"


def shown() -> set[Path]:
    """Return the pictures that README and docs show."""
    found = set()
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text()
        for link in re.findall(r'(?:!\[[^\]]*\]\(|src(?:set)?=")([^)"]*pictures/[^)"]*)', text):
            found.add((page.parent / link).resolve())
    return found


def test_each_picture_that_is_shown_is_there_and_each_that_is_there_is_shown() -> None:
    assert shown() == {path.resolve() for path in PICTURES.iterdir()}


@pytest.mark.parametrize("path", sorted(PICTURES.iterdir()), ids=lambda path: path.name)
def test_a_picture_is_small_and_asks_nobody(path: Path) -> None:
    assert path.stat().st_size <= BYTES_MAX
    if path.suffix == ".svg":
        links = set(re.findall(r"https?://[^\"'\s<>)]+", path.read_text()))
        names = {"http://www.w3.org/", "http://purl.org/", "http://creativecommons.org/", "https://matplotlib.org/"}
        assert not [link for link in links if not link.startswith(tuple(names))]


def test_what_a_live_page_has_taken_away_is_not_left_standing() -> None:
    """Written by rich itself, as our live screens are: a page that is drawn anew, a sentence above it, and an end."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=40, height=20)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        live.update("one\ntwo\nthree", refresh=True)
        console.print("a sentence")
        live.update("four\nfive", refresh=True)
    console.print("[bold]the end[/bold]")
    assert left_standing(file.getvalue()) == "a sentence\n\x1b[1mthe end\x1b[0m"
    assert left_standing(file.getvalue().replace("\n", "\r\n")) == "a sentence\n\x1b[1mthe end\x1b[0m"


def test_a_terminal_is_drawn_without_fonts_from_elsewhere() -> None:
    svg = drawn("plain \x1b[31mred\x1b[0m", "a title", 30)
    assert "red" in svg
    assert "a&#160;title" in svg or "a title" in svg
    assert "@font-face" not in svg


def test_a_screenshot_is_put_on_a_palette(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.new("RGB", (640, 400), (250, 250, 255)).save(path)
    assert shrink(path) == path.stat().st_size <= 2_000
    with Image.open(path) as opened:
        assert (opened.mode, opened.size) == ("P", (640, 400))


def test_what_cannot_be_made_small_is_refused(tmp_path: Path) -> None:
    """Noise is what no palette helps with."""
    path = tmp_path / "noise.png"
    Image.effect_noise((1_000, 1_000), 90).convert("RGB").save(path)
    before = path.read_bytes()
    with pytest.raises(TooLarge, match=r"noise\.png has [\d,]+ bytes with 32 colours"):
        shrink(path)
    assert path.read_bytes() == before
