"""The store as a server: RESP3 over the network of memory, blocking reads, and the ways in which it can fail.

One command is carried out at one instant, in the order of arrival; what arrives while it is frozen is carried out
when it goes on, whether or not anybody still waits for the answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import hiredis

from tests.simulation.network import Connection, Network
from tests.simulation.store import OK, StoreError, StoreModel
from tests.simulation.stream import NODE_ENTRIES_MAX
from tests.simulation.world import World

ADDRESS: Final = "store:6379"
NAME: Final = "store"


class StoreServer:
    """
    The server.

    Args:
        world: Where it lives.
        network: What it listens on.
        node_entries: Its `stream-node-max-entries`.
    """

    def __init__(self, world: World, network: Network, node_entries: int = NODE_ENTRIES_MAX) -> None:
        self.world = world
        self.network = network
        self.clock_skew_s = 0.0
        """Of the machine that is the store at present."""
        self.ambush: Callable[[str], object] | None = None
        """Called once, with the leader's name, when a packet has landed and nobody knows yet."""
        self.model = StoreModel(
            lambda: round((world.wall_s() + self.clock_skew_s) * 1000), world.stream("store"), node_entries
        )
        self.caller = ""
        """Whose command is being carried out."""
        self.is_frozen = False
        self.call_takes_s = 0.0
        """How long the store is busy with each command."""
        self._is_busy = False
        self._clients: dict[StoreClient, None] = {}
        self.up()

    def up(self) -> None:
        """Listen."""
        self.network.listen(ADDRESS, NAME, lambda: StoreClient(self))

    def down(self) -> None:
        """End every connection, and take no more."""
        self.network.listen(ADDRESS, NAME, None)
        self.network.reset(NAME)

    def freeze(self) -> None:
        """Carry out nothing until thawed."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Carry out what has come meanwhile."""
        self.is_frozen = False
        for client in list(self._clients):
            client.go_on()

    @property
    def can_work(self) -> bool:
        """Whether it carries out commands at present."""
        return not self.is_frozen and not self._is_busy

    def work(self) -> None:
        """Be busy with a command."""
        if self.call_takes_s:
            self._is_busy = True
            self.world.after(self.call_takes_s, self._rest)

    def _rest(self) -> None:
        self._is_busy = False
        for client in list(self._clients):
            client.go_on()

    @property
    def is_split(self) -> bool:
        """Whether anybody is connected to a former primary."""
        return any(client.model is not self.model for client in self._clients)

    def split(self, stays: Callable[[str], bool]) -> None:
        """
        Promote a replica while its primary lives on: new connections find the new one.

        Args:
            stays: Asked for each connection, with its process's name, whether it stays at the old one, which goes on
                taking writes, until `reunite`.
        """
        self.model = self.model.fork()
        for client in list(self._clients):
            if not stays(client.name):
                client.hang_up()

    def reunite(self) -> None:
        """End the old primary: what it has taken since the split is gone."""
        for client in list(self._clients):
            if client.model is not self.model:
                client.hang_up()

    def joined(self, client: StoreClient) -> None:
        """A connection is there."""
        self._clients[client] = None

    def left(self, client: StoreClient) -> None:
        """A connection is gone."""
        self._clients.pop(client, None)

    def call(self, name: str, words: list[bytes], model: StoreModel | None = None) -> Any:
        """Carry out one command for somebody, at an old primary if it is named; errors are returned."""
        self.caller = name
        self.world.trace.hide(self.world.now, name, b" ".join(words))
        try:
            reply = (model or self.model).call(*words)
        except StoreError as error:
            reply = error
        finally:
            self.caller = ""
        if self.ambush is not None and isinstance(reply, list) and reply[:1] == [b"appended"]:
            ambush, self.ambush = self.ambush, None
            self.world.after(0, lambda: ambush(name))
        if words[0].upper() in (b"XADD", b"EVAL", b"EVALSHA", b"EXEC"):
            self.serve_blocked()
        return reply

    def serve_blocked(self) -> None:
        """Answer the blocked reads for which something has come."""
        for client in list(self._clients):
            client.try_blocked()


class StoreClient:
    """
    One connection, at the store's end.

    Args:
        server: Whose.
    """

    def __init__(self, server: StoreServer) -> None:
        self._server = server
        self.model = server.model
        """The primary when this connection was made."""
        self.name = ""
        """Of the process at the other end."""
        self._reader = hiredis.Reader()
        self._queue: deque[list[bytes]] = deque()
        self._blocked: list[bytes] | None = None
        self._turn = 0
        self._transaction: list[list[bytes]] | None = None
        self._connection: Connection | None = None
        self._side = 0

    def opened(self, connection: Connection, side: int) -> None:
        self._connection, self._side = connection, side
        self.name = connection.names[1 - side]
        self._server.joined(self)

    def received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (words := self._reader.gets()) is not False:
            self._queue.append([word if isinstance(word, bytes) else str(word).encode() for word in words])
        self.go_on()

    def ended(self, error: Exception | None, *, by_peer: bool) -> None:
        # What had arrived whole is carried out, as by a server that reads before it sees the end.
        self._blocked = None
        self.go_on()
        self._server.left(self)

    def go_on(self) -> None:
        """Carry out what waits."""
        while self._queue and self._blocked is None and self._server.can_work:
            self._server.work()
            self._carry_out(self._queue.popleft())

    def hang_up(self) -> None:
        """End the connection, and leave undone what has come and was not carried out."""
        self._queue.clear()
        if self._connection is not None:
            self._connection.reset()

    def try_blocked(self) -> None:
        """Answer a blocked read if something has come."""
        if self._blocked is not None and not self._server.is_frozen:
            reply = self.model.call(*self._blocked)
            if reply is not None:
                self._unblock(reply)

    def _carry_out(self, words: list[bytes]) -> None:
        match words[0].upper():
            case b"HELLO":
                self._answer({b"server": b"redis", b"version": b"7.2.0", b"proto": 3})
            case b"CLIENT" if words[1].upper() in (b"SETNAME", b"SETINFO"):
                self._answer(OK)
            case b"MULTI":
                self._transaction = []
                self._answer(OK)
            case b"EXEC":
                transaction, self._transaction = self._transaction or [], None
                self._answer([self._server.call(self.name, each, self.model) for each in transaction])
            case _ if self._transaction is not None:
                self._transaction.append(words)
                self._answer(b"QUEUED")
            case b"XREAD":
                self._read(words)
            case _:
                self._answer(self._server.call(self.name, words, self.model))

    def _read(self, words: list[bytes]) -> None:
        reply = self._server.call(self.name, words, self.model)
        upper = [word.upper() for word in words]
        if reply is not None or b"BLOCK" not in upper:
            self._answer(reply)
            return
        self._blocked = words
        self._turn += 1
        turn = self._turn
        timeout_s = int(words[upper.index(b"BLOCK") + 1]) / 1000
        self._server.world.after(timeout_s, lambda: self._unblock(None) if turn == self._turn else None)

    def _unblock(self, reply: Any) -> None:
        if self._blocked is not None:
            self._blocked = None
            self._turn += 1
            self._answer(reply)
            self.go_on()

    def _answer(self, reply: Any) -> None:
        assert self._connection is not None
        self._connection.write(self._side, encode(reply))


def encode(reply: Any) -> bytes:  # noqa: PLR0911 - a line a type
    """Write one reply in RESP3."""
    match reply:
        case None:
            return b"_\r\n"
        case StoreError():
            return f"-{reply}\r\n".encode()
        case int():
            return b":%d\r\n" % reply
        case bytes() if type(reply) is not bytes:
            return b"+%s\r\n" % reply
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n" % len(reply) + b"".join(map(encode, reply))
        case dict():
            return b"%%%d\r\n" % len(reply) + b"".join(encode(key) + encode(value) for key, value in reply.items())
    raise TypeError(f"no reply: {reply!r}")
