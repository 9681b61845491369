"""What the store was told, in truth: every packet that ever was in the feed, and what must hold of them.

Owns the checkers that look at the logs: one history an epoch, one writer a term, no command twice, no trade one-sided,
no book crossed, no lots and no money from nowhere, stored values that lead to where the feed ends. Looks at each write
as it happens, with the eyes of somebody who forgets nothing when the store does. A finding raises at the very write
that is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from openoutcry.wire.account import millionths, tick_value
from openoutcry.wire.depth_book import DepthBook, is_crossed
from openoutcry.wire.digest import book_digest
from openoutcry.wire.errors import OpenOutcryError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Trade
from openoutcry.wire.types import Code, ExecutionEvent, MarketState, Side
from services.matching.command_log import decode_entry
from services.matching.engine import Engine
from services.matching.floor import EngineConfig
from services.matching.recovery import snapshot_schedule
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint, read_head
from services.matching.recovery.replay import Recovery
from shared.logs.commands import CancelAll, CancelOrder, Command, ReplaceOrder
from shared.logs.packet import FEED_START, FeedId, Packet, decode_packet
from shared.logs.snapshots import BookState, decode_book_state
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys
from tests.simulation.store import StoreModel
from tests.simulation.store_server import StoreServer
from tests.simulation.told import Statistics, Told


class Finding(AssertionError):
    """Something that must never happen has happened."""


class Node:
    """One packet that was appended, and the state of the market after it."""

    __slots__ = ("accepted", "feed_id", "fields", "is_forgotten_marker", "packet", "parent", "seqs", "store_id")

    def __init__(
        self, feed_id: FeedId, fields: dict[bytes, bytes], packet: Packet, parent: Node | None, store_id: str
    ) -> None:
        self.feed_id = feed_id
        self.fields = fields
        self.packet = packet
        self.parent = parent
        self.store_id = store_id
        """The store's replication id when it was first appended."""
        self.is_forgotten_marker = False
        """It says nothing, in a store that is to be forgotten: it deceives nobody."""
        self.seqs: dict[str, int] = dict(parent.seqs) if parent else {}
        self.seqs.update({change.instrument: change.seq for change in packet.changes})
        self.accepted = [
            (private.user, private.execution.client_order_id, private.execution.order_id)
            for private in packet.executions
            if private.execution.event == ExecutionEvent.ACCEPTED
        ]

    def __str__(self) -> str:
        return f"{self.feed_id} (epoch {self.packet.epoch})"


class _Market:
    """The market as the packets of one history tell it."""

    def __init__(self) -> None:
        self.books: dict[str, DepthBook] = {}
        self.trade_ids: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self.user_seqs: dict[str, int] = {}
        """Of executions and transfers."""
        self.definitions: dict[str, Instrument] = {}
        self.accepted: Counter[tuple[str, str]] = Counter()
        self.owners: dict[int, str] = {}
        """Whose each order is."""
        self.watched: dict[str, bool] = {}
        """Who has cancel-on-disconnect on."""
        self.states: dict[str, str] = {}
        """Of the instruments that have had another than the one that they begin with."""
        self.statistics: dict[str, Statistics] = {}

    def apply(self, node: Node) -> None:
        packet = node.packet
        self.definitions.update({definition.symbol: definition for definition in packet.listings})
        self._count_private(node)
        for change in packet.changes:
            book = self.books.setdefault(change.instrument, DepthBook(change.instrument))
            _expect(
                change.prev_seq == book.seq,
                f"{node}: {change.instrument} goes on after {change.prev_seq}, not {book.seq}",
            )
            book.advance(change.seq, 0, change.bids, change.asks, change.digest)
            _expect(
                book.digest == change.digest, f"{node}: the digest of {change.instrument} is not that of its levels"
            )
        for trade in packet.trades:
            self._check_trade(node, trade)
            self.statistics.setdefault(trade.instrument, Statistics()).count(trade)
        for status in packet.statuses:
            self.states[str(status.instrument)] = status.state
        # As the packet leaves it: a book may be crossed in a call, and until the next one if nothing uncrossed it.
        named = [change.instrument for change in packet.changes] + [str(each.instrument) for each in packet.statuses]
        for symbol in dict.fromkeys(named):
            if symbol in self.books and self.states.get(symbol, MarketState.OPEN) == MarketState.OPEN:
                bid, ask = self.books[symbol].bids.best(), self.books[symbol].asks.best()
                _expect(not is_crossed(bid, ask), f"{node}: {symbol} is crossed, {bid} to {ask}")
        for outcome in packet.outcomes:
            last = self.numbers.get(outcome.source, 0)
            _expect(
                outcome.number > last,
                f"{node}: command {outcome.source} {outcome.number} is applied again after {last}",
            )
            self.numbers[outcome.source] = outcome.number
        for user, execution in packet.executions:
            if execution.order_id:
                owner = self.owners.setdefault(execution.order_id, user)
                _expect(owner == user, f"{node}: {user} is told {execution.event} of an order of {owner}")
            if execution.reason == Code.DISCONNECTED:
                on = self.watched.get(user, False) or (user, True) in packet.switches
                _expect(on, f"{node}: orders of {user} are cancelled as disconnected, who did not ask for it")
        self.watched.update(packet.switches)
        for user, name, _ in node.accepted:
            self.accepted[user, name] += 1
            _expect(self.accepted[user, name] == 1, f"{node}: order {name} of {user} is accepted a second time")

    def _count_private(self, node: Node) -> None:
        """Check that executions and transfers are numbered without holes, and that what some get, others give."""
        packet = node.packet
        rows = sorted((private.user_seq, user) for user, private in (*packet.executions, *packet.transfers))
        for user_seq, user in rows:
            last = self.user_seqs.get(user, 0)
            _expect(user_seq == last + 1, f"{node}: execution or transfer {user_seq} of {user} after {last}")
            self.user_seqs[user] = user_seq
        sums: Counter[str] = Counter()
        for _, fill in packet.executions:
            if fill.event == ExecutionEvent.FILLED:
                lots = fill.fill_quantity if fill.side == Side.BID else -fill.fill_quantity
                definition = self.definitions[fill.instrument]
                sums[fill.instrument] += lots
                sums[definition.currency] -= lots * fill.fill_price * tick_value(definition)
        for _, transfer in packet.transfers:
            sums[transfer.asset] += millionths(transfer.amount)
        _expect(not any(sums.values()), f"{node}: {dict(sums)} came from nowhere")

    def _check_trade(self, node: Node, trade: Trade) -> None:
        last = self.trade_ids.get(trade.instrument, 0)
        _expect(trade.trade_id == last + 1, f"{node}: trade {trade.trade_id} of {trade.instrument} after {last}")
        self.trade_ids[trade.instrument] = trade.trade_id
        sides = sorted(
            (each.execution.side, each.execution.fill_price, each.execution.fill_quantity)
            for each in node.packet.executions
            if (each.execution.instrument, each.execution.trade_id) == (trade.instrument, trade.trade_id)
        )
        wanted = [(Side.ASK, trade.price, trade.quantity), (Side.BID, trade.price, trade.quantity)]
        _expect(sides == wanted, f"{node}: trade {trade.trade_id} of {trade.instrument} has the sides {sides}")


class _Branch:
    """One store's own past: there are two while a former primary goes on taking writes."""

    def __init__(self, model: StoreModel) -> None:
        self.model = model
        self.head: Node | None = None
        self.market = _Market()
        self.touched: dict[bytes, None] = {}


class History:
    """
    The store's whole past.

    Args:
        store: Watched from now on.
        keys: Of the shard.
    """

    def __init__(self, store: StoreServer, keys: StreamKeys) -> None:
        self.keys: Final = keys
        self.nodes: dict[FeedId, Node] = {}
        self.tips: dict[int, Node] = {}
        """The furthest packet of each epoch."""
        self.digests: dict[tuple[int, str, int], int] = {}
        """Digest of a book by (epoch, instrument, seq), as the engine published or stored it."""
        self.accepted: dict[tuple[str, str], dict[int, Node]] = {}
        """Every accepted order by (user, client order id): order id to the packet that said so."""
        self.log: dict[bytes, list[bytes]] = {}
        """Every entry of the command log that ever was."""
        self.told = Told()
        self.order_ids: list[int] = []
        """Of all orders, in the order in which the feed first told of them."""
        self._commands: dict[tuple[str, int], Command] = {}
        """Those that change single orders, by writer and number."""
        self.was_trimmed = False
        """Somebody trimmed the feed by hand: joining may have to wait for the next snapshots."""
        self._store = store
        self._writers: dict[int, str] = {}
        """Who wrote in a term; also in one that the store has forgotten."""
        self._main = self._at = _Branch(store.model)
        self.damaged: set[bytes] = set()
        """Checkpoints that a fault has made: nobody may go by them."""
        self._checkpoint_keys = [keys.checkpoint.encode(), keys.previous_checkpoint.encode()]
        self._watch(self._main)

    @property
    def head(self) -> Node | None:
        """The feed's last packet at present; while a branch is looked at, of that branch."""
        return self._at.head

    # -- what the world tells -----------------------------------------------------------------------------------------

    def rolled_back(self) -> None:
        """The store has become an earlier state of itself."""
        stream = self._at.model.streams.get(self.keys.feed.encode())
        self._go_to(self.nodes.get(FeedId(*stream.last) if stream else FEED_START))

    def split(self) -> None:
        """The store has become two: the new one is the market's from now on, the old one is watched as well."""
        self._main = self._at = _Branch(self._store.model)
        self._watch(self._main)
        self.rolled_back()

    def _watch(self, branch: _Branch) -> None:
        """Look at what a store writes, in the light of that store's own past."""

        def on_branch(told: Callable[..., None]) -> Callable[..., None]:
            def look(*arguments: Any) -> None:
                self._at = branch
                try:
                    told(*arguments)
                finally:
                    self._at = self._main

            return look

        branch.model.wrote = on_branch(self._wrote)
        branch.model.called = on_branch(self._called)

    def _go_to(self, head: Node | None) -> None:
        self._at.head, self._at.market = head, _Market()
        for node in self.chain():
            self._at.market.apply(node)

    def chain(self) -> list[Node]:
        """Return the feed's present history from its first packet on, trimmed ones included."""
        nodes, node = [], self.head
        while node is not None:
            nodes.append(node)
            node = node.parent
        nodes.reverse()
        return nodes

    def order_is_known(self, user: str, name: str) -> dict[int, Node]:
        """Return the packets that accepted an order, by order id; several only in several epochs."""
        return self.accepted.get((user, name), {})

    def check_book(self, who: str, instrument: str, epoch: int, seq: int, digest: int) -> None:
        """Check a book that somebody believes to be right."""
        truth = self.digests.get((epoch, instrument, seq))
        if not seq and not digest:
            return
        _expect(
            truth == digest,
            f"{who}: book {instrument} at epoch {epoch}, seq {seq} has {digest}, the engine's has {truth}",
        )

    def check_window(self, who: str, instrument: str, epoch: int, seq: int, digest: int) -> None:
        """Check a window that somebody believes to be right."""
        truth = self.told.windows.get((epoch, instrument, seq))
        right = truth == digest or (not seq and not digest)
        _expect(right, f"{who}: window {instrument} at epoch {epoch}, seq {seq} has {digest}, the truth has {truth}")

    def check_levels(self, who: str, instrument: str, digest: int) -> None:
        """Check that somebody whose connection damages bytes believes in no book that never was."""
        known = self.told.knows_window(instrument, digest)
        known = known or any((name, each) == (instrument, digest) for (_, name, _), each in self.digests.items())
        _expect(known, f"{who}: there never was a book {instrument} of digest {digest}")

    def check_acknowledged(self, user: str, name: str, order_id: int) -> None:
        """Check that what a user is told has been in the feed."""
        known = self.order_is_known(user, name)
        _expect(order_id in known, f"{user} was told that {name} is order {order_id}; the feed has {list(known)}")

    def lost_acknowledgements(self, acknowledged: dict[tuple[str, str], dict[int, None]]) -> int:
        """
        Count what users were told and the final history does not have.

        Raises:
            Finding: If something is missing though the epoch is the same.
        """
        final = {order for node in self.chain() for order in node.accepted}
        lost = 0
        for (user, name), order_ids in acknowledged.items():
            for order_id in order_ids:
                if (user, name, order_id) not in final:
                    lost += 1
                    node = self.order_is_known(user, name)[order_id]
                    told = self.head is not None and node.packet.epoch != self.head.packet.epoch
                    _expect(told, f"{name} of {user} was acknowledged in {node}, and nobody was told that it is lost")
        return lost

    # -- what the store writes ----------------------------------------------------------------------------------------

    def _wrote(self, command: str, key: bytes, value: Any) -> None:
        self._at.touched[key] = None
        if command == "XADD" and key == self.keys.feed.encode():
            (term, position), fields = value
            self._append(FeedId(term, position), dict(zip(fields[::2], fields[1::2], strict=True)))
        elif command == "XADD" and key == self.keys.commands.encode():
            entry_id, fields = b"%d-%d" % value[0], value[1]
            self.log[entry_id] = fields
            for each in decode_entry(self.keys.commands, entry_id, {COMMANDS_FIELD: fields[1]}).commands:
                if isinstance(each, CancelOrder | ReplaceOrder | CancelAll):
                    self._commands[each.source, each.number] = each

    def _append(self, feed_id: FeedId, fields: dict[bytes, bytes]) -> None:
        known = self.nodes.get(feed_id)
        if known is not None and known.fields == fields:
            node = known
            _expect(known.parent is self.head, f"{feed_id} comes again after {self.head}, not {known.parent}")
        else:
            packet = decode_packet(fields[b"p"])
            node = Node(feed_id, fields, packet, self._parent(packet), self._at.model.replication_id)
            node.is_forgotten_marker = self._at is not self._main and node.packet.prev == node.packet.position
            self._check_new(node)
            _expect(known is None, f"{node} has other bytes than before, when it was {known}")
            self.nodes[feed_id] = node
            if not node.is_forgotten_marker:
                self.tips[node.packet.epoch] = node
        if node.parent is not self.head:
            self._go_to(node.parent)
        self._at.market.apply(node)
        self._at.head = node
        if known is None:
            self._check_owners(node)
            self.told.note(node.packet, self._at.market.books, self._at.market.statistics)
        for change in node.packet.changes:
            self._note_digest(node.packet.epoch, change.instrument, change.seq, change.digest)
        for user, name, order_id in node.accepted:
            self.accepted.setdefault((user, name), {})[order_id] = node
            self.order_ids.append(order_id)

    def _check_owners(self, node: Node) -> None:
        """What a user's command did to an order, that user may do."""
        owners, may_cancel, may_replace = self._at.market.owners, set[str](), set[str]()
        for outcome in node.packet.outcomes:
            command = self._commands.get((outcome.source, outcome.number))
            if command is None or outcome.code:
                continue
            (may_replace if isinstance(command, ReplaceOrder) else may_cancel).add(command.user)
            owner = owners.get(outcome.order_id, command.user)
            told = f"{node}: {command} of {command.user} was carried out on an order of {owner}"
            _expect(isinstance(command, CancelAll) or owner == command.user, told)
        for user, execution in node.packet.executions:
            asked = execution.reason != Code.BY_USER or user in may_cancel
            _expect(asked, f"{node}: an order of {user} is cancelled by the user, who did not ask for it")
            asked = execution.event != ExecutionEvent.REPLACED or user in may_replace
            _expect(asked, f"{node}: an order of {user} is replaced, and the user did not ask for it")

    def _parent(self, packet: Packet) -> Node | None:
        """
        Return what a packet goes on after: the feed's last.

        Or what the store has lost of it, if whoever still had that market begins an epoch with it.
        """
        if packet.epoch in self.tips or self.head is None or packet.prev <= self.head.feed_id.position:
            return self.head
        lost = [node for node in self.nodes.values() if node.feed_id.position == packet.prev]
        return lost[-1] if lost else self.head

    def _check_new(self, node: Node) -> None:
        parent, packet = node.parent, node.packet
        last_id = self.head.feed_id if self.head else FEED_START
        _expect(node.feed_id > last_id, f"{node} comes after {last_id}")
        _expect(packet.position == node.feed_id.position, f"{node} says position {packet.position}")
        held = parent.feed_id.position if parent else 0
        _expect(packet.prev == held, f"{node} goes on after position {packet.prev}, the feed ends at {last_id}")
        writer = self._writers.setdefault(node.feed_id.term, self._store.caller)
        _expect(writer == self._store.caller, f"{node} of {writer}'s term is written by {self._store.caller}")
        tip = self.tips.get(packet.epoch)
        told = parent
        while told is not None and told.is_forgotten_marker:
            told = told.parent
        on = tip is None or tip is parent or tip is told or node.is_forgotten_marker
        _expect(on, f"{node} follows {parent}, and its epoch went on to {tip}: that is lost")
        is_opening = parent is not None and parent.packet.epoch != packet.epoch
        if tip is None and is_opening and not node.is_forgotten_marker:
            assert parent is not None
            old = self.tips.get(parent.packet.epoch, parent)
            _expect(old.store_id != node.store_id, f"{node} opens an epoch, though the store is the same since {old}")

    def _note_digest(self, epoch: int, instrument: str, seq: int, digest: int) -> None:
        known = self.digests.setdefault((epoch, instrument, seq), digest)
        _expect(known == digest, f"two books of {instrument} at epoch {epoch}, seq {seq}: digests {known} and {digest}")

    def _called(self) -> None:
        touched, self._at.touched = self._at.touched, {}
        keys = self.keys
        for key in touched:
            if key.startswith(keys.snapshot("").encode()) and b":staged:" not in key:
                self._check_snapshot(key)
        if keys.cover.encode() in touched or keys.feed.encode() in touched:
            self._check_cover()
        # Nobody recovers from a former primary: a leader that is there with half of its connections may store anything.
        if self._at is self._main and not touched.keys().isdisjoint([*self._checkpoint_keys, keys.commands.encode()]):
            self._check_checkpoints()

    def _check_snapshot(self, key: bytes) -> None:
        held = self._at.model.do_get(key)
        if held is None:
            return
        state = decode_book_state(held)
        head = self.head
        if len(state.bids) + len(state.asks) > snapshot_schedule.LEVELS_PER_PACKET_MAX:
            node = self.nodes.get(FeedId.parse(state.feed_id))
            if node is not None and node is not head:
                self._check_older_snapshot(state, node)
                return
        _expect(
            head is not None and state.feed_id == str(head.feed_id),
            f"a snapshot of {state.feed_id} is stored at {head}",
        )
        assert head is not None
        book = self._at.market.books.get(state.instrument, DepthBook(state.instrument))
        levels = {price: lots for price, lots, _ in state.bids}, {price: lots for price, lots, _ in state.asks}
        right = (state.epoch, state.seq, state.digest) == (head.packet.epoch, book.seq, book.digest)
        right = right and levels == (book.bids.quantities, book.asks.quantities)
        _expect(right, f"the snapshot of {state.instrument} at {head} is not its book")
        self._note_digest(state.epoch, state.instrument, state.seq, state.digest)
        self.told.note_window(state.epoch, book)
        told = self._at.market.states.get(state.instrument, "open")
        _expect(state.state == told, f"{state.instrument} is stored as {state.state} at {head}, and was told {told}")

    def _check_older_snapshot(self, state: BookState, node: Node) -> None:
        """A deep book's, made beside the market; that none is older than the cover says is seen there."""
        told = node.packet.epoch, node.seqs.get(state.instrument, 0)
        _expect((state.epoch, state.seq) == told, f"the snapshot of {state.instrument} is not of {node}")
        levels = book_digest((level[:2] for level in state.bids), (level[:2] for level in state.asks))
        _expect(levels == state.digest, f"the snapshot of {state.instrument} of {node} is not its book")
        self._note_digest(state.epoch, state.instrument, state.seq, state.digest)

    def _check_cover(self) -> None:
        """Whoever joins by the stored snapshots and reads on after the cover must miss nothing."""
        model, keys = self._at.model, self.keys
        data = model.do_get(keys.cover.encode())
        if data is None:
            return
        cover = self.nodes.get(FeedId.parse(data))
        _expect(data == b"0-0" or cover is not None, f"the cover {data!r} is no packet")
        for instrument, seq in (cover.seqs if cover else {}).items():
            held = model.do_get(keys.snapshot(instrument).encode())
            stored = decode_book_state(held).seq if held else 0
            _expect(stored >= seq, f"the cover {cover} promises {instrument} at {seq}, its snapshot stands at {stored}")
        stream = model.streams[keys.feed.encode()]
        first = self.nodes[FeedId(*stream.ids[0])].parent if stream.ids else None
        reaches = first is None or (cover is not None and cover.feed_id >= first.feed_id)
        _expect(reaches or self.was_trimmed, f"the feed begins after {first}, the cover is {cover}")

    def _check_checkpoints(self) -> None:
        """Each of the two must be good to begin at: the newest may be found damaged at any time."""
        model, keys = self._at.model, self.keys
        for key, data in zip(self._checkpoint_keys, self.checkpoints(), strict=True):
            if data is None or data in self.damaged:
                continue
            log_id = read_head(data).log_id
            held = log_id == "0-0" or bool(model.do_xrange(keys.commands.encode(), log_id.encode(), log_id.encode()))
            _expect(held, f"the command log no longer has {log_id}, where {key.decode()} stands")
            _expect(model.do_pttl(key) == -1, f"{key.decode()} will be forgotten")

    # -- replay -------------------------------------------------------------------------------------------------------

    def recover(self) -> Recovery:
        """
        Recover from what the store holds, as a new engine would, and from the checkpoint before the newest as well.

        Raises:
            Finding: If that is not possible, or leads to two markets.
        """
        kept = zip(self._checkpoint_keys, self.checkpoints(), strict=True)
        recovered = [self._recover_from(key, data) for key, data in kept if data not in self.damaged]
        states = {_state(recovery) for recovery in recovered}
        _expect(len(states) == 1, "the previous checkpoint leads to another market than the newest")
        return recovered[0]

    def checkpoints(self) -> list[bytes | None]:
        """Return what is stored as the newest and as the previous one."""
        return [self._at.model.do_get(key) for key in self._checkpoint_keys]

    def _recover_from(self, key: bytes, data: bytes | None) -> Recovery:
        model, keys = self._at.model, self.keys
        newest = model.do_xrevrange(keys.feed.encode(), b"+", b"-", b"COUNT", b"1")
        last = [(FeedId.parse(feed_id), fields[fields.index(b"p") + 1]) for feed_id, fields in newest]
        try:
            checkpoint = decode_checkpoint(data) if data is not None else None
            recovery = Recovery(keys, checkpoint, last[0] if last else None)
            after = b"(" + recovery.engine.log_id.encode()
            for entry_id, fields in model.do_xrange(keys.commands.encode(), after, b"+"):
                if recovery.reached:
                    break
                recovery.apply(decode_entry(keys.commands, entry_id, {COMMANDS_FIELD: fields[1]}))
            recovery.finish()
        except OpenOutcryError as error:
            raise Finding(f"what is stored cannot be recovered from, by {key.decode()}: {error}") from error
        return recovery

    def replay(self, config: EngineConfig) -> Engine:
        """Apply every command that ever was in the log to a new engine of these rules."""
        engine = Engine(config)
        for entry_id, fields in self.log.items():
            entry = decode_entry(self.keys.commands, entry_id, {COMMANDS_FIELD: fields[1]})
            for command in entry.commands:
                engine.apply(command, entry.time_us)
        return engine


def _state(recovery: Recovery) -> bytes:
    engine = recovery.engine
    log_id, engine.log_id = engine.log_id, "0-0"  # entries that only repeat lead nowhere else
    state = encode_checkpoint(Checkpoint(engine, recovery.term, recovery.store_id or ""))
    engine.log_id = log_id
    return state


def _expect(holds: bool, finding: str) -> None:
    if not holds:
        raise Finding(finding)
