"""A file of transfers: CSV with a line for each, as an administrator has it from the payroll.

Owns its form. A transfer's id is made of the file's name and the line, so that sending the file again is harmless. All
faults are told with their lines, and nothing of a file with one is used.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import Any, Final

from openoutcry.wire.errors import ConfigurationError
from outcry.administration.market_file import FAULTS_MAX, money
from services.gateway.office_actions import read_proposed

LINES_MAX: Final = 20_000
"""Transfers of one file; more than that the exchange would not remember."""
COLUMNS: Final = ("user", "kind", "asset", "amount")
OPTIONAL: Final = ("available_from", "note")
KINDS: Final = ("deposit", "withdrawal", "grant", "forfeit")
STEM: Final = re.compile(r"[A-Za-z0-9._-]{1,24}")


def read_transfers(text: str, name: str) -> list[dict[str, Any]]:
    """
    Read a file of transfers.

    Args:
        text: Its content; the first line names the columns: COLUMNS and any of OPTIONAL, in any order.
        name: The file's name, without folders.

    Raises:
        ConfigurationError: A line for each fault, `name:line: field: rule`.
    """
    stem = name.rsplit(".", 1)[0]
    if not STEM.fullmatch(stem):
        raise ConfigurationError(f"{name}: its name without the end must be 1 to 24 letters, digits and . _ -")
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = tuple(rows.fieldnames or ())
    unknown = [column for column in columns if column not in (*COLUMNS, *OPTIONAL)]
    missing = [column for column in COLUMNS if column not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        needs = f"its columns are {', '.join(COLUMNS)}, and perhaps {' and '.join(OPTIONAL)}"
        raise ConfigurationError(f"{name}:1: {needs}; not {', '.join(columns) or 'none'}")
    actions: list[dict[str, Any]] = []
    faults: list[str] = []
    try:
        for row in rows:
            try:
                actions.append(_transfer(row, f"{stem}-{rows.line_num}"))
            except ValueError as error:
                faults.append(f"{name}:{rows.line_num}: {error}")
    except csv.Error as error:
        faults.append(f"{name}:{rows.line_num}: {error}")
    if len(actions) > LINES_MAX:
        faults.append(f"{name}: has {len(actions):,} transfers, the limit is {LINES_MAX:,}")
    if faults:
        more = [f"{name}: and {len(faults) - FAULTS_MAX} faults more"] if len(faults) > FAULTS_MAX else []
        raise ConfigurationError("\n".join([*faults[:FAULTS_MAX], *more]))
    return actions


def _transfer(row: dict[str, Any], transfer_id: str) -> dict[str, Any]:
    if None in row or None in row.values():
        raise ValueError("has another number of fields than the first line")
    kind, user = row["kind"], row["user"]
    if kind not in KINDS:
        raise ValueError(f"kind: must be one of {', '.join(KINDS)}, not {kind!r}")
    is_money = kind in {"deposit", "withdrawal"}
    action = transfer_action(transfer_id, kind, row["asset"], user, amount_of(row["amount"], is_money=is_money))
    if row.get("available_from"):
        action["available_from"] = moment(row["available_from"])
    if row.get("note"):
        action["note"] = row["note"]
    try:
        read_proposed([action])
    except ValueError as error:
        raise ValueError(_USER_FIELD.sub("user: ", str(error).removeprefix("actions.0."))) from error
    return action


_USER_FIELD: Final = re.compile("^(debit|credit): ")


def transfer_action(transfer_id: str, kind: str, asset: str, user: str, amount: int) -> dict[str, Any]:
    """Return a transfer between a user and the system account that its kind asks for."""
    system = "~bank" if kind in {"deposit", "withdrawal"} else "~issuer"
    debit, credit = (system, user) if kind in {"deposit", "grant"} else (user, system)
    head = {"action": "make_transfer", "transfer_id": transfer_id, "kind": kind, "asset": asset}
    return {**head, "debit": debit, "credit": credit, "amount": amount}


def amount_of(text: str, *, is_money: bool) -> int:
    """
    Return an amount in millionths, or in lots.

    Raises:
        ValueError: If it is none.
    """
    if is_money:
        try:
            return money(text)
        except ValueError as error:
            raise ValueError(f"amount: {error}") from None
    if not (text.isascii() and text.isdigit()) or not int(text):
        raise ValueError(f"amount: must be a whole number of lots from 1, not {text!r}")
    return int(text)


def moment(text: str) -> int:
    """
    Return a date or a time with its zone in µs; a date is its beginning, UTC.

    Raises:
        ValueError: If it is none.
    """
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        rule = f"must be a date such as 2027-01-14, or a time with its zone, not {text!r}"
        raise ValueError(f"available_from: {rule}") from None
    if len(text) == len("2027-01-14"):
        found = found.replace(tzinfo=dt.UTC)
    if found.tzinfo is None:
        raise ValueError(f"available_from: a time names its zone, such as 2027-01-14T08:00+01:00, not {text!r}")
    return int((found - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))
