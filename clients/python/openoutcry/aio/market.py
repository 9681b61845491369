"""The exchange as one user sees it: what to follow, what to ask, what to order.

Everything awaited here is a state that the link's task brings about; nothing is read from the network in a user's
task.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from os import PathLike
from random import Random
from typing import Any, Final

from openoutcry.aio.book import Book
from openoutcry.aio.link import Link
from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.live_ticker import LiveTicker
from openoutcry.aio.pulse import LEFT
from openoutcry.aio.replies import Replies
from openoutcry.aio.tape import Tape
from openoutcry.aio.token_source import Token
from openoutcry.aio.views import Views
from openoutcry.arguments import one_instrument, seconds, text, whole_number
from openoutcry.errors import REPEATABLE_OPS, Disconnected, OutcomeUnknown, RequestRefused, refusal
from openoutcry.events import Event, ReplyReceived, RequestLost, SubscriptionRefused
from openoutcry.feed_session import FeedSession
from openoutcry.subscriptions import ACCOUNT
from openoutcry.wire.codec import Encoding
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Reply, Status, Terms, Trade
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.tick_table import NO_TABLE, TickTable
from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce

ANSWER_S: Final = 10.0
"""Default time for the first state of what is followed."""
REPLY_S: Final = 10.0
"""Time for the reply to a request; the gateway itself gives an order 5 s."""
SETTINGS_TRIES: Final = 3
"""How often the settings are read anew because somebody changed them meanwhile."""


class Market:
    """
    A user's market. Made by `connect`; any number of tasks of one event loop may use it.

    Args:
        urls: Equal gateways.
        token: JWT of the user, or a function that gets one for each connection.
        encoding: Of both directions.
        random: Source of jitter and choice.
        ca_file: Of the authorities that servers' certificates are believed from; None: the machine's.
    """

    def __init__(
        self,
        urls: Sequence[str],
        token: Token,
        encoding: Encoding,
        random: Random,
        ca_file: str | PathLike[str] | None = None,
    ) -> None:
        self.session = FeedSession(encoding)
        """What has been heard; read it, and ask through this class."""
        self.link = Link(urls, token, self.session, self._on_event, random, ca_file)
        self._views = Views(self.session)
        self._replies = Replies()
        self._refusals: dict[tuple[str, str], RequestRefused] = {}
        self._is_over = False
        self._ending: Disconnected | None = None

    def __repr__(self) -> str:
        who = self.session.welcome.user if self.session.welcome else "nobody yet"
        standing = "over" if self._is_over else "fed" if self.is_fed else "stale"
        return f"<Market of {who} {standing}>"

    # -- what is known ----------------------------------------------------------------------------------------------

    @property
    def user(self) -> str:
        """Who the server says we are."""
        assert self.session.welcome is not None
        return self.session.welcome.user

    @property
    def is_fed(self) -> bool:
        """Whether we are connected to a gateway that hears the exchange, by the clock too (see `Book.stale`)."""
        return self.session.is_fed and not self.session.is_silent(time.monotonic())

    def status(self, instrument: str | None = None) -> Status | None:
        """Return the last status heard: of an instrument (see `follow_status`), or of the gateway for None."""
        return self.session.statuses.get(None if instrument is None else text("instrument", instrument))

    def terms(self, instrument: str) -> Terms | None:
        """
        Return what orders of an instrument are judged by beside its definition, as last heard; None if nothing is.

        They come with the definitions, so ask for `instruments` or follow the account first.
        """
        return self.session.terms.get(text("instrument", instrument))

    def tick_table(self, instrument: str) -> TickTable:
        """
        Return which prices an instrument has, as last heard; `round_down` and the like make one of any number of ticks.

        Without a table every tick is a price. It is one of the `terms`.
        """
        terms = self.terms(instrument)
        return TickTable(terms.tick_table) if terms is not None and terms.tick_table else NO_TABLE

    def check(self) -> None:
        """
        Return if the market goes on, connected or not.

        Raises:
            Disconnected: If the server sent us away for good, or the market was left.
        """
        if self._is_over:
            ending = self._ending or Disconnected(LEFT, "the market was left")
            raise Disconnected(ending.code, ending.reason)

    # -- following --------------------------------------------------------------------------------------------------

    async def book(self, instrument: str, depth: int = 0, interval_ms: int = 0, timeout_s: float = ANSWER_S) -> Book:
        """
        Follow a book, and return it when its first snapshot has come.

        Asking for the same book again returns the same object.

        Args:
            instrument: Symbol.
            depth: Levels a side: 0 (all), 5, 10, 20 or 50.
            interval_ms: Shortest time between updates: 0 (the server's pace), 50, 100, 250 or 1000.
            timeout_s: Time for the snapshot.

        Raises:
            RequestRefused: If the server refuses, for example an instrument that is not listed.
            InvalidArgument: If the instrument is no symbol, depth or interval no integer, or the timeout no number.
            ValueError: If the book is followed at another depth or interval; `leave_book` first.
            TimeoutError: If no snapshot has come in time.
            Disconnected: If the market has ended.
        """
        instrument = one_instrument(instrument)
        depth, interval_ms = whole_number("depth", depth), whole_number("interval_ms", interval_ms)
        seconds("timeout_s", timeout_s)
        held = self.session.books.get(instrument)
        if held is not None and (held.book.depth, held.interval_ms) != (depth, interval_ms):
            raise ValueError(f"{instrument} is followed at depth {held.book.depth}, interval {held.interval_ms} ms")
        self._refusals.pop(("book", instrument), None)
        view = self.session.follow_book(instrument, depth, interval_ms, time.monotonic())
        book = self._views.book(instrument, view)
        await self._until(lambda: view.changes > 0, ("book", instrument), timeout_s)
        return book

    async def leave_book(self, instrument: str) -> None:
        """Follow a book no longer: loops over it end, and its `stale` says `UNFOLLOWED`."""
        self.session.unfollow("book", instrument)
        self._views.leave_book(instrument)
        await self.link.flush()

    async def ticker(self, instrument: str, timeout_s: float = ANSWER_S) -> LiveTicker:
        """Follow an instrument's best prices and statistics; returns when the first has come. Raises as `book`."""
        self._follow("ticker", one_instrument(instrument), timeout_s)
        ticker = self._views.ticker(instrument)
        await self._until(lambda: self.session.has_ticker(instrument), ("ticker", instrument), timeout_s)
        return ticker

    async def trades(self, instrument: str, timeout_s: float = ANSWER_S) -> Tape[Trade]:
        """
        Follow an instrument's trades: `async for trade in await market.trades("ACME")`.

        Each trade comes once and in order; a `Missing(first, last)` stands in the place of those that will not come.
        The first ones may be from before the call. Raises as `book`.
        """
        self._follow("trades", one_instrument(instrument), timeout_s)
        tape = self._views.tape(instrument)
        following = ("trades", instrument)
        await self._until(lambda: self.session.is_following(*following), following, timeout_s)
        return tape

    async def follow_status(self, instrument: str = "*", timeout_s: float = ANSWER_S) -> None:
        """Follow the market state of an instrument, or of all; `status` then shows it. Raises as `book`."""
        self._follow("status", text("instrument", instrument), timeout_s)
        following = ("status", instrument)
        await self._until(lambda: self.session.is_following(*following), following, timeout_s)

    async def account(self, timeout_s: float = ANSWER_S) -> LiveAccount:
        """Keep the user's own account; returns when it is in sync. Raises as `book`."""
        seconds("timeout_s", timeout_s)
        self._refusals.pop(ACCOUNT, None)
        view = self.session.follow_account(time.monotonic())
        await self._until(lambda: view.stale_reason is None, ACCOUNT, timeout_s)
        return self._views.account()

    async def instruments(self, timeout_s: float = ANSWER_S) -> list[Instrument]:
        """
        Return the definitions of all instruments, in order of listing; `terms` knows theirs a moment later.

        Raises:
            RequestRefused: If the server refuses.
            TimeoutError: If they have not come in time.
            Disconnected: If the connection ends first.
        """
        seconds("timeout_s", timeout_s)
        await self._request("instruments")
        await self._until(lambda: self.session.is_listing_whole, None, timeout_s)
        return list(self.session.listing.values())

    # -- orders -----------------------------------------------------------------------------------------------------

    async def order(
        self,
        instrument: str,
        *,
        side: Side | str,
        quantity: int,
        price: int | None = None,
        kind: OrderKind | str = OrderKind.LIMIT,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
        self_trade_prevention: SelfTradePrevention | str = SelfTradePrevention.CANCEL_NEWEST,
        client_order_id: str | None = None,
        trigger: int | None = None,
        protection_bp: int | None = None,
        expires_at: int | datetime | None = None,
        expires_on: date | str | None = None,
        minimum: int | None = None,
        clearance: str | None = None,
    ) -> Reply:
        """
        Enter an order; returns when its outcome is in the exchange's log.

        Args:
            instrument: Symbol.
            side: `bid` or `ask`.
            quantity: Lots, an integer of any kind.
            price: Ticks, an integer of any kind; None for a market order. `Instrument.ticks` makes them of money.
            kind: `limit` or `market`.
            time_in_force: `gtc`, `ioc`, `fok`, `day`, `gtd` or `auction`.
            post_only: Refuse instead of trading on arrival.
            self_trade_prevention: What happens when it meets one of your own.
            client_order_id: Your own name for it, unique among your recent orders; None makes one.
            trigger: Ticks. The order is a stop: it waits, in no book, until something trades at this price or beyond.
            protection_bp: How far beyond its trigger a stop without a price may trade, in basis points; None is 500.
            expires_at: When an order that is `gtd` ends: µs since 1970, or a time that knows its zone.
            expires_on: The last trading day of one, instead: a date, or YYYY-MM-DD.
            minimum: Lots; trade so many on arrival, or nothing.
            clearance: Names the permission that the order uses.

        Returns:
            The reply, `ok`, with the exchange's id for the order in `data["order_id"]`.

        Raises:
            OrderRefused: If it was refused, by the exchange or a limit of ours; its `code` and `text` say why. One that
                is refused as `duplicate_order` has the first order's `order_id`, if the exchange still knows it.
            OutcomeUnknown: If the connection or the answer was lost; repeating with its `client_order_id` is safe.
            Disconnected: If there is no connection at present; nothing was sent.
            InvalidArgument: If a price or a quantity is no integer, or a name no text; nothing was sent.
        """
        return await self._request(
            "order",
            client_order_id=secrets.token_hex(12) if client_order_id is None else client_order_id,
            instrument=instrument,
            side=str(side),
            kind=str(kind),
            price=price,
            quantity=quantity,
            time_in_force=str(time_in_force),
            post_only=post_only,
            self_trade_prevention=str(self_trade_prevention),
            trigger=trigger,
            protection_bp=protection_bp,
            expires_at=expires_at,
            expires_on=expires_on,
            minimum=minimum,
            clearance=clearance,
        )

    async def cancel(self, *, order_id: int | None = None, client_order_id: str | None = None) -> Reply:
        """Cancel one open order, named by exactly one of its ids. Returns and raises as `order`."""
        return await self._request("cancel", order_id=order_id, client_order_id=client_order_id)

    async def replace(
        self,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        price: int | None = None,
        quantity: int | None = None,
    ) -> Reply:
        """
        Change an open order's price (ticks), its total quantity (lots, filled part included), or both.

        It keeps its place in the queue only if the price stays and the quantity does not grow. Returns and raises
        as `order`.
        """
        return await self._request(
            "replace", order_id=order_id, client_order_id=client_order_id, price=price, quantity=quantity
        )

    async def cancel_all(self, instrument: str | None = None) -> Reply:
        """Cancel all your open orders, of one instrument or of all; `data["cancelled"]` counts them."""
        return await self._request("cancel_all", instrument=instrument)

    async def quote(self, pairs: Sequence[QuotedPair], *, quote_id: str | None = None) -> Reply:
        """
        Quote both sides of instruments at once; for the role `market_maker`.

        A pair takes the place of your pair in that instrument. A side that is as it stands changes nothing, and one
        with fewer lots at its price keeps its place; every other arrives anew. A side without lots is withdrawn. Quotes
        end when you are away for longer than the exchange's grace, and when the market closes.

        Args:
            pairs: 1 to 15, of different instruments.
            quote_id: Your own name for it, 1 to 32 letters, digits and . _ : - and unique as a `client_order_id` is;
                None makes one.

        Returns:
            The reply, `ok` if any pair was taken; `data["refused"]` has a sentence for each of the others, by its
            number among the pairs as a text. The old pair stays there.

        Raises:
            OrderRefused: If nothing was taken; why the first pair was not, or the whole quote.
            OutcomeUnknown: If the connection or the answer was lost; repeating with its `quote_id` is safe.
            Disconnected: If there is no connection at present; nothing was sent.
            InvalidArgument: If the pairs are none, or hold what is no integer; nothing was sent.
        """
        name = secrets.token_hex(12) if quote_id is None else quote_id
        return await self._request("quote", quote_id=name, pairs=pairs)

    async def exercise(self, instrument: str, lots: int, *, exercise_id: str | None = None) -> Reply:
        """
        Exercise lots of an option: money and lots of its underlying change hands, both or neither; for traders.

        The account tells it as transfers of the kind `exercise`.

        Args:
            instrument: Symbol of the option.
            lots: How many, from 1.
            exercise_id: Your own name for it, 1 to 36 letters, digits and . _ : - The same again changes nothing, so
                repeating is safe; None makes one.

        Returns:
            The reply, `ok`.

        Raises:
            OrderRefused: If it was refused; `code` and `text` say why.
            OutcomeUnknown: If the connection or the answer was lost.
            Disconnected: If there is no connection at present; nothing was sent.
            InvalidArgument: If the lots are no integer, or a name no text; nothing was sent.
        """
        name = secrets.token_hex(12) if exercise_id is None else exercise_id
        return await self._request("exercise", exercise_id=name, instrument=instrument, lots=lots)

    async def cancel_on_disconnect(self, *, on: bool = True) -> Reply:
        """
        Have all your open orders cancelled when you stay away, or no longer.

        Away is who has had no connection, to any gateway, for longer than the exchange's grace (10 s unless its
        operator says otherwise). It holds for the user, over connections, until it is asked for again; the account
        says how it stands, and `executions` why orders ended: `disconnected`. Returns and raises as `order`; asking
        again is always safe.
        """
        return await self._request("cancel_on_disconnect", on=on)

    # -- administration ---------------------------------------------------------------------------------------------

    async def propose(self, proposal_id: str, actions: Sequence[Mapping[str, Any]]) -> Reply:
        """
        Propose actions of the market's administration, all or none of them; for `admin` and `compliance`.

        Args:
            proposal_id: Your own name for it, 1 to 36 letters, digits and . _ : - Proposing the same again under it
                changes nothing, so repeating is safe.
            actions: Maps, 1 to 50, each with its `action` and that action's fields; docs/protocol.md lists them.

        Returns:
            The reply, `ok`; `data["state"]` is `proposed`: it waits for another administrator; or `done`.

        Raises:
            RequestRefused: If it was refused; `code` and `text` say why, and nothing of it was done.
            OutcomeUnknown: If the connection or the answer was lost.
            Disconnected: If there is no connection at present; nothing was sent.
            InvalidArgument: If the actions are no maps; nothing was sent.
        """
        return await self._request("admin", proposal_id=proposal_id, actions=actions)

    async def confirm(self, proposal_id: str) -> Reply:
        """Have another administrator's proposal carried out. Returns and raises as `propose`."""
        return await self._request("confirm", proposal_id=proposal_id)

    async def withdraw(self, proposal_id: str) -> Reply:
        """Take back a proposal of one's own that waits: its state is `withdrawn`. Returns and raises as `propose`."""
        return await self._request("withdraw", proposal_id=proposal_id)

    async def settings(self) -> tuple[int, list[Sequence[Any]]]:
        """
        Ask what administrators have set, and what waits; for the roles `admin`, `compliance` and `auditor`.

        Returns:
            The revision, which grows with each proposal carried out, and the rows; docs/protocol.md lists them.

        Raises:
            RequestRefused: If it was refused, or if administrators changed something each time while it was read.
            Disconnected: If there is no connection at present, or it ends.
        """
        for _ in range(SETTINGS_TRIES):
            data = (await self._request("market", start=0)).data
            revision, rows = data["revision"], list(data["rows"])
            while data["revision"] == revision and len(rows) < data["total"] and data["rows"]:
                data = (await self._request("market", start=len(rows))).data
                rows += data["rows"]
            if data["revision"] == revision and len(rows) == data["total"]:
                return revision, rows
        raise RequestRefused(Code.BUSY, "the settings changed each time while they were read; try again in a moment")

    async def ping(self) -> Reply:
        """Ask for nothing but a reply; `data["server_time"]` is the gateway's clock in µs. Raises as `instruments`."""
        return await self._request("ping")

    # -- the owner's side -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the connection until cancelled, or sent away for good."""
        self.end(await self.link.run())

    async def ready(self, timeout_s: float) -> None:
        """
        Wait for the first welcome.

        Raises:
            Disconnected: If the server refuses us, or none has answered in time.
        """
        try:
            await self._until(lambda: self.session.welcome is not None, None, timeout_s)
        except TimeoutError:
            code, reason = self.link.last_ending
            raise Disconnected(code, f"no gateway within {timeout_s:g} s; {reason}") from None

    def end(self, ending: Disconnected | None) -> None:
        """Let nobody wait any more; the first call decides why, None meaning that the owner has left."""
        if not self._is_over:
            self._is_over, self._ending = True, ending
            self._views.stop(ending)

    # -- private ----------------------------------------------------------------------------------------------------

    def _follow(self, channel: str, instrument: str, timeout_s: float) -> None:
        seconds("timeout_s", timeout_s)
        self._refusals.pop((channel, instrument), None)
        self.session.follow(channel, instrument, time.monotonic())

    async def _until(self, is_so: Callable[[], bool], key: tuple[str, str] | None, timeout_s: float) -> None:
        """Send what there is to say, then wait for a state, or for the refusal of what should lead to it."""
        self.check()
        news = self._views.news
        async with asyncio.timeout(timeout_s):
            await self.link.flush()
            while not is_so():
                if key in self._refusals:
                    refusal = self._refusals[key]
                    raise RequestRefused(refusal.code, refusal.text)
                try:
                    await news.beyond(news.count)
                except StopAsyncIteration:
                    raise Disconnected(LEFT, "the market was left") from None

    async def _request(self, op: str, **fields: Any) -> Reply:
        """Ask, and return the reply if it is a yes; all else raises."""
        self.check()
        request_id = self.session.request(op, **fields)
        future = self._replies.expect(request_id)
        try:
            async with asyncio.timeout(REPLY_S):
                await self.link.flush()
                reply = await future
        except (TimeoutError, Disconnected) as error:
            if op not in REPEATABLE_OPS:
                raise
            reason = str(error) or f"no reply within {REPLY_S:g} s"
            raise OutcomeUnknown(op, fields.get("client_order_id"), reason) from error
        finally:
            self._replies.forget(request_id)
            self.session.forget(request_id)
        if reply.code == Code.OUTCOME_UNKNOWN:
            raise OutcomeUnknown(op, fields.get("client_order_id"), reply.text)
        if not reply.ok:
            about = reply.data.get("order_id")
            raise refusal(op, reply.code, reply.text, fields.get("client_order_id"), about)
        return reply

    def _on_event(self, event: Event) -> None:
        if isinstance(event, ReplyReceived | RequestLost):
            self._replies.on_event(event)
        elif isinstance(event, SubscriptionRefused):
            self._refusals[event.channel, event.instrument] = RequestRefused(event.code, event.text)
        self._views.on_event(event)
