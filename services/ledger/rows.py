"""From a packet, and the commands that it answers, to the rows of every table.

Pure: the same packets always give the same rows, however they are gathered into transactions. Rows are plain tuples in
the order of the table's columns, gathered by table until they are written.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from openoutcry.wire.account import millionths
from services.ledger.acts import Carried, DoneProposals, action_rows, acts_of, carried_out
from services.ledger.asked_commands import PLAIN_KINDS, AskedCommand, AskedCommands, commands_of, kind_name
from services.ledger.record_json import fields_json, plain_json, to_json
from services.ledger.trading_days import TradingDays
from shared.logs.commands import Command
from shared.logs.events import PairsRefused, PrivateExecution, PrivateTransfer
from shared.logs.feed_entry import FeedEntry
from shared.logs.mass_quote import MassQuote
from shared.logs.packet import Packet

Row: TypeAlias = tuple[Any, ...]
NO_SIDE: Final = "none"
PAIR_REFUSED: Final = "pair_refused"
"""The code of a quote's pair that was refused: the feed has its sentence alone."""
_NOT_TERMS: Final = frozenset({"instrument", "time"})
_FILLED: Final = "filled"
_BID: Final = "bid"


class Memory:
    """
    What rows need of the packets before. It is found again in the database, so a new start makes the same rows.

    Args:
        phases: Symbol to the phase that it is in.
        done: The proposals carried out last.
        days: The calendars.
    """

    def __init__(
        self,
        phases: dict[str, str] | None = None,
        done: DoneProposals | None = None,
        days: TradingDays | None = None,
    ) -> None:
        self.phases = phases if phases is not None else {}
        self.done = done or DoneProposals()
        self.days = days or TradingDays()


class Rows:
    """
    Rows of one transaction, by table.

    Args:
        history: The ledger's number of the history that the packets are of.
        memory: Of the packets before.
    """

    def __init__(self, history: int, memory: Memory) -> None:
        self.by_table: defaultdict[str, list[Row]] = defaultdict(list)
        """In the order of the feed."""
        self.commands = 0
        self.events = 0
        """Executions, trades, transfers and outcomes in them."""
        self.packets = 0
        self.closes: list[tuple[int, str]] = []
        """Position and trading day of each close; balances are kept as they are there."""
        self._history = history
        self._memory = memory

    def add(self, entry: FeedEntry, asked: AskedCommands) -> None:
        """
        Add a packet.

        Args:
            entry: As it stands in the feed.
            asked: The commands that it answers, at least.
        """
        packet = entry.packet
        history, position = self._history, packet.position
        made: list[tuple[str, list[Row]]] = []
        made.append(("packet", [(
            history, position, packet.prev, entry.feed_id.term, packet.log_id, packet.time, entry.published_us,
            position - packet.prev, hashlib.sha256(entry.data).digest(),
        )]))  # fmt: skip
        if packet.executions:
            # No call of Python's own for a row: executions are most of what there is.
            made.append(("execution", [
                (history, position, ordinal, user, *execution)
                for ordinal, (user, execution) in enumerate(packet.executions)
            ]))  # fmt: skip
        if packet.changes:
            marks = [(history, position, change[0], change[2], change[5]) for change in packet.changes]
            made.append(("book_mark", marks))
        for table, rows in self._rare(packet, asked):
            if rows:
                made.append((table, [(history, position, ordinal, *row) for ordinal, row in enumerate(rows)]))
        # All or nothing of a packet: what is wrong with one has been found by now.
        for table, rows in made:
            self.by_table[table] += rows
        self.packets += 1
        self.commands += position - packet.prev
        self.events += len(packet.outcomes) + len(packet.executions) + len(packet.trades) + len(packet.transfers)

    def _rare(self, packet: Packet, asked: AskedCommands) -> Iterator[tuple[str, list[Row]]]:
        """Yield tables and their rows without history, position and ordinal."""
        ended = auctions_ended(packet, self._memory.phases)
        yield "trade", trade_rows(packet, {row[0]: row[1] for row in ended})
        yield "auction", ended
        acts = acts_of(packet, asked, self._memory.done)
        carried = carried_out(acts)
        yield "transfer", transfer_rows(packet, carried)
        yield "refusal", refusal_rows(packet, asked)
        yield "admin_action", action_rows(acts)
        yield "rule", carried.rules
        yield "clearance", carried.clearances
        yield "user_group", carried.groups
        yield "instrument", [(each.symbol, to_json(each)) for each in packet.listings]
        yield "terms", [(*each[:2], fields_json(each, _NOT_TERMS)) for each in packet.terms]
        yield (
            "status_change",
            [(each[0], str(each[1]), each[2], each[3], str(each[4]), each[5]) for each in packet.statuses],
        )
        for terms in packet.terms:
            self._memory.days.follow(terms.instrument, terms.calendar)
        for calendar, steps in carried.schedules:
            self._memory.days.plan(calendar, steps)
        self.closes += [(packet.position, day) for day in self._memory.days.closed(packet)]
        for status in packet.statuses:
            self._memory.phases[status.instrument or ""] = str(status.phase)


def auctions_ended(packet: Packet, phases: dict[str, str]) -> list[Row]:
    """
    Return the calls that ended in a packet; rows of `auction` from its instrument on.

    The feed tells that a call has ended; what it came to are its trades, at one price. Of a call that ended and was
    followed by another one within one packet, only its trades tell.

    Args:
        packet: Any.
        phases: Before it, by symbol: what the call was.
    """
    if not packet.auctions and not (packet.trades and any(trade[6] == NO_SIDE for trade in packet.trades)):
        return []
    price, volume = dict[str, int](), defaultdict[str, int](int)
    for trade in packet.trades:
        if trade[6] == NO_SIDE:
            price[trade[0]] = trade[4]
            volume[trade[0]] += trade[5]
    rows: dict[str, Row] = {}
    for auction in packet.auctions:
        symbol, ended = auction.instrument, not auction.kind
        if ended or symbol in price:
            number = auction.auction_id if ended else auction.auction_id - 1
            kind = phases.get(symbol, "")
            rows[symbol] = (symbol, number, kind, auction.time, price.pop(symbol, 0), volume[symbol], 0)
    for symbol, found in price.items():  # it ended and began anew, and comes to the same again: nothing was told
        rows[symbol] = (symbol, 0, phases.get(symbol, ""), packet.time, found, volume[symbol], 0)
    return list(rows.values())


def trade_rows(packet: Packet, auctions: dict[str, int]) -> list[Row]:
    """
    Return the trades with both their sides, which the fills of the same packet name; rows from the instrument on.

    Args:
        packet: Any.
        auctions: By symbol the id of the call that ended in it.
    """
    if not packet.trades:
        return []
    buyers, sellers = sides_of_trades(packet.executions)
    nobody = ("", 0)
    rows: list[Row] = []
    for symbol, seq, trade_id, time, price, quantity, aggressor in packet.trades:
        buyer, buy_order = buyers.get((symbol, trade_id), nobody)
        seller, sell_order = sellers.get((symbol, trade_id), nobody)
        auction = auctions.get(symbol, 0) if aggressor == NO_SIDE else 0
        rows.append((
            symbol, trade_id, seq, time, price, quantity, aggressor, auction, buyer, seller, buy_order, sell_order,
        ))  # fmt: skip
    return rows


def sides_of_trades(
    executions: Sequence[PrivateExecution],
) -> tuple[dict[tuple[str, int], tuple[str, int]], dict[tuple[str, int], tuple[str, int]]]:
    """Return who bought and who sold, and by which order, by symbol and trade id."""
    fills = [(user, execution) for user, execution in executions if execution[1] == _FILLED]
    buyers = {(fill[5], fill[14]): (user, fill[3]) for user, fill in fills if fill[6] == _BID}
    sellers = {(fill[5], fill[14]): (user, fill[3]) for user, fill in fills if fill[6] != _BID}
    return buyers, sellers


def transfer_rows(packet: Packet, carried: Carried) -> list[Row]:
    """Return one row for the two halves of each transfer, with who asked for it; rows from the time on."""
    rows: list[Row] = []
    waiting: dict[tuple[str, str], list[PrivateTransfer]] = defaultdict(list)
    for half in packet.transfers:
        transfer = half.transfer
        others = waiting[transfer.transfer_id, transfer.asset]
        amount = amount_of(transfer.amount)
        other = next((each for each in others if amount_of(each.transfer.amount) == -amount), None)
        if other is None:
            others.append(half)
            continue
        others.remove(other)
        debit, credit = (other, half) if amount > 0 else (half, other)
        came = credit.transfer
        rows.append((
            came.time, came.transfer_id, str(came.kind), came.asset, debit.user, credit.user, abs(amount),
            debit.transfer.user_seq, came.user_seq, came.available_from,
            *carried.transfers.get(came.transfer_id, ("", "", "")),
        ))  # fmt: skip
    left = [half for halves in waiting.values() for half in halves]
    if left:
        raise ValueError(f"transfer {left[0].transfer.transfer_id} of {left[0].user} has one half")
    return rows


def amount_of(text: str) -> int:
    """Return an amount of a transfer as a whole number: lots, or (with a point) millionths."""
    return millionths(text) if "." in text else int(text)


class _Refused(NamedTuple):
    place: int
    """Among the packet's outcomes."""
    code: str
    text: str
    asked: AskedCommand


def refusal_rows(packet: Packet, asked: AskedCommands) -> list[Row]:
    """
    Return what was refused, and of whom and what was asked; rows from the time on.

    Raises:
        ValueError: If the command of a refusal is not among those asked.
        MalformedMessage: If it is none.
    """
    refused = [
        _Refused(place, outcome[2], outcome[3], _found(asked, outcome[0], outcome[1]))
        for place, outcome in enumerate(packet.outcomes)
        if outcome[2]
    ]
    if not refused and not packet.pair_refusals:
        return []
    rules = {each.position: each.rule_id for each in packet.rule_refusals}
    quotes = {(each.source, each.number) for each in packet.pair_refusals}
    rows: list[tuple[int, Row]] = []
    for place, code, text, found in refused:
        rule_id = rules.get(packet.prev + 1 + place, "") if rules else ""
        row = found.row
        plain = PLAIN_KINDS.get(row[0])
        if plain is not None:
            instrument = (row[plain.instrument] or "") if plain.instrument else ""
            request = plain_json(plain.fields, row[plain.user + 1 :])
            told: Row = (found.time, row[plain.user], plain.name, instrument, code, text, rule_id, request)
        elif (row[1], row[2]) in quotes:
            continue  # its pairs are told one by one
        else:
            (command,) = commands_of([found])
            name = kind_name(type(command))
            told = (found.time, _who(command), name, _instrument(command), code, text, rule_id, fields_json(command))
        rows.append((place, told))
    rows += _pair_rows(packet, asked)
    rows.sort(key=lambda row: row[0])
    return [row for _, row in rows]


def _pair_rows(packet: Packet, asked: AskedCommands) -> list[tuple[int, Row]]:
    if not packet.pair_refusals:
        return []
    places = {(outcome[0], outcome[1]): place for place, outcome in enumerate(packet.outcomes)}
    rules = {(each.position, each.instrument): each.rule_id for each in packet.rule_refusals}
    rows: list[tuple[int, Row]] = []
    for refusals in packet.pair_refusals:
        found = _found(asked, refusals.source, refusals.number)
        (command,) = commands_of([found])
        place = places.get((refusals.source, refusals.number), 0)
        if isinstance(command, MassQuote):
            code = packet.outcomes[place].code or PAIR_REFUSED
            rows += [
                (place, (*row[:6], rules.get((packet.prev + 1 + place, row[3]), ""), row[6]))
                for row in _quoted(command, refusals, found.time, code)
            ]
    return rows


def _quoted(command: MassQuote, refusals: PairsRefused, time: int, code: str) -> list[Row]:
    rows: list[Row] = []
    for number, text in refusals.refused:
        pair = command.pairs[number]
        request = to_json({"quote_id": command.quote_id, "pair": pair, "number": number})
        rows.append((time, command.user, kind_name(type(command)), pair.instrument, code, text, request))
    return rows


def _found(asked: AskedCommands, source: str, number: int) -> AskedCommand:
    found = asked.find(source, number)
    if found is None:
        raise ValueError(f"command {number} of {source} was refused and is not in the log")
    return found


def _who(command: Any) -> str:
    user: str = getattr(command, "actor", "") or getattr(command, "user", "")
    return user


def _instrument(command: Command) -> str:
    instrument: Any = getattr(command, "instrument", "") or ""
    symbol: str = getattr(instrument, "symbol", instrument)
    return symbol
