"""The queries of records, each with its members, its parameters and its readers."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, case

from openoutcry.wire.types import Side, TransferKind
from services.ledger import schema
from services.ledger.queries.member import Kind, RowMember
from services.ledger.queries.parameter import (
    CODE_PATTERN,
    FROM,
    ORDER,
    ORPHANED,
    PAGE,
    TO,
    matched,
    person,
    symbol,
    whole,
)
from services.ledger.queries.record_query import OFFICE, KeyPart, RecordQuery, either, equals, packet_time
from services.ledger.queries.viewer import Viewer

PLACE_MEMBERS: Final = (
    RowMember("history", Kind.INTEGER, "Number of the history that the record belongs to."),
    RowMember("position", Kind.INTEGER, "Position of its packet."),
    RowMember("ordinal", Kind.INTEGER, "Number of the row within the packet, from 0."),
)
_TIME: Final = RowMember("time", Kind.TIME, "Of the command that caused it.")
_INSTRUMENT: Final = RowMember("instrument", Kind.TEXT, "Symbol.")
_USER: Final = RowMember("user", Kind.TEXT, "Whose it is.")
_ACTOR: Final = RowMember("actor", Kind.TEXT, "Who did it; empty: the exchange itself.")
INSTRUMENT: Final = symbol("Rows of this instrument alone.")
USER: Final = person("user", "Rows of this user alone. Others than oneself: auditor, compliance.")
ACTOR: Final = person("actor", "Acts of this person alone.")
ORDER_ID: Final = whole("order_id", 1, 2**63 - 1, "Of this order alone.")
TIMES: Final = (FROM, TO)
TRADE_ID: Final = RowMember("trade_id", Kind.INTEGER, "Contiguous per instrument, from 1; 0: none.")

TRADES: Final = RecordQuery(
    "trades",
    "Trades. Who bought and who sold is told to auditors and compliance alone.",
    schema.trade,
    (
        *PLACE_MEMBERS,
        _TIME,
        _INSTRUMENT,
        TRADE_ID,
        RowMember("seq", Kind.INTEGER, "Of the book after it."),
        RowMember("price", Kind.PRICE, "In ticks."),
        RowMember("quantity", Kind.QUANTITY, "In lots."),
        RowMember("aggressor_side", Kind.TEXT, f"`{Side.BID}`, `{Side.ASK}`, or `none` in an auction."),
        RowMember("auction_id", Kind.INTEGER, "Of the auction that made it; 0: continuous trading."),
        RowMember("buyer", Kind.TEXT, "User.", for_readers_of_all=True),
        RowMember("seller", Kind.TEXT, "User.", for_readers_of_all=True),
        RowMember("buy_order_id", Kind.INTEGER, "Order.", for_readers_of_all=True),
        RowMember("sell_order_id", Kind.INTEGER, "Order.", for_readers_of_all=True),
    ),
    (INSTRUMENT, *TIMES, ORDER, ORPHANED, *PAGE),
    {"instrument": equals("instrument")},
)

EXECUTIONS: Final = RecordQuery(
    "executions",
    "What happened to orders.",
    schema.execution,
    (
        *PLACE_MEMBERS,
        _TIME,
        _USER,
        RowMember("user_seq", Kind.INTEGER, "Contiguous per user, over executions and transfers."),
        RowMember("event", Kind.TEXT, "What happened."),
        RowMember("order_id", Kind.INTEGER, "0: the order was rejected."),
        RowMember("client_order_id", Kind.TEXT, "As its user named it."),
        _INSTRUMENT,
        RowMember("side", Kind.TEXT, "`bid` or `ask`."),
        RowMember("kind", Kind.TEXT, "`limit` or `market`."),
        RowMember("time_in_force", Kind.TEXT, "How long it may wait."),
        RowMember("price", Kind.PRICE, "Of the order, in ticks; 0: none."),
        RowMember("quantity", Kind.QUANTITY, "Of the order, in lots."),
        RowMember("remaining", Kind.QUANTITY, "What may still trade after it; 0 ends the order."),
        RowMember("fill_price", Kind.PRICE, "0 unless the event is `filled`."),
        RowMember("fill_quantity", Kind.QUANTITY, "0 unless the event is `filled`."),
        TRADE_ID,
        RowMember("liquidity", Kind.TEXT, "`maker`, `taker`, `auction`, or empty."),
        RowMember("reason", Kind.TEXT, "Why it ended, or was rejected."),
        RowMember("trigger", Kind.PRICE, "Of a stop order that waits, in ticks; 0: none."),
        RowMember("expires_at", Kind.TIME, "When the order ends."),
        RowMember("expires_on", Kind.TEXT, "The date at whose close it ends."),
        RowMember("held_until", Kind.TIME, "Lots that were bought cannot be sold before."),
    ),
    (USER, INSTRUMENT, ORDER_ID, *TIMES, ORDER, ORPHANED, *PAGE),
    {"user": equals("user"), "instrument": equals("instrument"), "order_id": equals("order_id")},
)


def _own_half(rows: FromClause, viewer: Viewer) -> dict[str, ColumnElement[Any]]:
    """Return a transfer as its user sees it: what came, or (negative) went, numbered among its own events."""
    is_debit, is_credit = rows.c.debit == viewer.user, rows.c.credit == viewer.user
    number = case((is_debit, rows.c.debit_user_seq), (is_credit, rows.c.credit_user_seq), else_=None)
    if viewer.sees_all:
        return {"user_seq": number}
    return {"user_seq": number, "amount": case((is_debit, -rows.c.amount), else_=rows.c.amount)}


TRANSFERS: Final = RecordQuery(
    "transfers",
    "What moved without a trade. Who sees its own alone sees what came or (negative) went, and not to whom.",
    schema.transfer,
    (
        *PLACE_MEMBERS,
        _TIME,
        RowMember("transfer_id", Kind.TEXT, "As it was named."),
        RowMember("kind", Kind.TEXT, f"{', '.join(f'`{kind}`' for kind in TransferKind)}."),
        RowMember("asset", Kind.TEXT, "An instrument's symbol, or a currency."),
        RowMember("amount", Kind.AMOUNT, "Lots as a whole number, money with six decimals.", "asset"),
        RowMember("available_from", Kind.TIME, "Lots that came cannot be sold before."),
        RowMember("user_seq", Kind.INTEGER, "Number among the asking user's own events; null: it is others'."),
        RowMember("debit", Kind.TEXT, "The account that it left.", for_readers_of_all=True),
        RowMember("credit", Kind.TEXT, "The account that it came to.", for_readers_of_all=True),
        RowMember("debit_user_seq", Kind.INTEGER, "Number among that user's events.", for_readers_of_all=True),
        RowMember("credit_user_seq", Kind.INTEGER, "Number among that user's events.", for_readers_of_all=True),
        RowMember("actor", Kind.TEXT, "Who proposed it; empty: the exchange itself.", for_readers_of_all=True),
        RowMember("confirmed_by", Kind.TEXT, "Who confirmed it.", for_readers_of_all=True),
        RowMember("note", Kind.TEXT, "Why.", for_readers_of_all=True),
    ),
    (USER, symbol("Of this asset alone: a symbol, or a currency.", "asset"), *TIMES, ORDER, ORPHANED, *PAGE),
    {"user": either("debit", "credit"), "asset": equals("asset")},
    computed=_own_half,
)

REFUSALS: Final = RecordQuery(
    "refusals",
    "What was refused, and by which rule.",
    schema.refusal,
    (
        *PLACE_MEMBERS,
        _TIME,
        RowMember("user", Kind.TEXT, "Who asked."),
        RowMember("command", Kind.TEXT, "What was asked."),
        RowMember("instrument", Kind.TEXT, "Symbol; empty: none, or several."),
        RowMember("code", Kind.TEXT, "Why it was refused."),
        RowMember("text", Kind.TEXT, "The sentence that the user got."),
        RowMember("rule_id", Kind.TEXT, "The rule that refused it, also a discreet one."),
        RowMember("request", Kind.OBJECT, "The fields of what was asked."),
    ),
    (
        person("user", "Of this user alone."),
        INSTRUMENT,
        matched("code", CODE_PATTERN, "Of this code alone.", "1 to 40 of a-z and _"),
        *TIMES,
        ORDER,
        ORPHANED,
        *PAGE,
    ),
    {"user": equals("user"), "instrument": equals("instrument"), "code": equals("code")},
    OFFICE,
)

AUDIT: Final = RecordQuery(
    "audit",
    "Acts of the administration: proposed, confirmed, refused, expired.",
    schema.admin_action,
    (
        *PLACE_MEMBERS,
        _TIME,
        RowMember("act", Kind.TEXT, "`propose`, `confirm`, `withdraw`; empty: a command without a proposal."),
        _ACTOR,
        RowMember("proposal_id", Kind.TEXT, "As it was named."),
        RowMember("proposer", Kind.TEXT, "Who proposed it first."),
        RowMember("state", Kind.TEXT, "Of the proposal after it."),
        RowMember("code", Kind.TEXT, "Why it was refused; empty: it was carried out."),
        RowMember("number", Kind.INTEGER, "Of the action within its proposal, from 0."),
        RowMember("action", Kind.TEXT, "What is to be done."),
        RowMember("subject", Kind.TEXT, "What it is about, such as `user:u-417`."),
        RowMember("fields", Kind.OBJECT, "Its fields."),
    ),
    (
        ACTOR,
        matched("code", CODE_PATTERN, "Of this code alone.", "1 to 40 of a-z and _"),
        *TIMES,
        ORDER,
        ORPHANED,
        *PAGE,
    ),
    {"actor": equals("actor"), "code": equals("code")},
    OFFICE,
)


def _with_time(rows: FromClause, _viewer: Viewer) -> dict[str, ColumnElement[Any]]:
    return {"time": packet_time(rows)}


RULES: Final = RecordQuery(
    "rules",
    "The company's rules, one row each time that one was set; it holds until the next row of the same.",
    schema.rule,
    (
        *PLACE_MEMBERS,
        RowMember("time", Kind.TIME, "Since when."),
        RowMember("rule_id", Kind.TEXT, "As it was named."),
        RowMember("kind", Kind.TEXT, "What it is; empty: it was removed."),
        RowMember("discreet", Kind.FLAG, "Whether users are not told of it."),
        RowMember("fields", Kind.OBJECT, "What it says."),
        _ACTOR,
    ),
    (ACTOR, *TIMES, ORDER, ORPHANED, *PAGE),
    {"actor": equals("actor")},
    OFFICE,
    computed=_with_time,
)

CLEARANCES: Final = RecordQuery(
    "clearances",
    "Clearances, one row each time that one was given, used or revoked.",
    schema.clearance,
    (
        *PLACE_MEMBERS,
        RowMember("time", Kind.TIME, "Since when."),
        RowMember("clearance_id", Kind.TEXT, "As it was named."),
        RowMember("user", Kind.TEXT, "Who may trade by it."),
        _INSTRUMENT,
        RowMember("side", Kind.TEXT, "`bid` or `ask`."),
        RowMember("lots", Kind.QUANTITY, "How many are left; 0: it has ended."),
        RowMember("from_time", Kind.TIME, "It holds not before."),
        RowMember("until_time", Kind.TIME, "It holds before."),
        _ACTOR,
    ),
    (person("user", "Of this user alone."), ACTOR, INSTRUMENT, *TIMES, ORDER, ORPHANED, *PAGE),
    {"user": equals("user"), "actor": equals("actor"), "instrument": equals("instrument")},
    OFFICE,
    computed=_with_time,
)


ACCESS: Final = RecordQuery(
    "access",
    "Logins and requests that were refused for who asked. They are no part of the market's record.",
    schema.access,
    (
        RowMember("audit_id", Kind.TEXT, "Its id in the stream of such notes."),
        RowMember("time", Kind.TIME, "When."),
        RowMember("where", Kind.TEXT, "Who refused it."),
        RowMember("user", Kind.TEXT, "As claimed; empty: none."),
        RowMember("code", Kind.TEXT, "Why."),
        RowMember("text", Kind.TEXT, "The sentence that was told."),
    ),
    (
        person("user", "Of this user alone."),
        matched("code", CODE_PATTERN, "Of this code alone.", "1 to 40 of a-z and _"),
        *TIMES,
        ORDER,
        *PAGE,
    ),
    {"user": equals("user"), "code": equals("code")},
    OFFICE,
    # Ids are <ms>-<n>: of one length they are ordered as texts; of equal ms the shorter is the earlier.
    key=(KeyPart("time"), KeyPart("audit_id", is_length=True), KeyPart("audit_id", str)),
    is_record=False,
)

PAGED: Final = (TRADES, EXECUTIONS, TRANSFERS, REFUSALS, AUDIT, RULES, CLEARANCES, ACCESS)
EXPORTED: Final = (TRADES, EXECUTIONS, TRANSFERS, REFUSALS, AUDIT)
