"""The engine's values in Redis for late joiners: the listing, book snapshots, accounts.

A reader gets `cover` and all of these in one atomic read and goes on in the feed after `cover`. Every packet up to
there is in the snapshots. Some may be ahead of it, which does no harm, since applying a change again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgpack

from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import NOTHING_SPECIAL, PLAIN_ORDER, Account, Level, OpenOrder
from openoutcry.wire.types import MarketState

SNAPSHOT_VERSION: Final = 3
VERSIONS_READ: Final = (2, SNAPSHOT_VERSION)
"""Version 2 did not have all fields of a book's state; listing and accounts are the same."""
_STATE: Final = (str, int, str, int, int, list, list, *[int] * 7, MarketState, str, *[int] * 5, str, int, list, list)
"""The types of a book state's fields, in order."""
_LEVEL: Final = (int, int, int)
_SIDES_AT: Final = 5
"""Where among them the bids are."""
_SIDES_END: Final = 7
_ORDER: Final = (int, str, str, str, str, str, int, int, int, int, int, str)
"""Those of an open order; one that is not special is stored without the last three."""
_DEFINITION: Final = (str, str, str, str, str, int, int, int)
"""The first fields of an instrument; its terms and session are maps or None."""
_PLAIN: Final = Account._fields.index("holdings")
_AMOUNT: Final = re.compile(r"-?[0-9]+\.[0-9]{6}")


class BookState(NamedTuple):
    """The value of a snapshot key: one complete instrument."""

    instrument: str
    epoch: int
    feed_id: str
    """The packet after which this was the state, `<term>-<position>`."""
    seq: int
    time: int
    """Time of the last command that changed it, µs."""
    bids: Sequence[Level]
    """[price, quantity, orders], best first."""
    asks: Sequence[Level]
    digest: int
    last: int
    """Price of the last trade in ticks; 0 if there was none, like the next four."""
    open: int
    high: int
    low: int
    volume: int
    """Lots traded since listing."""
    trade_id: int
    """Of the last trade."""
    state: MarketState
    reason: str
    state_time: int
    """Time of the command that set the state, µs; 0 as listed."""
    epoch_trade_id: int
    """The last trade before this epoch began; 0 if there was none."""
    terms_time: int = 0
    """Time of the command that set the next two, µs; 0: none did."""
    reference: int = 0
    """Price in ticks that counts until the first trade; 0: none."""
    collar_bp: int = 0
    """How far from the reference price an order's price may be, in basis points; 0: as far as it likes."""
    phase: str = ""
    """A `Phase`: of an instrument with sessions."""
    until: int = 0
    """When the phase ends at the earliest, µs; 0: not known."""
    terms: Sequence[Any] = ()
    """The other fields of its `Terms`, in order; empty: all as they begin."""
    auction: Sequence[int] = ()
    """In a call the auction's id, and its price, volume and surplus if it ended now; else empty."""


_REQUIRED: Final = BookState._fields.index("state_time")
"""Fields of a book state of version 2. What is missing of the others is as it begins."""
_WITHOUT_TERMS: Final = BookState._fields.index("terms_time")
_WITHOUT_PHASE: Final = BookState._fields.index("phase")
_WITHOUT_AUCTION: Final = BookState._fields.index("auction")


def encode_book_state(state: BookState) -> bytes:
    """Pack one snapshot; that of an instrument without sessions, or terms, ends before them, as older gateways read."""
    if state.phase or state.until or state.terms or state.auction:
        return _pack(state if state.auction else state[:_WITHOUT_AUCTION])
    return _pack(state[:_WITHOUT_PHASE] if state.terms_time else state[:_WITHOUT_TERMS])


def decode_book_state(data: bytes) -> BookState:
    """
    Unpack one snapshot.

    Raises:
        MalformedMessage: If the bytes are not a snapshot of this version.
    """
    fields = _unpack(data, "snapshot")
    with _naming("snapshot"):
        state = _book_state(fields)
        for level in (*state.bids, *state.asks):
            _check(_LEVEL, level)
        return state


class BookStateReader:
    """
    Unpacks one snapshot in parts: first the bids, then the asks, then `state`. Each may raise MalformedMessage.

    Args:
        data: What `encode_book_state` gave; copied.
    """

    def __init__(self, data: bytes) -> None:
        self._size = len(data)
        with _naming("snapshot"):
            self._unpacker = msgpack.Unpacker(max_bin_len=0, max_ext_len=0, max_buffer_size=max(1, len(data)))
            self._unpacker.feed(data)
            parts = self._unpacker.read_array_header()
            version, self._count = self._unpacker.unpack(), self._unpacker.read_array_header()
            if parts != 2 or version not in VERSIONS_READ or self._count < _SIDES_END:
                raise ValueError(f"of version {version!r}, in {parts} parts of which one has {self._count} fields")
            self._fields: list[Any] = [self._unpacker.unpack() for _ in range(_SIDES_AT)]
            self._left = self._unpacker.read_array_header()

    def read_levels(self, count: int) -> list[Level] | None:
        """Return up to `count` levels of the side that is read, best first; None, once, at its end. O(count)."""
        unpack = self._unpacker.unpack
        with _naming("snapshot"):
            if self._left:
                rows = [unpack() for _ in range(min(count, self._left))]
                self._left -= len(rows)
                for row in rows:
                    _check(_LEVEL, row)
                return rows
            self._fields.append([])
            if len(self._fields) < _SIDES_END:
                self._left = self._unpacker.read_array_header()
            return None

    def state(self) -> BookState:
        """Return the rest, in which both sides are empty, once both have been read."""
        with _naming("snapshot"):
            rest = [self._unpacker.unpack() for _ in range(self._count - _SIDES_END)]
            if self._unpacker.tell() != self._size:
                raise ValueError("there is more behind it")
            return _book_state(self._fields + rest)


def encode_listing(instruments: Sequence[Instrument]) -> bytes:
    """Pack all definitions, in order of listing."""
    return _pack(instruments)


def decode_listing(data: bytes) -> list[Instrument]:
    """
    Unpack all definitions.

    Raises:
        MalformedMessage: If the bytes are not a listing of this version.
    """
    try:
        return [_definition(row) for row in _unpack(data, "listing")]
    except (TypeError, ConfigurationError) as error:
        raise MalformedMessage(f"no listing: {error}") from error


def encode_accounts(accounts: Mapping[str, Account]) -> bytes:
    """Pack every user's account; without what is held where nothing is known of it, as older gateways read it."""
    return _pack([(user, _account_row(account)) for user, account in accounts.items()])


def decode_accounts(data: bytes) -> dict[str, Account]:
    """
    Unpack every user's account.

    Raises:
        MalformedMessage: If the bytes are not accounts of this version.
    """
    return dict(read_accounts(data))


def read_accounts(data: bytes) -> Iterator[tuple[str, Account]]:
    """Unpack every user's account, one after another; raises as `decode_accounts`, perhaps after some."""
    with _naming("accounts"):
        unpacker = msgpack.Unpacker(max_bin_len=0, max_ext_len=0, max_buffer_size=max(1, len(data)))
        unpacker.feed(data)
        parts, version = unpacker.read_array_header(), unpacker.unpack()
        if parts != 2 or version not in VERSIONS_READ:
            raise ValueError(f"of version {version!r}, in {parts} parts")
        for _ in range(unpacker.read_array_header()):
            user, row = unpacker.unpack()
            yield user, _account(user, *row)
        if unpacker.tell() != len(data):
            raise ValueError("there is more behind it")


def _book_state(fields: list[Any]) -> BookState:
    """Make a state of its fields; its levels have yet to be checked."""
    if _REQUIRED <= len(fields) < len(_STATE):
        fields += [0, 0, 0, 0, 0, "", 0, [], []][len(fields) - len(_STATE) :]
    fields[14] = MarketState(fields[14])
    _check(_STATE, fields)
    fields[-2:] = map(tuple, fields[-2:])
    return BookState._make(fields)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Have whatever a value's wrong bytes raise say what they are not."""
    try:
        yield
    except (ValueError, TypeError, IndexError, AttributeError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no {what}: {error}") from error


def _check(types: tuple[type, ...], values: Iterable[Any]) -> None:
    """Refuse a value of another type: it would break its reader later, far from the key that holds it."""
    if tuple(map(type, values)) != types:
        raise TypeError(f"a field has the wrong type: {values}")


def _definition(row: Any) -> Instrument:
    _check(_DEFINITION, row[: len(_DEFINITION)])
    for terms in row[len(_DEFINITION) :]:
        if not isinstance(terms, dict | None):
            raise TypeError(f"option terms and session are maps: {terms!r}")
    return Instrument(*row).checked()


def _account_row(account: Account) -> tuple[Any, ...]:
    orders = [order if order[PLAIN_ORDER:] != NOTHING_SPECIAL else order[:PLAIN_ORDER] for order in account.orders]
    row = account if account.holdings is not None else account[:_PLAIN]
    return row[0], orders, *row[2:]


def _account(user: Any, user_seq: Any, orders: Any, positions: Any, cash: Any, on: Any, *held: Any) -> Account:
    _check((str, int, list, dict, dict, bool), (user, user_seq, orders, positions, cash, on))
    orders = [(*order, *NOTHING_SPECIAL) if len(order) == PLAIN_ORDER else order for order in orders]
    for order in orders:
        _check(_ORDER, order)
    for symbol, lots in positions.items():
        _check((str, int), (symbol, lots))
    _check_money(cash)
    if held:
        _check_held(*held)
    return Account(user_seq, [OpenOrder._make(order) for order in orders], positions, cash, on, *held)


def _check_money(purse: Any) -> None:
    for currency, amount in purse.items():
        if not isinstance(currency, str) or not _AMOUNT.fullmatch(amount):
            raise ValueError(f"cash must be decimal text of six places by currency, not {amount!r}")


def _check_held(holdings: Any, reserved: Any, result: Any) -> None:
    _check_money(reserved)
    _check_money(result)
    for symbol, holding in holdings.items():
        _check((str, int, int, list, str), (symbol, *holding))
        if not _AMOUNT.fullmatch(holding[-1]):
            raise ValueError(f"cost must be decimal text of six places, not {holding[-1]!r}")
        for part in holding[2]:
            _check((int, int, str), part)


def _pack(content: Any) -> bytes:
    packed: bytes = msgpack.packb((SNAPSHOT_VERSION, content))
    return packed


def _unpack(data: bytes, what: str) -> list[Any]:
    try:
        version, content = msgpack.unpackb(data, max_bin_len=0, max_ext_len=0)  # we write neither; JSON has neither
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no {what}: {error}") from error
    if version not in VERSIONS_READ or not isinstance(content, list):
        read = " and ".join(map(str, VERSIONS_READ))
        raise MalformedMessage(f"{what} of version {version!r}, this program reads {read}")
    return content
