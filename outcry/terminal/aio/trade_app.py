"""The trading screen: drawn at a bounded rate from the latest state, whatever the market does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget

from openoutcry.errors import Disconnected, OutcomeUnknown, RequestRefused
from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Side
from outcry.terminal.aio.help_screen import HelpScreen
from outcry.terminal.aio.instrument_screen import InstrumentScreen
from outcry.terminal.aio.ladder_panel import LadderPanel
from outcry.terminal.aio.line import Line
from outcry.terminal.aio.market_desk import MarketDesk, neighbour
from outcry.terminal.aio.rows_panel import RowsPanel
from outcry.terminal.aio.ticket_panel import TicketPanel
from outcry.terminal.market_words import auction_words, state_words
from outcry.terminal.money import money
from outcry.terminal.palette import BAD, CALL, FAINT, GOOD, WARN
from outcry.terminal.picture import Picture
from outcry.terminal.standing import Tone, delay_words

FRAMES_PER_SECOND: Final = 10
"""How often the screen is drawn at most."""
TONES: Final = {Tone.GOOD: f"bold {GOOD}", Tone.WARN: f"bold {WARN}", Tone.BAD: f"bold {BAD}"}
LISTS: Final = {
    "orders": ("Open orders", "o", "none: b buys, s sells"),
    "executions": ("Executions", "e", "none since the start"),
    "positions": ("Positions", "p", "nothing held"),
    "trades": ("Trades", "t", "none since the start"),
}
WATCH_KEYS: Final = "i instrument  [ ] next  t trades  ? help  q quit"
TRADE_KEYS: Final = "b/s order  x cancel  X all  i market  o e p t  ? help"

WidgetT = TypeVar("WidgetT", bound=Widget)


class TradeApp(App[None]):
    """
    The screen.

    Args:
        desk: With an instrument opened.
        is_trading: Whether orders can be entered; else it is for watching.
    """

    ENABLE_COMMAND_PALETTE = False
    TITLE = "OpenOutcry"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]  # noqa: RUF012 - as Textual declares it
    CSS = """
    Screen { layout: vertical; }
    Line { height: 1; }
    #price-error, #quantity-error, #worth, #order-error { height: auto; }
    #main { height: 1fr; }
    #ladder { width: 1fr; height: 1fr; min-width: 28; }
    #side { width: 1fr; height: 1fr; layout: vertical; }
    #ticket { height: auto; padding: 0 1; }
    #lists { height: 1fr; }
    .field { height: 1; }
    .field Label { width: 6; }
    .field Input { width: 1fr; background: $surface-lighten-1; }
    .list { height: 1fr; width: 1fr; }
    .-narrow .list { display: none; }
    .-narrow .list.-active { display: block; }
    .-short #ticket { display: none; }
    .-short.-ticket #ticket { display: block; }
    .-short.-narrow.-ticket #lists { display: none; }
    .-watching #ticket { display: none; }
    .-wide #side { layout: horizontal; width: 2fr; }
    .-wide #ticket { width: 42; }
    .-wide #lists { width: 1fr; }
    HelpScreen, InstrumentScreen { align: center middle; }
    #help { width: 72; max-width: 100%; height: auto; max-height: 100%; background: $surface; padding: 0 1; }
    #instruments { width: 40; max-width: 100%; height: 14; background: $surface; padding: 0 1; }
    #instruments .list { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "order('bid')", "buy"),
        Binding("s", "order('ask')", "sell"),
        Binding("x,delete", "cancel", "cancel"),
        Binding("X,f9", "cancel_all", "cancel all"),
        Binding("i", "instrument", "instrument"),
        Binding("left_square_bracket", "next(-1)", "previous"),
        Binding("right_square_bracket", "next(1)", "next"),
        Binding("l", "focus_part('ladder')", "ladder"),
        Binding("o", "focus_part('orders')", "orders"),
        Binding("e", "focus_part('executions')", "executions"),
        Binding("p", "focus_part('positions')", "positions"),
        Binding("t", "focus_part('trades')", "trades"),
        Binding("escape", "leave_ticket", "ladder"),
        Binding("question_mark,f1", "help", "help"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", "quit", priority=True),  # in a field too: whoever presses it means the program
    ]

    def __init__(self, desk: MarketDesk, *, is_trading: bool) -> None:
        super().__init__()
        self._desk = desk
        self._is_trading = is_trading
        self._lists = tuple(name for name in LISTS if name == "trades" or desk.has_account)
        if not is_trading:
            self._lists = tuple(name for name in self._lists if name in ("positions", "trades"))
        self.frames = 0
        """Drawn so far."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Line(id="heading")
        yield Line(id="standing")
        yield Line(id="auction", is_optional=True)
        with Horizontal(id="main"):
            yield LadderPanel(id="ladder")
            with Container(id="side"):
                if self._is_trading:
                    yield TicketPanel(self._desk.send, self.tell)
                with Container(id="lists"):
                    for name in self._lists:
                        title, key, none = LISTS[name]
                        yield RowsPanel(id=name, title=title, key=key, none=none)
        yield Line(id="message", is_optional=True)
        yield Line(id="keys")

    def on_mount(self) -> None:
        """Begin to draw."""
        self.query_one("#keys", Line).say(TRADE_KEYS if self._is_trading else WATCH_KEYS, FAINT)
        self._activate(self._lists[0])
        self.query_one("#ladder").focus()
        self._draw()
        self.set_interval(1 / FRAMES_PER_SECOND, self._draw)

    def tell(self, text: str, *, is_good: bool = True) -> None:
        """Say what came of something, in the line above the keys."""
        self._default("message", Line).say(f"{'✓' if is_good else '✗'} {text}", GOOD if is_good else BAD)

    # -- keys -------------------------------------------------------------------------------------------------------

    def action_order(self, side: str) -> None:
        """Open the ticket."""
        if not self._is_trading:
            return
        ladder = self._default("ladder", LadderPanel)
        picture = self._desk.look()
        best = picture.setting.best_bid if side == Side.BID else picture.setting.best_ask
        price = ladder.chosen or best or picture.last
        self.screen.add_class("-ticket")
        self._default("ticket", TicketPanel).begin(Side(side), money(price, picture.instrument) if price else "")

    def action_leave_ticket(self) -> None:
        """Go back to the ladder."""
        self.screen.remove_class("-ticket")
        self._default("ladder", LadderPanel).focus()

    def action_cancel(self) -> None:
        """Cancel the order under the cursor."""
        if not self._is_trading:
            return
        row = self._default("orders", RowsPanel).chosen_row()
        if row is None:
            self.tell("choose an order first: o, then ↑ ↓", is_good=False)
            return
        self.run_worker(self._asked(lambda: self._desk.cancel(int(row.key)), f"order {row.key} cancelled"))

    def action_cancel_all(self) -> None:
        """Cancel all orders, of every instrument."""
        if self._is_trading:
            self.run_worker(self._asked(self._desk.cancel_all, "all cancelled: {cancelled}"))

    def action_instrument(self) -> None:
        """Ask for another instrument."""
        self.push_screen(InstrumentScreen(self._desk.symbols), self._chosen)

    def action_next(self, step: int) -> None:
        """Show the next instrument of the listing."""
        self._chosen(neighbour(self._desk.symbols, self._desk.symbol, step))

    def action_focus_part(self, name: str) -> None:
        """Go to a part of the screen."""
        if name in self._lists:
            self._activate(name)
            self.screen.remove_class("-ticket")
        if name in (*self._lists, "ladder"):
            self.query_one(f"#{name}").focus()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(is_trading=self._is_trading))

    # -- private ----------------------------------------------------------------------------------------------------

    def _default(self, name: str, kind: type[WidgetT]) -> WidgetT:
        """Return a widget of the screen below all others."""
        return self.screen_stack[0].query_one(f"#{name}", kind)

    def _activate(self, name: str) -> None:
        for each in self._lists:
            self.query_one(f"#{each}").set_class(each == name, "-active")

    def _draw(self) -> None:
        if not self.is_running:  # it ends: widgets go one by one
            return
        try:
            self._desk.check()
        except Disconnected:
            self.exit()
            return
        picture = self._desk.look()
        now_us = time.time_ns() // 1_000
        self.frames += 1
        self._draw_lines(picture, now_us)
        self._default("ladder", LadderPanel).show(picture)
        for name in self._lists:
            is_stale = picture.is_stale if name == "trades" else picture.account_is_stale
            self._default(name, RowsPanel).show(picture.lists[name], is_stale=is_stale)
        if self._is_trading:
            self._default("ticket", TicketPanel).show(picture.setting)

    def _draw_lines(self, picture: Picture, now_us: int) -> None:
        instrument = picture.instrument
        # The name comes last: a narrow screen cuts it off, and not that the instrument is halted.
        last = f"last {money(picture.last, instrument)} {instrument.currency}" if picture.last else instrument.currency
        parts = (instrument.symbol, state_words(picture.status, now_us), last, instrument.name)
        self._default("heading", Line).say("  ".join(part for part in parts if part), "bold")
        stood = picture.standing
        self._default("standing", Line).say(f"{stood.line()}  {delay_words(picture.delay)}", TONES[stood.tone])
        auction = picture.auction
        self._default("auction", Line).say(
            auction_words(auction, instrument, now_us) if auction is not None else "", f"bold {CALL}"
        )

    def _chosen(self, symbol: str | None) -> None:
        if symbol is not None:
            self.run_worker(self._open(symbol), exclusive=True, group="open")

    async def _open(self, symbol: str) -> None:
        try:
            await self._desk.open(symbol)
        except (RequestRefused, Disconnected, TimeoutError) as error:
            self.tell(f"{symbol}: {str(error) or 'nothing came in time'}", is_good=False)

    async def _asked(self, ask: Callable[[], Awaitable[Reply]], done: str) -> None:
        try:
            reply = await ask()
        except (RequestRefused, OutcomeUnknown, Disconnected) as error:
            self.tell(str(error), is_good=False)
        else:
            self.tell(done.format(cancelled=reply.data.get("cancelled", 0)), is_good=True)
