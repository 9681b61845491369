"""One simulated operating system process: an asyncio event loop that somebody else turns.

It can be frozen (time goes on, it does not), killed (its connections end, nothing it does afterwards has an effect)
and started again as a new process. A killed one is cancelled and run out at once, cut off from everything, only so
that no coroutine is left to the garbage collector, whose moment nobody controls.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from math import inf
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.network import Network, ProcessTransport

if TYPE_CHECKING:
    from tests.simulation.world import World

AFTERLIFE_STEPS_MAX: Final = 500


class _Task(asyncio.Task[Any]):
    """A task that hashes the same in every run: task groups keep theirs in sets, and cancel in the set's order."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, Any], **options: Any) -> None:
        self._number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number


class _Timer(asyncio.TimerHandle):
    if TYPE_CHECKING:
        _when: float


class _NothingToSelect:
    def select(self, timeout: float | None) -> list[object]:
        return []


class _Loop(asyncio.BaseEventLoop):
    """asyncio's own loop, with the world's time and a network of memory."""

    if TYPE_CHECKING:  # what only asyncio itself uses
        _ready: deque[asyncio.Handle]
        _scheduled: list[_Timer]
        _run_once: Callable[[], None]

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process
        self._selector = _NothingToSelect()
        self._clock_resolution = 1e-9
        self._tasks = 0
        self.set_task_factory(lambda _, coroutine, **options: self._task(coroutine, **options))

    def _task(self, coroutine: Any, **options: Any) -> _Task:
        self._tasks += 1
        return _Task(self._tasks, coroutine, loop=self, **options)

    def time(self) -> float:
        return self._process.world.now

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    async def create_connection(  # type: ignore[override]  # as much of it as redis-py uses
        self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, **_: Any
    ) -> Any:
        process = self._process
        if not process.is_alive:
            raise ConnectionAbortedError("this process was killed")
        transport = ProcessTransport(self, factory())
        await process.network.connect(process.name, f"{host}:{port}", transport, self)
        return transport, transport.get_protocol()

    async def create_server(  # type: ignore[override]  # as much of it as the gateway uses
        self, factory: Callable[[], asyncio.BaseProtocol], *, sock: Any, **_: Any
    ) -> Any:
        host, port = sock.getsockname()
        self._process.listen(f"{host}:{port}", factory)
        return sock


class Process:
    """
    One process.

    Args:
        world: Where it lives.
        network: What it talks through.
        name: Of the part; the same after a restart.
        main: What it runs.
        ended: Called when it has ended by itself, with its error or None.
        clock_skew_s: How far its wall clock is ahead.
    """

    def __init__(
        self,
        world: World,
        network: Network,
        name: str,
        main: Callable[[], Coroutine[Any, Any, None]],
        ended: Callable[[BaseException | None], None],
        clock_skew_s: float = 0.0,
    ) -> None:
        self.world = world
        self.network = network
        self.name = name
        self.clock_skew_s = clock_skew_s
        self.is_frozen = False
        self.is_alive = True
        self._ended = ended
        self._addresses: list[str] = []
        self._loop = _Loop(self)
        self._loop.set_exception_handler(lambda _loop, context: world.note(name, f"loop: {context['message']}"))
        self._root = self._loop.create_task(main())
        world.processes.append(self)

    def __repr__(self) -> str:
        return self.name

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Have the process do something, as its kernel would."""
        if self.is_alive:
            self._loop.call_soon(callback, *arguments)

    def listen(self, address: str, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        """Accept connections until the end."""
        self._addresses.append(address)
        self.network.listen(address, self.name, lambda: ProcessTransport(self._loop, factory()))

    def wakes_at(self) -> float:
        """When it will have something to do, the past included; infinity if only others can wake it."""
        if self.is_frozen or not self.is_alive:
            return inf
        loop = self._loop
        if loop._ready:
            return 0.0
        scheduled = loop._scheduled
        return scheduled[0]._when if scheduled else inf

    def step(self) -> None:
        """Have one turn of the event loop."""
        self._turn()
        if self._root.done() and self.is_alive:
            self._bury()
            self._close()
            self._ended(None if self._root.cancelled() else self._root.exception())

    def freeze(self) -> None:
        """Stop, as by SIGSTOP; what comes from the network waits."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Go on, as by SIGCONT: late timers are due at once."""
        self.is_frozen = False

    def kill(self) -> None:
        """End, as by SIGKILL."""
        if not self.is_alive:
            return
        self._bury()
        self._root.cancel()
        self._close()
        if not self._root.cancelled():
            self._root.exception()

    def _bury(self) -> None:
        self.is_alive = False
        self.world.processes.remove(self)
        for address in self._addresses:
            self.network.listen(address, self.name, None)
        self.network.end_of(self.name)

    def _close(self) -> None:
        for _ in range(AFTERLIFE_STEPS_MAX):
            if self._root.done() and not self._loop._ready:
                break
            self._turn()
        assert self._root.done(), f"{self.name} does not end when it is cancelled"
        self._loop.close()

    def _turn(self) -> None:
        events._set_running_loop(self._loop)
        try:
            self._loop._run_once()
        finally:
            events._set_running_loop(None)
