"""The order ticket: price and lots by keyboard, what the order comes to, and what was said against it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from openoutcry.errors import Disconnected, OutcomeUnknown, RequestRefused
from openoutcry.wire.errors import InvalidArgument
from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code, OrderKind, Side, TimeInForce
from outcry.terminal.account_rows import BUY_SELL
from outcry.terminal.aio.line import Line
from outcry.terminal.money import amount
from outcry.terminal.order_name import OrderName
from outcry.terminal.palette import BAD, FAINT, SIDES
from outcry.terminal.ticket_check import (
    Checked,
    Field,
    TicketDraft,
    TicketSetting,
    check_ticket,
    refused_field,
    step_price,
)

TIMES: Final = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.AUCTION)
TEXT_MAX: Final = 20
"""Characters of a field."""

TOO_LATE: Final = "too late to send it again: look at orders and executions, then order anew"

Send = Callable[[str, TicketDraft, Checked, str], Awaitable[Reply]]


class TicketPanel(Vertical):
    """
    A ticket.

    One `client_order_id` stays with what is written until its outcome is known: sending it twice trades once.

    Args:
        send: Enters the order.
        tell: Says what came of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "side", "side"),
        Binding("f3", "kind", "limit or market"),
        Binding("f4", "time", "time in force"),
        Binding("up", "price(1)", show=False),
        Binding("down", "price(-1)", show=False),
    ]

    def __init__(self, send: Send, tell: Callable[[str], None]) -> None:
        super().__init__(id="ticket")
        self._send = send
        self._tell = tell
        self._draft = TicketDraft()
        self._setting: TicketSetting | None = None
        self._refused: dict[Field, str] = {}
        """What the exchange said; until something else is written."""
        self._has_tried = False
        """Whether faults of what is not written yet are told."""
        self._order = OrderName(lambda: secrets.token_hex(12))
        self._is_sending = False

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Line(id="ticket-head")
        with Horizontal(classes="field"):
            yield Label("price")
            yield Input(id="price", compact=True, max_length=TEXT_MAX)
        yield Line(id="price-error", is_optional=True)
        with Horizontal(classes="field"):
            yield Label("lots")
            yield Input(id="quantity", compact=True, max_length=TEXT_MAX)
        yield Line(id="quantity-error", is_optional=True)
        yield Line(id="worth", is_optional=True)
        yield Line(id="order-error", is_optional=True)
        yield Line(id="ticket-keys")

    def on_mount(self) -> None:
        """Say which keys there are."""
        self.query_one("#ticket-keys", Line).say("Enter send F2 side F3 kind F4 time", FAINT)

    @property
    def draft(self) -> TicketDraft:
        """What is written."""
        return self._draft

    def begin(self, side: Side, price: str) -> None:
        """Write a side and a price, and ask for the lots."""
        self._change(side=side, price=price)
        self.query_one("#price", Input).value = price
        self.query_one("#quantity" if price else "#price", Input).focus()

    def show(self, setting: TicketSetting) -> None:
        """Judge what is written by the present market."""
        if self._setting is not None and self._setting.instrument != setting.instrument:
            self.query_one("#price", Input).value = ""
            self._change(price="")
        self._setting = setting
        self._draw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take what was typed."""
        if event.input.id == "price" and event.value != self._draft.price:
            self._change(price=event.value)
        elif event.input.id == "quantity" and event.value != self._draft.quantity:
            self._change(quantity=event.value)
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the lots, or send."""
        if event.input.id == "price" and not self._draft.quantity:
            self.query_one("#quantity", Input).focus()
        else:
            self._submit()

    def action_side(self) -> None:
        """Buy instead of selling, or the other way round."""
        self._change(side=self._draft.side.opposite)
        self._draw()

    def action_kind(self) -> None:
        """Name a limit, or none."""
        is_limit = self._draft.kind is OrderKind.LIMIT
        kind, time = (OrderKind.MARKET, TimeInForce.IOC) if is_limit else (OrderKind.LIMIT, TimeInForce.GTC)
        self._change(kind=kind, time_in_force=time)
        self._draw()

    def action_time(self) -> None:
        """Take the next time in force; market orders have but one."""
        if self._draft.kind is OrderKind.LIMIT:
            place = TIMES.index(self._draft.time_in_force)
            self._change(time_in_force=TIMES[(place + 1) % len(TIMES)])
            self._draw()

    def action_price(self, steps: int) -> None:
        """Take the next price up or down."""
        if self._setting is not None and self._draft.kind is OrderKind.LIMIT:
            field = self.query_one("#price", Input)
            field.value = step_price(self._draft.price, steps, self._setting)

    # -- private ----------------------------------------------------------------------------------------------------

    def _change(self, **fields: object) -> None:
        self._draft = replace(self._draft, **fields)  # type: ignore[arg-type]
        self._refused.clear()
        if not self._is_sending:
            self._order.renew()

    def _draw(self) -> None:
        if self._setting is None:
            return
        draft, instrument = self._draft, self._setting.instrument
        checked = check_ticket(draft, self._setting)
        sending = " … sending" if self._is_sending else ""
        head = f"{BUY_SELL[draft.side].upper()} {instrument.symbol} {draft.kind} {draft.time_in_force}{sending}"
        self.query_one("#ticket-head", Line).say(head, f"bold {SIDES[draft.side]}")
        written = {Field.PRICE: draft.price, Field.QUANTITY: draft.quantity}
        for field in Field:
            said = self._refused.get(field, "")
            if not said and (self._has_tried or written.get(field)):
                said = checked.errors.get(field, "")
            self.query_one(f"#{field}-error", Line).say(f"✗ {said}" if said else "", BAD)
        self.query_one("#worth", Line).say(_worth(draft, checked, self._setting))
        self.query_one("#price", Input).disabled = draft.kind is OrderKind.MARKET

    def _submit(self) -> None:
        if self._setting is None or self._is_sending:
            return
        self._has_tried = True
        checked = check_ticket(self._draft, self._setting)
        self._refused.clear()
        self._draw()
        if checked.errors:
            return
        if not self._order.send(time.monotonic()):
            self._order.renew()
            self._refused[Field.ORDER] = TOO_LATE
            self._draw()
            return
        self._is_sending = True
        self._draw()
        symbol = self._setting.instrument.symbol  # as the ticket says: another one may be shown before it is sent
        self.run_worker(self._entered(symbol, self._draft, checked, self._order.text), exclusive=False)

    async def _entered(self, symbol: str, draft: TicketDraft, checked: Checked, order_id: str) -> None:
        try:
            reply = await self._send(symbol, draft, checked, order_id)
        except OutcomeUnknown as error:
            self._refused[Field.ORDER] = f"outcome unknown: {error.reason}; Enter asks again, and trades once"
            if self._draft != draft or self._setting is None or self._setting.instrument.symbol != symbol:
                # What is written now is another order.
                self._order.renew()
        except RequestRefused as error:
            field, said = refused_field(error.code, error.text)
            self._refused[field] = said
            self._order.renew()
            if error.code == Code.DUPLICATE_ORDER:
                self._tell("the order stands already: it was entered before")
        except (Disconnected, InvalidArgument) as error:
            self._refused[Field.ORDER] = f"nothing was sent: {error}"
        else:
            self._order.renew()
            self._has_tried = False
            self.query_one("#quantity", Input).value = ""
            what = f"{BUY_SELL[draft.side]} {checked.quantity:,} {symbol}"
            self._tell(f"{what}: order {reply.data.get('order_id', '')} taken")
        finally:
            self._is_sending = False
            self._draw()


def _worth(draft: TicketDraft, checked: Checked, setting: TicketSetting) -> str:
    """Say what the order comes to and what it reserves."""
    if checked.value is None:
        return ""
    currency = setting.instrument.currency
    about = "about " if draft.kind is OrderKind.MARKET else ""
    text = f"value {about}{amount(checked.value)} {currency}"
    if setting.free_money is None:
        return f"{text}, nothing is reserved"
    is_bid = draft.side is Side.BID
    reserved = amount(checked.reserves_money) if is_bid else f"{checked.reserves_lots:,}"
    if not checked.reserves_money and not checked.reserves_lots:
        reserved = "nothing"
    free = f"{amount(setting.free_money)} free" if is_bid else f"{setting.free_lots or 0:,} free lots"
    return f"{text}, reserves {reserved} of {free}"
