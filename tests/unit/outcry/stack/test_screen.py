"""A run on a terminal and elsewhere."""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest
from rich.console import Console

from outcry.stack.screen import PLAIN_SECONDS, LiveScreen, PlainScreen


class Moment(NamedTuple):
    phase: str
    elapsed: float


class PlainView:
    """A moment is its phase and its time."""

    def line(self, moment: Moment) -> str:
        return f"{moment.phase} {moment.elapsed:g} [s]"

    def page(self, moment: Moment, size: tuple[int, int]) -> str:
        return f"page {moment.phase} of {size[0]}"

    def summary(self, report: str) -> str:
        return f"summary {report}"


def console(*, is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=80, height=24, force_terminal=is_terminal), file


def lines(*moments: tuple[str, float]) -> list[str]:
    out, file = console()
    with PlainScreen[Moment, str](PlainView(), out) as screen:
        for moment in moments:
            screen.show(Moment(*moment))
    return file.getvalue().splitlines()


def test_a_line_comes_every_few_seconds() -> None:
    moments = [("trading", float(second)) for second in range(12)]
    assert lines(*moments) == ["trading 0 [s]", f"trading {PLAIN_SECONDS:g} [s]", f"trading {2 * PLAIN_SECONDS:g} [s]"]


def test_a_new_phase_is_shown_at_once() -> None:
    """Its time begins anew, below that of the last line."""
    assert lines(("opening", 9.0), ("trading", 0.5), ("trading", 1.0)) == ["opening 9 [s]", "trading 0.5 [s]"]


def test_text_in_brackets_is_no_markup() -> None:
    """A path such as [red] must not vanish."""
    out, file = console()
    PlainScreen[Moment, str](PlainView(), out).say("wrote [red]")
    assert file.getvalue() == "wrote [red]\n"


@pytest.mark.parametrize("kind", [PlainScreen, LiveScreen])
def test_every_screen_ends_with_the_summary(kind: type[PlainScreen[Moment, str] | LiveScreen[Moment, str]]) -> None:
    out, file = console(is_terminal=kind is LiveScreen)
    with kind(PlainView(), out) as screen:
        screen.say("starting")
        screen.show(Moment("trading", 1.0))
        screen.end("good")
    text = file.getvalue()
    assert text.index("starting") < text.index("trading") < text.index("summary good")


def test_a_terminal_s_page_is_drawn_at_every_moment() -> None:
    out, file = console(is_terminal=True)
    with LiveScreen[Moment, str](PlainView(), out) as screen:
        screen.show(Moment("one", 0.1))
        screen.show(Moment("two", 0.2))
    assert "page one of" in file.getvalue()
    assert "page two of" in file.getvalue()
