"""Another instrument, by what is typed of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from outcry.terminal.account_rows import ListRow
from outcry.terminal.aio.rows_panel import RowsPanel


class InstrumentScreen(ModalScreen[str | None]):
    """
    Asks for an instrument; returns its symbol, or None.

    Args:
        symbols: All.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
    ]

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="instruments"):
            yield Input(placeholder="symbol", compact=True, max_length=24)
            yield RowsPanel(id="symbols", title="Instruments", key="Enter takes one", none="none has this in its name")

    def on_mount(self) -> None:
        """Show all of them."""
        self._narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show those that have this in their name."""
        self._narrow(event.value)

    def on_input_submitted(self) -> None:
        """Take the one under the cursor."""
        row = self.query_one(RowsPanel).chosen_row()
        if row is not None:
            self.dismiss(str(row.key))

    def action_step(self, down: int) -> None:
        """Move the cursor while the field keeps the keys."""
        self.query_one(RowsPanel).action_step(down)

    def action_leave(self) -> None:
        """Take none."""
        self.dismiss(None)

    def _narrow(self, text: str) -> None:
        wanted = text.strip().upper()
        panel = self.query_one(RowsPanel)
        rows = [ListRow(symbol, symbol) for symbol in self._symbols if wanted in symbol]
        panel.chosen = rows[0].key if rows else None
        panel.show(rows)
