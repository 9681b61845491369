"""Which keys there are."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

LOOKING: Final = (
    ("↑ ↓ PgUp PgDn", "move in the ladder or list; Home: back to the middle"),
    ("Tab", "next part of the screen"),
    ("l o e p t", "ladder, orders, executions, positions, trades"),
    ("i", "another instrument, by name"),
    ("[ ]", "the one before, the next one"),
    ("? F1", "this page; Esc closes it"),
    ("q Ctrl-C", "end"),
)
TRADING: Final = (
    ("b s", "buy or sell, at the price under the cursor"),
    ("Enter", "next field, then send; Esc: leave the ticket"),
    ("↑ ↓", "in the ticket: the next price up or down"),
    ("F2 F3 F4", "side; limit or market; time in force"),
    ("x Del", "cancel the order under the cursor (o)"),
    ("X F9", "cancel all your orders, of every instrument"),
)
SIGNS: Final = (
    ("✓ ! ✗", "live and verified; late; not to be trusted now"),
    ("●5 ≤140", "5 lots of yours, at most 140 before them"),
    ("○ ◆ ■ □", "open, in an auction, halted, closed"),
)


class HelpScreen(ModalScreen[None]):
    """
    The page.

    Args:
        is_trading: Whether orders can be entered.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q", "dismiss", "close")]

    def __init__(self, *, is_trading: bool) -> None:
        super().__init__()
        self._parts = (*(TRADING if is_trading else ()), *LOOKING, *SIGNS)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        text = Text("Keys and signs\n", "bold")
        for keys, meaning in self._parts:
            text.append(f"{keys:14}", "bold")
            text.append(f" {meaning}\n", "none")
        with VerticalScroll(id="help"):
            yield Static(text)
