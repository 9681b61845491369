"""Section "Server messages": what each says, beyond the form that every message is checked for as it comes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Delta, Heartbeat, Reply, Snapshot, Status, Terms, Ticker, Trade, Welcome
from outcry.conformance.aio.client import Client, Heard
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Failed, expect, expect_equal, expect_one_of
from outcry.conformance.trade_witness import TradeWitness

SECTION: Final = "Server messages"
CLOCK_TOLERANCE_S: Final = 60.0
"""Between the server's clock and this machine's."""
HEARTBEATS: Final = 4
HEARTBEAT_TOLERANCE: Final = 0.35
"""Share of the interval by which a heartbeat may come early or late, and a busy machine may read it."""
OPTION_TERMS: Final = {"underlying", "right", "strike", "expiry"}
SESSION_TERMS: Final = {"opens", "closes"}
ANNOUNCED_LIMITS: Final = (
    "request_bytes",
    "instruments_per_request",
    "requests_per_second",
    "requests_burst",
    "orders_per_second",
    "orders_burst",
    "connections_per_user",
    "subscriptions",
    "unsent_bytes_soft",
    "unsent_bytes_hard",
    "lag_ms",
)
"""Without these a client cannot pace itself."""


@check(SECTION)
async def welcome_says_version_and_session(trial: Trial) -> str:
    """`version` 1; `session` names the connection in the server's logs."""
    sessions = set()
    for _ in range(2):
        client = await trial.admitted()
        welcome = await client.hear(Welcome)
        expect_equal(welcome.version, 1, "version")
        expect(welcome.session, "session is empty")
        sessions.add(welcome.session)
    expect_equal(len(sessions), 2, "different sessions of two connections")
    return f"session {welcome.session}"


@check("Limits")
async def welcome_names_the_limits(trial: Trial) -> str:
    """Limits with a key are in `welcome.limits`."""
    limits = trial.venue.limits
    missing = [name for name in ANNOUNCED_LIMITS if type(limits.get(name)) is not int or limits[name] < 1]
    expect(not missing, f"welcome.limits has no whole number above 0 for {', '.join(missing)}; it is {dict(limits)}")
    return f"{len(limits)} limits"


@check("Values")
async def times_are_microseconds(trial: Trial) -> None:
    """Integer µs since 1970-01-01 UTC."""
    client = await trial.admitted()
    welcome = await client.hear(Welcome)
    reply = await client.accepted("ping")
    for what, time_us in (("welcome", welcome.server_time), ("reply to ping", reply.data.get("server_time"))):
        expect_equal(type(time_us), int, f"type of server_time in {what}")
        assert isinstance(time_us, int)
        distance = abs(time_us / 1e6 - trial.unix_now())
        expect(distance < CLOCK_TOLERANCE_S, f"server_time of {what} is {distance:.0f} s from this machine's clock")


@check(SECTION)
async def every_request_gets_exactly_one_reply(trial: Trial) -> str:
    """Exactly one for every request, `id` echoed (null if none could be read)."""
    ids: list[int | str] = [0, 1, 2**53 - 1, "", "a", "x" * 64, "Straße ✓ 𝄞", "1"]
    for encoding in Encoding:
        client = await trial.connect(encoding=encoding)
        for request_id in ids:
            await client.send_request({"op": "ping", "id": request_id})
        await client.accepted("ping", id=99)
        seen = [reply.id for reply in client.heard(Reply)]
        expect_equal(seen, [*ids, 99], f"ids echoed in {encoding.name}")
    return f"{len(ids)} kinds of id in both encodings"


@check(SECTION)
async def unreadable_id_is_echoed_as_null(trial: Trial) -> str:
    """Exactly one for every request, `id` echoed (null if none could be read)."""
    wrong: list[Any] = [-1, 2**53, 1.5, True, None, "x" * 65, [1], {}]
    for encoding in Encoding:
        client = await trial.connect(encoding=encoding)
        requests = [{"op": "ping", "id": request_id} for request_id in wrong]
        for request in [*requests, {"op": "ping"}]:
            await client.send_request(request)
            reply = await client.hear(Reply)
            expect_equal(reply.id, None, f"id in the reply to {request}")
            expect_equal((reply.ok, reply.code), (False, "bad_request"), f"reply to {request}")
            expect("id" in reply.text, f"the refusal of {request} does not name id: {reply.text}")
        await client.accepted("ping")
    return f"{len(wrong) + 1} wrong ids in both encodings"


@check(SECTION)
async def refusals_echo_the_id(trial: Trial) -> None:
    """Exactly one for every request, `id` echoed (null if none could be read)."""
    client = await trial.connect()
    for request_id in (7, "seven"):
        reply = await client.ask("order", id=request_id)
        expect_equal((reply.id, reply.ok), (request_id, False), "id and ok of a refused request's reply")


@check(SECTION, seconds=15)
async def heartbeats_come_regularly(trial: Trial) -> str:
    """Every `heartbeat_ms`."""
    client = await trial.connect()
    interval = trial.venue.welcome.heartbeat_ms / 1000
    while len(beats := _beats(client)) <= HEARTBEATS:
        await client.listen()
    mean = (beats[-1].at - beats[0].at) / (len(beats) - 1)
    tolerance = interval * HEARTBEAT_TOLERANCE
    expect(abs(mean - interval) <= tolerance, f"heartbeats came every {mean:.2f} s, wanted {interval:g} s")
    return f"every {mean * 1000:.0f} ms"


@check(SECTION, seconds=15)
async def heartbeats_name_the_last_seq_sent(trial: Trial) -> str:
    """`books` maps each followed book to the last seq *sent* on this connection."""
    client = await trial.connect()
    busy, quiet = trial.venue.busy.symbol, trial.venue.quiet.symbol
    named = list(dict.fromkeys([busy, quiet]))
    await client.accepted("subscribe", channel="book", instruments=named)
    await client.accepted("subscribe", channel="ticker", instruments=["*"])
    while len(_beats(client)) <= HEARTBEATS:
        await client.listen()
    checked = _check_heartbeats(client.log, set(named))
    await client.accepted("unsubscribe", channel="book", instruments=named)
    client.forget()
    beat = await client.hear(Heartbeat)
    expect_equal(dict(beat.books), {}, "books in a heartbeat after unsubscribing")
    return f"{checked} heartbeats"


@check(SECTION)
async def instruments_are_defined(trial: Trial) -> str:
    """Sent in answer to `instruments` and to everyone when a new one is listed."""
    client = await trial.connect()
    reply = await client.accepted("instruments")
    count = reply.data.get("count")
    expect_equal(type(count), int, "type of count in the reply's data")
    definitions = [await client.hear(Instrument) for _ in range(int(reply.data["count"]))]
    expect_equal(len({each.symbol for each in definitions}), count, "different symbols")
    for each in definitions:
        expect_one_of(each.kind, ["share", "option", "internal"], f"kind of {each.symbol}")
        expect((each.kind == "option") == (each.option is not None), f"{each.symbol}: option terms do not fit its kind")
        terms = set(each.option or OPTION_TERMS) | set(each.session or SESSION_TERMS)
        expect_equal(terms, OPTION_TERMS | SESSION_TERMS, f"terms of {each.symbol}")
    return f"{count} instruments"


@check(SECTION)
async def terms_follow_the_definitions(trial: Trial) -> str:
    """It comes after the definitions in answer to `instruments`, for each instrument that has some."""
    client = await trial.connect()
    reply = await client.accepted("instruments")
    await client.accepted("ping")
    kinds = [type(each.message) for each in client.after(reply) if isinstance(each.message, Instrument | Terms)]
    count = int(reply.data["count"])
    expect_equal(kinds[:count], [Instrument] * count, "what comes first")
    terms = {each.instrument: each for each in client.heard(Terms)}
    expect(set(terms) <= {each.symbol for each in client.heard(Instrument)}, "terms of what is not listed")
    for each in terms.values():
        expect(each.time > 0, f"the terms of {each.instrument} were never set")
    return f"terms of {len(terms)} instruments"


@check(SECTION)
async def statuses_name_known_states(trial: Trial) -> str:
    """Of an instrument: `open`, `halted`, `closed`, `auction`."""
    client = await trial.connect()
    await client.accepted("subscribe", channel="status", instruments=["*"])
    states = {}
    for _ in trial.venue.listing:
        status = await client.hear(Status, lambda status: status.instrument is not None)
        expect_one_of(status.state, ["open", "halted", "closed", "auction"], f"state of {status.instrument}")
        states[status.instrument] = status.state
    expect_equal(set(states), {each.symbol for each in trial.venue.listing}, "instruments with a status")
    return ", ".join(sorted(set(states.values())))


@check(SECTION)
async def tickers_agree_with_the_book(trial: Trial) -> str:
    """Whole, each time any of it changes."""
    client = await trial.connect()
    symbol = trial.venue.busy.symbol
    witness = await trial.follow(client, symbol)
    await client.accepted("subscribe", channel="ticker", instruments=[symbol])
    tops = {witness.book.seq: _best(witness.levels(1))}
    tickers: dict[int, Ticker] = {}
    while len(tops.keys() & tickers.keys()) < 5:
        message = await client.hear_where(lambda found: isinstance(found, Snapshot | Delta | Ticker), "a ticker")
        if isinstance(message, Ticker):
            tickers[message.seq] = message
        else:
            assert isinstance(message, Snapshot | Delta)
            witness.hear(message)
            tops[message.seq] = _best(witness.levels(1))
    for seq in tops.keys() & tickers.keys():
        expect_equal(tuple(tickers[seq][3:7]), tops[seq], f"bid and ask of the ticker at seq {seq}")
    shown = [tuple(ticker[3:]) for ticker in tickers.values()]
    expect(all(before != after for before, after in pairwise(shown)), "a ticker came without any change")
    return f"{len(tickers)} tickers"


@check(SECTION, seconds=15)
async def trade_ids_are_contiguous(trial: Trial) -> str:
    """`trade_id` is contiguous per instrument, from 1."""
    client = await trial.connect()
    await client.accepted("subscribe", channel="trades", instruments=["*"])
    symbol = trial.venue.busy.symbol
    for _ in range(3):
        await client.hear(Trade, lambda trade: trade.instrument == symbol, f"a trade of {symbol}")
    await client.accepted("ping")
    witness = TradeWitness()
    for trade in client.heard(Trade):
        witness.hear(trade)
    expect(not witness.repeated, f"{witness.repeated} trades were sent twice")
    return f"{len(client.heard(Trade))} trades of {len(witness.last)} instruments"


def _best(levels: tuple[list[tuple[int, int]], list[tuple[int, int]]]) -> tuple[int, int, int, int]:
    bids, asks = levels
    return (*(bids[0] if bids else (0, 0)), *(asks[0] if asks else (0, 0)))


def _beats(client: Client) -> list[Heard]:
    return [each for each in client.log if isinstance(each.message, Heartbeat)]


def _check_heartbeats(log: list[Heard], books: set[str]) -> int:
    """Compare each heartbeat with what came before it; the first may be on its way while books are joined."""
    sent: dict[str, int] = {}
    checked = 0
    for heard in log:
        message = heard.message
        if isinstance(message, Snapshot | Delta):
            sent[message.instrument] = message.seq
        elif isinstance(message, Heartbeat) and sent:
            checked += 1
            expect_equal(set(message.books), books, "books in a heartbeat")
            above = {name: seq for name, seq in message.books.items() if seq > sent[name]}
            expect(not above, f"a heartbeat names {above}, sent was {sent}")
            if checked > 1:
                expect_equal(dict(message.books), sent, "seqs in a heartbeat")
    if checked < 2:
        raise Failed("too few heartbeats came after the books were joined")
    return checked
