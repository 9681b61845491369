"""Section "Tokens": their form, whose they must be, and how long a session lasts."""

from __future__ import annotations

import asyncio
from typing import Final

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import SUBPROTOCOLS
from openoutcry.wire.messages import Snapshot, Welcome
from openoutcry.wire.types import Code
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_ok, expect_refused
from outcry.conformance.users import claiming, critical, forged, mint

SECTION: Final = "Tokens"
END_GRACE_S: Final = 1.5
"""How much later than its token a session may end here: a server may look once a second."""


@check(SECTION, users=2)
async def login_of_another_user_is_refused(trial: Trial) -> None:
    """A token of another user is refused as `already_authenticated`."""
    client = await trial.connect()
    expect_refused(await client.ask("login", token=trial.users[1].token), Code.ALREADY_AUTHENTICATED)
    await client.accepted("ping")


@check(SECTION)
async def wrong_token_takes_nothing_from_a_session(trial: Trial) -> None:
    """A wrong one is refused as `not_authenticated`, and the session goes on as it was."""
    client = await trial.connect()
    for token in ("nonsense", forged(trial.users[0].name, trial.unix_now() + 3600)):
        expect_refused(await client.ask("login", token=token), Code.NOT_AUTHENTICATED)
    await client.accepted("ping")


@check(SECTION)
async def login_extends_the_session(trial: Trial) -> str:
    """A `login` before that, with a newer token of the same user, extends the session."""
    name, secret, now = trial.users[0].name, trial.secret(), trial.unix_now()
    client = await trial.stranger()
    expect_ok(await client.ask("login", token=mint(name, secret, now + 3)))
    await client.hear(Welcome)
    reply = await client.ask("login", token=mint(name, secret, now + 3600))
    expect_ok(reply)
    expect_equal(reply.data.get("expires_at"), int(now + 3600) * 1_000_000, "`expires_at` in the reply")
    await asyncio.sleep(max(0.0, now + 4.5 - trial.unix_now()))
    await client.accepted("ping")
    return "it outlived its first token"


@check(SECTION)
async def session_ends_with_its_token(trial: Trial) -> str:
    """At `exp` come `goodbye` and a close with 4505, and nothing that would have come later."""
    name, secret = trial.users[0].name, trial.secret()
    client = await trial.stranger()
    exp = int(trial.unix_now()) + 2
    expect_ok(await client.ask("login", token=mint(name, secret, exp)))
    await client.hear(Welcome)
    goodbye, ending = await client.sent_away()
    late = trial.unix_now() - exp
    expect_equal(goodbye.code, CloseCode.TOKEN_EXPIRED, "code of the goodbye")
    expect_equal(ending.code, CloseCode.TOKEN_EXPIRED, "close code")
    expect(-0.5 <= late <= END_GRACE_S, f"the close came {late:.1f} s after exp")
    return f"{late * 1000:,.0f} ms after exp"


@check(SECTION)
async def clocks_may_differ(trial: Trial) -> str:
    """Clocks may differ by 5 s: `nbf` and `iat` may be so far ahead."""
    name, secret, now = trial.users[0].name, trial.secret(), trial.unix_now()
    for claim in ("nbf", "iat"):
        for ahead, status in ((3, 101), (60, 401)):
            token = claiming(secret, sub=name, exp=int(now + 3600), **{claim: int(now + ahead)})
            wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
            expect_equal(wire.status, status, f"HTTP status of {claim} {ahead} s ahead")
    return "3 s taken, 60 s refused"


@check(SECTION)
async def claims_are_of_the_right_form(trial: Trial) -> str:
    """`exp`, `nbf` and `iat` are whole numbers of seconds since 1970, as integers or whole floats."""
    name, secret, until = trial.users[0].name, trial.secret(), int(trial.unix_now() + 3600)
    good = claiming(secret, sub=name, exp=float(until))
    wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {good}"})
    expect_equal(wire.status, 101, "HTTP status of an exp that is a whole float")
    wrong: list[dict[str, object]] = [
        {"exp": str(until)},
        {"exp": until + 0.5},
        {"exp": True},
        {"iat": "1"},
        {"sub": 7},
    ]
    for claims in wrong:
        token = claiming(secret, **{"sub": name, "exp": until, **claims})
        wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
        expect_equal(wire.status, 401, f"HTTP status of {claims}")
    return f"{len(wrong)} wrong"


@check(SECTION)
async def roles_and_groups_are_lists_of_texts(trial: Trial) -> str:
    """A token may name `roles` and `groups`, each a list of at most 256 texts, each of 1 to 256 printable letters."""
    name, secret, until = trial.users[0].name, trial.secret(), int(trial.unix_now() + 3600)
    lists: list[tuple[object, int]] = [
        ([], 101), (["trader", "head of desk"], 101), ("trader", 401), ([7], 401), ([""], 401), (["a" * 257], 401),
        (["a"] * 257, 401), (None, 401),
    ]  # fmt: skip
    for claim in ("roles", "groups"):
        for value, status in lists:
            token = claiming(secret, sub=name, exp=until, **{claim: value})
            wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
            expect_equal(wire.status, status, f"HTTP status of {claim} {str(value)[:40]}")
    return f"{2 * sum(status == 401 for _, status in lists)} wrong"


async def _claimed(trial: Trial, **claims: object) -> Client:
    client = await trial.stranger()
    name, until = trial.users[0].name, int(trial.unix_now() + 3600)
    expect_ok(await client.ask("login", token=claiming(trial.secret(), sub=name, exp=until, **claims)))
    return client


@check(SECTION)
async def orders_need_a_role(trial: Trial) -> None:
    """Whose token names roles, and neither of these, is refused as `not_permitted`."""
    client = await _claimed(trial, roles=["viewer", "auditor"])
    order = {"instrument": trial.venue.quiet.symbol, "side": "bid", "price": 1, "quantity": 1}
    reply = await client.ask("order", client_order_id="role-1", **order)
    expect_refused(reply, Code.NOT_PERMITTED)
    expect("viewer" in reply.text, f"the text names no role: {reply.text!r}")
    expect_refused(await client.ask("replace", order_id=1, price=1), Code.NOT_PERMITTED)
    expect_refused(await client.ask("cancel", client_order_id="role-1"), Code.UNKNOWN_ORDER)


@check(SECTION)
async def others_instruments_are_unknown(trial: Trial) -> None:
    """Whatever is named beyond them is answered as if it were not listed."""
    symbol = trial.venue.quiet.symbol
    client = await _claimed(trial, instruments=["NO-SUCH-*"])
    for channel in ("book", "top", "ticker", "trades", "status"):
        expect_refused(await client.ask("subscribe", channel=channel, instruments=[symbol]), Code.UNKNOWN_INSTRUMENT)
    order = {"instrument": symbol, "side": "bid", "price": 1, "quantity": 1}
    expect_refused(await client.ask("order", client_order_id="scope-1", **order), Code.UNKNOWN_INSTRUMENT)
    expect_equal((await client.accepted("instruments")).data, {"count": 0}, "data of the listing's reply")


@check(SECTION)
async def all_instruments_are_those_of_the_token(trial: Trial) -> None:
    """A subscription to all instruments is one to all of those, later listed ones included."""
    symbol = trial.venue.quiet.symbol
    client = await _claimed(trial, instruments=[symbol])
    await client.accepted("subscribe", channel="book")
    snapshot = await client.hear(Snapshot)
    expect_equal(snapshot.instrument, symbol, "instrument of the snapshot")
    await client.accepted("ping")
    others = {each.instrument for each in client.heard(Snapshot)} - {symbol}
    expect_equal(others, set(), "others' books")


@check(SECTION)
async def critical_header_is_refused(trial: Trial) -> None:
    """A token with a critical header (`crit`) is refused."""
    token = critical(trial.users[0].name, trial.secret(), trial.unix_now() + 3600)
    wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
    expect_equal(wire.status, 401, "HTTP status")
    client = await trial.stranger()
    expect_refused(await client.ask("login", token=token), Code.NOT_AUTHENTICATED)
    goodbye, ending = await client.sent_away()
    expect_equal(goodbye.code, CloseCode.NOT_AUTHENTICATED, "code of the goodbye")
    expect_equal(ending.code, CloseCode.NOT_AUTHENTICATED, "close code")
