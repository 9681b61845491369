"""One simulated market, whole: store, two engines, two gateways and users; and whether it has come to rest."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from openoutcry.wire.types import MarketState
from services.matching.accounts.account import UserAccount
from services.matching.aio.settings import Durability
from services.matching.engine import Engine
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.identity import mint_token
from shared.logs.commands import Command, SetMarketState, encode_commands
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys
from tests.comparable_account import comparable
from tests.simulation import parts
from tests.simulation.history import Finding, History
from tests.simulation.network import Network
from tests.simulation.parts import INSTRUMENTS, NODE_ENTRIES, SECRET, EnginePart, GatewayPart, Part
from tests.simulation.store_server import StoreServer
from tests.simulation.told import WINDOW
from tests.simulation.treasury import PAUSE_S, SHARE, Treasury
from tests.simulation.user import User, Wishes
from tests.simulation.world import WALL_CLOCK_BEGINS_S

if TYPE_CHECKING:
    from random import Random

    from openoutcry.wire.depth_book import DepthBook
    from tests.simulation.history import Node
    from tests.simulation.world import World

GATEWAYS: Final = ("gateway-1:80", "gateway-2:80")
HALT_S: Final = (1.0, 5.0)
"""Between two changes of state by the market's operator."""
CLOCK_SKEW_S: Final = 3.0
"""How far wall clocks may be off, either way. They may show what they like; only how fast they run matters."""


class Market:
    """
    The market of one run.

    Args:
        world: Time and chance.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.network = Network(world)
        self.store = StoreServer(world, self.network, NODE_ENTRIES)
        self.history = History(self.store, StreamKeys())
        self.rollbacks = 0
        random = world.stream("market")
        acme, gpu = (instrument.symbol for instrument in INSTRUMENTS)
        expires_at = WALL_CLOCK_BEGINS_S + 1e6
        self.engines = [
            EnginePart(world, self.network, f"engine-{name}", random.uniform(-CLOCK_SKEW_S, CLOCK_SKEW_S))
            for name in "ab"
        ]
        self.gateways = [
            GatewayPart(world, self.network, address.partition(":")[0], address, random.uniform(-1, 1))
            for address in GATEWAYS
        ]
        self.users = [
            User(
                world,
                self.network,
                self.history,
                name,
                mint_token(name, SECRET, expires_at),
                list(GATEWAYS),
                wishes,
                pace,
            )
            for name, pace, wishes in (
                ("ann", 0.25, Wishes({acme: 0, gpu: 0}, 0, ("trades",))),
                ("bob", 0.25, Wishes({acme: WINDOW, gpu: 0}, 0, ("status",))),
                ("cat", 0.6, Wishes({acme: 0, gpu: WINDOW}, 100, ("ticker", "status"))),
                ("dan", 0, Wishes({acme: WINDOW, gpu: 0}, 0, ("trades",))),
            )
        ]
        self.treasury = self._treasury(world.stream("treasury"))
        self._operator_random = world.stream("operator")
        self._operator_numbers = itertools.count(1)
        self._halted: str | None = None
        self._is_operated = True
        world.after(self._operator_random.uniform(*HALT_S), self._operate)

    def _treasury(self, random: Random) -> Treasury | None:
        """Return who looks after the accounts, in the seeds that have a market with such."""
        if random.random() >= SHARE:
            return None
        users, symbols = [user.name for user in self.users], [instrument.symbol for instrument in INSTRUMENTS]
        treasury = Treasury(random, users, symbols, self._append)
        treasury.begin()

        def act() -> None:
            treasury.act(int((WALL_CLOCK_BEGINS_S + self.world.now) * 1e6))
            if self._is_operated:
                self.world.after(random.uniform(*PAUSE_S), act)

        self.world.after(random.uniform(*PAUSE_S), act)
        return treasury

    def reopen(self) -> None:
        """Open every instrument, and halt none any more."""
        self._halted = None
        self._is_operated = False
        if self.treasury is not None:
            self.treasury.rest()
        for instrument in INSTRUMENTS:
            self._set_state(instrument.symbol, MarketState.OPEN)

    def _operate(self) -> None:
        """Halt an instrument, or open the one that is halted."""
        if not self._is_operated:
            return
        symbol, self._halted = self._halted, None
        if symbol is not None:
            self._set_state(symbol, MarketState.OPEN)
        else:
            self._halted = self._operator_random.choice(INSTRUMENTS).symbol
            self._set_state(self._halted, MarketState.HALTED)
        self.world.after(self._operator_random.uniform(*HALT_S) * (0.3 if self._halted else 1), self._operate)

    def _set_state(self, symbol: str, state: MarketState) -> None:
        reason = "" if state is MarketState.OPEN else "news"
        self._append(SetMarketState("operator", next(self._operator_numbers), symbol, state, reason))

    def _append(self, command: Command) -> None:
        words = [b"XADD", self.history.keys.commands.encode(), b"*", COMMANDS_FIELD, encode_commands([command])]
        self.store.call("operator", words)

    def parts(self) -> list[Part]:
        """Return engines and gateways."""
        return [*self.engines, *self.gateways]

    def leader(self) -> EnginePart | None:
        """Return the engine that the lease names, if it lives."""
        holder = self.store.model.do_get(self.history.keys.lease.encode())
        for engine in self.engines:
            if engine.process is not None and holder is not None and engine.process.name == holder.decode():
                return engine
        return None

    def unrest(self) -> str:
        """Say what has not come to rest yet; empty if everything has."""
        head = self.history.head
        stream = self.store.model.streams.get(self.history.keys.commands.encode())
        part = self.leader()
        leader = self.world.leaders.get(part.process.name) if part is not None and part.process is not None else None
        if head is None or stream is None or leader is None:
            return "nobody leads"
        if leader.engine.log_id != "-".join(map(str, stream.last)) or leader.engine.position != head.packet.position:
            return "commands wait"
        for gateway in self.gateways:
            server = gateway.server
            if gateway.process is None or server is None or server.gateway.feed_state is not MarketState.OPEN:
                return f"{gateway.name} does not follow"
            if server.gateway.market.epoch != head.packet.epoch:
                return f"{gateway.name} is in another epoch"
        engine = leader.engine
        return next((unrest for user in self.users if (unrest := self._unrest_of(user, head, engine))), "")

    def _unrest_of(self, user: User, head: Node, engine: Engine) -> str:
        if not user.is_settled:
            return f"{user.name} waits for answers"
        for view in user.session.books.values():
            book = view.book
            if view.is_stale or not self._is_present(book, head):
                return f"{user.name} holds {book.instrument} at {book.epoch}, {book.seq}, {view.stale_reason}"
        for ticker in user.session.tickers.values():
            seq = head.seqs.get(ticker.instrument, 0)
            if not self.history.told.knows_ticker(ticker._replace(seq=seq)):
                return f"{user.name} has an old {ticker}, the book is at {seq}"
        for symbol in head.seqs:
            told = user.session.statuses.get(symbol)
            market = engine.instruments[symbol]
            state = market.state, market.phase, market.until
            if told is not None and (told.state, told.phase, told.until) != state:
                return f"{user.name} holds {symbol} for {told}, and it is {state}"
        return self._unrest_of_account(user, engine.accounts.get(user.name))

    def _unrest_of_account(self, user: User, kept: UserAccount | None) -> str:
        account = user.session.account
        if account.stale_reason is not None:
            return f"the account of {user.name} is {account.stale_reason}"
        if kept is not None and account.account.user_seq != kept.user_seq:
            # Of what is in no book, such as a stop that ends by itself, the news may still be on its way.
            return f"{user.name} holds number {account.account.user_seq}, the engine {kept.user_seq}"
        return ""

    def _is_present(self, book: DepthBook, head: Node) -> bool:
        """Whether a user's book or window is that of the feed's end; a window says nothing of what is beyond it."""
        seq = head.seqs.get(book.instrument, 0)
        if not book.depth or not seq:
            return (book.epoch, book.seq) == (head.packet.epoch, seq)
        truth = self.history.told.windows.get((head.packet.epoch, book.instrument, seq))
        return book.epoch == head.packet.epoch and book.digest == truth

    def check_final_state(self) -> int:
        """
        Check what must hold at the end; returns how many acknowledged orders were lost, in a new epoch.

        Raises:
            Finding: If it does not hold.
        """
        lost = sum(self.history.lost_acknowledgements(user.acknowledged) for user in self.users)
        if lost and parts.MATCHING.durability is Durability.REPLICA:
            raise Finding(f"{lost} acknowledged orders are lost, though a replica had their commands")
        leader = self.leader()
        assert leader is not None
        recovered = self.history.recover().engine
        recovered.check_invariants()
        if not self.rollbacks:
            replayed = self.history.replay(parts.MATCHING.engine_config())
            self._compare_positions(replayed)
        self._check_accounts(recovered)
        return lost

    def _compare_positions(self, replayed: Engine) -> None:
        """Compare what the whole log leads to with what is stored, at the same position."""
        recovered = self.history.recover().engine
        if replayed.position == recovered.position and _state(replayed) != _state(recovered):
            raise Finding("replaying the whole command log gives another state than the one that is stored")

    def _check_accounts(self, engine: Engine) -> None:
        for user in self.users:
            account = engine.accounts.get(user.name)
            if account is None:
                continue
            mine = user.session.account.account
            if mine.user_seq != account.user_seq:
                raise Finding(f"{user.name} holds number {mine.user_seq}, the engine {account.user_seq}")
            if comparable(mine.account(), engine.time) != comparable(account.message(), engine.time):
                raise Finding(f"the account of {user.name} is not the engine's at number {mine.user_seq}")


def _state(engine: Engine) -> bytes:
    """Encode what the log alone decides: where an epoch began is no part of it."""
    for market in engine.instruments.values():
        market.epoch_trade_id = 0
    engine.log_id, engine.epoch, engine.config = "0-0", 0, Engine().config
    return encode_checkpoint(Checkpoint(engine, 0, ""))
