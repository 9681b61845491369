"""One simulated market, whole: store, two engines, two gateways and users; and whether it has come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.gateway.authentication import mint_token
from services.matching.checkpoint import Checkpoint, encode_checkpoint
from services.matching.engine import Engine
from services.matching.settings import Durability
from shared.stream_keys import StreamKeys
from shared.types import MarketState
from tests.simulation import parts
from tests.simulation.history import Finding, History
from tests.simulation.network import Network
from tests.simulation.parts import INSTRUMENTS, SECRET, EnginePart, GatewayPart, Part
from tests.simulation.store_server import StoreServer
from tests.simulation.user import User
from tests.simulation.world import WALL_CLOCK_BEGINS_S

if TYPE_CHECKING:
    from tests.simulation.world import World

GATEWAYS: Final = ("gateway-1:80", "gateway-2:80")
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
        self.store = StoreServer(world, self.network)
        self.history = History(self.store, StreamKeys())
        self.rollbacks = 0
        random = world.stream("market")
        symbols = [instrument.symbol for instrument in INSTRUMENTS]
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
                symbols,
                pace,
            )
            for name, pace in (("ann", 0.25), ("bob", 0.25), ("cat", 0.6), ("dan", 0))
        ]

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

    def unrest(self) -> str:  # noqa: PLR0911 - one question after the other
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
        for user in self.users:
            if not user.is_settled:
                return f"{user.name} waits for answers"
            for view in user.session.books.values():
                book = view.book
                if view.is_stale or (book.epoch, book.seq) != (head.packet.epoch, head.seqs.get(book.instrument, 0)):
                    return f"{user.name} holds {book.instrument} at {book.epoch}, {book.seq}, {view.stale_reason}"
            account = user.session.account
            if account.stale_reason is not None:
                return f"the account of {user.name} is {account.stale_reason}"
        return ""

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
            replayed = self.history.replay()
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
                raise Finding(f"{user.name} holds execution {mine.user_seq}, the engine {account.user_seq}")
            if mine.account() != account.message():
                raise Finding(f"the account of {user.name} is not the engine's at execution {mine.user_seq}")


def _state(engine: Engine) -> bytes:
    engine.log_id, engine.epoch, engine.config = "0-0", 0, Engine().config
    return encode_checkpoint(Checkpoint(engine, 0, ""))
