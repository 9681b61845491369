"""Sections "Channels" and "Client requests": joining, replacing and leaving."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.messages import Account, Delta, Snapshot, Status, Ticker, Trade
from openoutcry.wire.request_limits import INSTRUMENTS_IN_REQUEST_MAX
from openoutcry.wire.types import Code, MarketState
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Skipped, expect, expect_equal, expect_refused

SECTION: Final = "Channels"
QUIET_S: Final = 0.6
"""Long enough for several changes of a book in motion to have been sent, had they been."""


@check(SECTION)
async def top_is_whole_each_time(trial: Trial) -> str:
    """`depth` is 0, 5, 10, 20 or 50; for `top`, 0 means 1 and its snapshots say so."""
    symbol = trial.venue.busy.symbol
    for depth, levels in ((0, 1), (5, 5), (10, 10)):
        client = await trial.connect()
        await client.accepted("subscribe", channel="top", instruments=[symbol], depth=depth)
        shown = []
        for _ in range(4):
            top = await client.hear(Snapshot)
            expect_equal(top.depth, levels, f"depth of top, when {depth} was asked for")
            expect(len(top.bids) <= levels >= len(top.asks), f"top of {levels} levels is wider")
            shown.append(([*map(tuple, top.bids)], [*map(tuple, top.asks)]))
        expect(not client.heard(Delta), "a delta came on the channel top")
    return "depths 0, 5, 10"


@check(SECTION)
async def trades_begin_with_the_last_50(trial: Trial) -> str:
    """The last 50 trades."""
    first = await trial.connect()
    symbol = trial.venue.busy.symbol
    await first.accepted("subscribe", channel="trades", instruments=[symbol])
    live = await first.hear(Trade)
    while len(first.heard(Trade)) < 2 or live.trade_id < 2:
        live = await first.hear(Trade)
    second = await trial.connect()
    await second.accepted("subscribe", channel="trades", instruments=[symbol])
    await second.accepted("ping")
    state = second.heard(Trade)
    expect(1 <= len(state) <= 50 + 5, f"{len(state)} trades came at first")
    expect(state[0].trade_id <= live.trade_id, "the state lacks a trade that another connection has got")
    ids = [trade.trade_id for trade in state]
    expect_equal(ids, list(range(ids[0], ids[0] + len(ids))), "ids of the trades")
    expect(ids[0] == 1 or len(ids) >= 50, f"only {len(ids)} trades came, beginning with {ids[0]}")
    return f"{len(ids)} trades"


@check(SECTION)
async def star_is_every_instrument(trial: Trial) -> None:
    """`instruments` lists symbols, or `"*"` for all, those listed later included."""
    listed = {each.symbol for each in trial.venue.listing}
    client = await trial.connect()
    for channel, kind in (("ticker", Ticker), ("status", Status)):
        await client.accepted("subscribe", channel=channel)
        names = {(await _state_of(client, kind)).instrument for _ in listed}
        expect_equal(names, listed, f"instruments of {channel} without a list, which means *")
        await client.accepted("unsubscribe", channel=channel)
        await client.accepted("subscribe", channel=channel, instruments=["*"])
        await client.accepted("unsubscribe", channel=channel, instruments=["*"])


@check("Server messages")
async def an_instrument_in_a_call_is_in_the_state_auction(trial: Trial) -> str:
    """In `auction` orders are gathered and nothing trades."""
    client = await trial.connect()
    await client.accepted("subscribe", channel="status", instruments=["*"])
    statuses = [await client.hear(Status) for _ in trial.venue.listing]
    for status in statuses:
        is_call = status.phase not in ("", "closed", "continuous")
        if status.state in (MarketState.AUCTION, MarketState.OPEN):
            expect_equal(status.state is MarketState.AUCTION, is_call, f"whether {status.instrument} is in a call")
    return ", ".join(sorted({status.state for status in statuses}))


@check(SECTION, seconds=15)
async def subscribing_again_replaces(trial: Trial) -> str:
    """Subscribing again replaces it."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    await trial.follow(client, symbol, depth=0, interval_ms=0)
    client.forget()
    reply = await client.accepted("subscribe", channel="book", instruments=[symbol], depth=5, interval_ms=100)
    await client.hear(Snapshot, lambda snapshot: snapshot.depth == 5, "the snapshot of the new depth")
    await client.listen_for(QUIET_S)
    depths = {each.message.depth for each in client.after(reply) if isinstance(each.message, Snapshot | Delta)}
    expect_equal(depths, {5}, "depths received after subscribing again")
    await client.accepted("unsubscribe", channel="book", instruments=[symbol])
    expect_refused(await client.ask("unsubscribe", channel="book", instruments=[symbol]), Code.NOT_SUBSCRIBED)
    return "one subscription of a kind for an instrument"


@check(SECTION)
async def book_has_one_depth_a_connection(trial: Trial) -> None:
    """A book has one depth a connection, whether followed by name or with all."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    await client.accepted("subscribe", channel="book", instruments=["*"], depth=5)
    expect_refused(
        await client.ask("subscribe", channel="book", instruments=[symbol], depth=10), Code.BAD_REQUEST, "depth"
    )
    await client.accepted("subscribe", channel="book", instruments=[symbol], depth=5)
    other = await trial.connect()
    await other.accepted("subscribe", channel="book", instruments=[symbol], depth=10)
    expect_refused(await other.ask("subscribe", channel="book", instruments=["*"]), Code.BAD_REQUEST, "depth")


@check(SECTION)
async def window_comes_by_one_channel(trial: Trial) -> None:
    """A window cannot be followed by `book` and `top` at once, since both come as snapshots."""
    symbol = trial.venue.busy.symbol
    for first, second in (("book", "top"), ("top", "book")):
        client = await trial.connect()
        await client.accepted("subscribe", channel=first, instruments=[symbol], depth=5)
        for instruments in ([symbol], ["*"]):
            reply = await client.ask("subscribe", channel=second, instruments=instruments, depth=5)
            expect_refused(reply, Code.BAD_REQUEST, "depth")
        await client.accepted("subscribe", channel=second, instruments=[symbol], depth=10)


@check(SECTION)
async def star_and_symbol_stand_side_by_side(trial: Trial) -> None:
    """A subscription to `"*"` and one to a symbol stand side by side, and both deliver."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    await client.accepted("subscribe", channel="trades", instruments=[symbol])
    await client.accepted("subscribe", channel="trades", instruments=["*"])
    await client.accepted("ping")
    known = max((trade.trade_id for trade in client.heard(Trade) if trade.instrument == symbol), default=0)
    for _ in range(2):
        await client.hear(
            Trade,
            lambda trade: trade.instrument == symbol and trade.trade_id == known + 1,
            f"trade {known + 1} of {symbol}, by both subscriptions",
        )


@check(SECTION)
async def unsubscribe_is_carried_out_whole(trial: Trial) -> None:
    """A request is carried out whole or not at all."""
    listed = [each.symbol for each in trial.venue.listing]
    if len(listed) < 2:
        raise Skipped("needs two instruments")
    client = await trial.connect()
    followed, other = trial.venue.busy.symbol, next(name for name in listed if name != trial.venue.busy.symbol)
    await client.accepted("subscribe", channel="status", instruments=[followed])
    reply = await client.ask("unsubscribe", channel="status", instruments=[followed, other])
    expect_refused(reply, Code.NOT_SUBSCRIBED, "instruments")
    await client.accepted("unsubscribe", channel="status", instruments=[followed])


@check(SECTION)
async def resumed_books_are_among_the_instruments(trial: Trial) -> None:
    """`resume` names books by symbol, and they must be among `instruments`."""
    client = await trial.connect()
    busy = trial.venue.busy.symbol
    for resume in ({"OTHER": [1, 2, 3]}, {busy: [1, 2, 3], "OTHER": [1, 2, 3]}, {"*": [1, 2, 3]}):
        reply = await client.ask("subscribe", channel="book", instruments=[busy], resume=resume)
        expect_refused(reply, Code.BAD_REQUEST, "resume")


@check("Client requests", seconds=15)
async def unsubscribing_ends_a_channel(trial: Trial) -> str:
    """`unsubscribe` | channel; instruments (["*"]) |."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    for channel in ("book", "top", "ticker", "trades", "status"):
        await client.accepted("subscribe", channel=channel, instruments=[symbol])
    await client.accepted("subscribe", channel="account")
    for channel in ("book", "top", "ticker", "trades", "status"):
        await client.accepted("unsubscribe", channel=channel, instruments=[symbol])
    reply = await client.accepted("unsubscribe", channel="account")
    await client.listen_for(QUIET_S)
    later = [type(each.message).__name__ for each in client.after(reply)]
    expect_equal([name for name in later if name != "Heartbeat"], [], "messages after unsubscribing from everything")
    return f"silent for {QUIET_S:g} s"


@check("Refusals")
async def nothing_to_leave_or_resync(trial: Trial) -> None:
    """Nothing to leave or resync."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    for channel in ("book", "top", "ticker", "trades", "status", "account"):
        expect_refused(await client.ask("unsubscribe", channel=channel, instruments=[symbol]), Code.NOT_SUBSCRIBED)
    expect_refused(await client.ask("resync", instrument=symbol), Code.NOT_SUBSCRIBED, "instrument")
    expect_refused(await client.ask("resync", instrument="NO-SUCH"), Code.NOT_SUBSCRIBED, "instrument")
    await client.accepted("subscribe", channel="ticker", instruments=[symbol])
    expect_refused(await client.ask("resync", instrument=symbol), Code.NOT_SUBSCRIBED, "instrument")


@check("Channels")
async def unknown_instruments_cannot_be_followed(trial: Trial) -> None:
    """One unknown instrument refuses a `subscribe`."""
    client = await trial.connect()
    for channel in ("book", "top", "ticker", "trades", "status"):
        reply = await client.ask("subscribe", channel=channel, instruments=[trial.venue.busy.symbol, "NO-SUCH"])
        expect_refused(reply, Code.UNKNOWN_INSTRUMENT, "NO-SUCH")
    await client.listen_for(0.2)
    expect(not client.heard(Snapshot), "a refused subscription sent a state all the same")


@check(SECTION)
async def account_looks_at_no_instruments(trial: Trial) -> None:
    """Account (`instruments` is ignored)."""
    client = await trial.connect()
    await client.accepted("subscribe", channel="account", instruments=["NO-SUCH"])
    await client.hear(Account)


async def _state_of(client: Client, kind: type[Ticker | Status]) -> Ticker | Status:
    found = await client.hear_where(lambda message: isinstance(message, kind), kind.__name__.lower())
    assert isinstance(found, Ticker | Status)
    return found


@check("Limits")
async def instruments_of_a_request_are_bounded(trial: Trial) -> None:
    """Instruments in a request | 256 | `instruments_per_request` | `bad_request`."""
    client = await trial.connect()
    limit = trial.venue.limits.get("instruments_per_request", INSTRUMENTS_IN_REQUEST_MAX)
    many = [f"S{number}" for number in range(limit)]
    expect_refused(
        await client.ask("subscribe", channel="book", instruments=[*many, "X"]), Code.BAD_REQUEST, "instruments"
    )
    expect_refused(await client.ask("subscribe", channel="book", instruments=many), Code.UNKNOWN_INSTRUMENT)
    expect_refused(await client.ask("subscribe", channel="book", instruments=[]), Code.BAD_REQUEST, "instruments")


@check("Limits")
async def subscriptions_of_a_connection_are_bounded(trial: Trial) -> str:
    """Subscriptions a connection | 256 | `subscriptions` | `too_many_subscriptions`."""
    limit = trial.venue.limits.get("subscriptions", 256)
    symbols = [each.symbol for each in trial.venue.listing]
    channels = ("ticker", "status", "trades", "top")
    if len(channels) * (len(symbols) + 1) <= limit:
        needed = limit // len(channels)
        raise Skipped(f"{len(symbols)} instruments are listed, more than {needed} are needed for {limit} subscriptions")
    client = await trial.connect()
    made = 0
    for channel in channels:
        for at in range(0, len(symbols), 50):
            named = symbols[at : at + 50]
            reply = await client.ask("subscribe", channel=channel, instruments=named)
            if made + len(named) > limit:
                expect_refused(reply, Code.TOO_MANY_SUBSCRIPTIONS, "instruments")
                return f"{made} were allowed"
            expect(reply.ok, f"{made + len(named)} subscriptions were refused: {reply.text}")
            made += len(named)
    raise AssertionError("more were asked for than are allowed")
