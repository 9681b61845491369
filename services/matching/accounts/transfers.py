"""Transfers: the form of one, and which have been made.

Owns the rules of each kind: between which accounts it goes, and of what. Whether the balances allow it is asked of
`Accounting`. Bounded by TRANSFER_IDS_MAX.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from typing import Final
from zlib import crc32

import msgpack

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, Code, TransferKind
from services.matching.life import Life
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.market_commands import NOTE_MAX, MakeTransfer
from shared.token_claims import USER

TRANSFER_IDS_MAX: Final = 32_768
"""Transfers remembered, so that none is made twice; the oldest is forgotten first."""
SYSTEM_ACCOUNTS: Final = (BANK, ISSUER)
TRANSFER_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,36}")
FREE_TEXT: Final = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{0,{NOTE_MAX}}}")
"""No control characters and no halves of characters: databases and people cannot read them."""
_FROM: Final = {TransferKind.DEPOSIT: BANK, TransferKind.GRANT: ISSUER}
_TO: Final = {TransferKind.WITHDRAWAL: BANK, TransferKind.FORFEIT: ISSUER}
_OF_MONEY: Final = (TransferKind.DEPOSIT, TransferKind.WITHDRAWAL)
_OWN: Final = (TransferKind.EXERCISE, TransferKind.EXPIRY)


class TransferIds:
    """The transfers made last, so that one sent again is not made again."""

    __slots__ = ("_checksums",)

    def __init__(self, rows: Iterable[tuple[str, int]] = ()) -> None:
        self._checksums = dict(rows)

    def rows(self) -> list[tuple[str, int]]:
        """Return (id, checksum), the oldest first; what the constructor takes."""
        return list(self._checksums.items())

    def repeated(self, command: MakeTransfer) -> Refusal | None:
        """Return how a transfer whose id is remembered ends, OK if it is the same one; None: its id is new."""
        known = self._checksums.get(command.transfer_id)
        if known is None:
            return None
        if known == _checksum(command):
            return Refusal(Code.OK, "")
        rule = f"transfer_id: {command.transfer_id} was used before, for another transfer"
        return Refusal(Code.DUPLICATE_TRANSFER, rule)

    def remember(self, command: MakeTransfer) -> None:
        """Remember a transfer that was made; O(1)."""
        self._checksums[command.transfer_id] = _checksum(command)
        if len(self._checksums) > TRANSFER_IDS_MAX:
            del self._checksums[next(iter(self._checksums))]


def transfer_fault(  # noqa: PLR0911 - one a rule
    command: MakeTransfer, instruments: Mapping[str, TradedInstrument], currencies: Container[str]
) -> str | None:
    """Return what is wrong with a transfer's own fields, or None; `currencies` of what is listed. O(1)."""
    kind, asset = command.kind, command.asset
    if not TRANSFER_ID.fullmatch(command.transfer_id):
        return "transfer_id: is 1 to 36 letters, digits and . _ : -"
    if kind in _OWN:
        return f"kind: {kind} is the exchange's own"
    is_lots = asset in instruments
    if not is_lots and asset not in currencies:
        return f"asset: {asset} is neither listed nor the currency of what is"
    if is_lots and instruments[asset].life in (Life.SETTLING, Life.OVER):
        return f"asset: {asset} has expired"
    if kind is not TransferKind.CORRECTION and is_lots is (kind in _OF_MONEY):
        return f"asset: a {kind} is of {'money' if is_lots else 'lots'}, and {asset} is not"
    if not FREE_TEXT.fullmatch(command.note):
        return f"note: is at most {NOTE_MAX} characters, none of them a control character"
    return _accounts_fault(command) or _date_fault(command, is_lots=is_lots)


def asset_clash(definition: Instrument, instruments: Mapping[str, TradedInstrument]) -> str | None:
    """Return why an instrument would make two assets of one name beside those listed, or None; O(instruments)."""
    symbol, currency = definition.symbol, definition.currency
    if currency == symbol or currency in instruments:
        return f"instrument: {symbol}'s currency {currency} is an instrument here, and would be two assets of one name"
    if any(market.instrument.currency == symbol for market in instruments.values()):
        return f"instrument: {symbol} is a currency here, and would be two assets of one name"
    return None


def _accounts_fault(command: MakeTransfer) -> str | None:
    kind = command.kind
    allowed = SYSTEM_ACCOUNTS if kind is TransferKind.CORRECTION else ()
    for field, user, system in (("debit", command.debit, _FROM.get(kind)), ("credit", command.credit, _TO.get(kind))):
        if system is not None and user != system:
            return f"{field}: of a {kind} it is {system}, not {user}"
        if system is None and user not in allowed and not USER.fullmatch(user):
            return f"{field}: {user!r} cannot be a user's name"
    if command.debit == command.credit:
        return f"credit: is {command.debit}, which is debited"
    return None


def _date_fault(command: MakeTransfer, *, is_lots: bool) -> str | None:
    if command.available_from < 0:
        return f"available_from: is a time in µs, not {command.available_from}"
    if command.available_from and (not is_lots or command.credit in SYSTEM_ACCOUNTS):
        return "available_from: only lots of a user are held back"
    return None


def _checksum(command: MakeTransfer) -> int:
    """Of what is transferred; not of who appended the command."""
    return crc32(msgpack.packb(command[3:]))
