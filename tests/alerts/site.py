"""Where an alert is tried: two engines, two gateways, a crowd that trades, and a Prometheus that watches them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from outcry.stack.aio.child import Child, RoleFailed
from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.leadership import Leadership
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import HOST, StackOptions
from tests.alerts.prometheus import Prometheus
from tests.fault.wires import Wires

ENGINES: Final = ("matching-1", "matching-2")
GATEWAYS: Final = 2
HAPROXY: Final = Path(__file__).parents[2] / "deploy" / "haproxy" / "haproxy.cfg"


class SiteOptions(NamedTuple):
    """What is special about a site."""

    engine_settings: Mapping[str, str] = {}
    gateway_settings: Mapping[str, str] = {}
    is_wired: bool = False
    """Whether services reach Redis by wires that can be cut and delayed."""
    door_sessions: int = 0
    """Sessions that an haproxy before the gateways takes; 0 is no haproxy."""
    has_ledger: bool = False
    """Whether a ledger writes the record, into an SQLite file."""
    rate: int = 50
    """Book changes a second; 0: nobody trades."""


class AlertSite(NamedTuple):
    """An open site."""

    stack: Stack
    prometheus: Prometheus
    leadership: Leadership
    spare_port: int
    """Where Prometheus looks for a third engine."""
    wires: Wires | None
    door: Child | None
    door_port: int

    @property
    def ledger(self) -> Child:
        """The ledger, where there is one."""
        assert self.stack.ledger is not None
        return self.stack.ledger

    @property
    def database(self) -> Path:
        """The ledger's file."""
        return self.stack.folder / "ledger.db"

    async def leader(self) -> Child:
        """
        Return the engine that leads.

        Raises:
            RoleFailed: If none does.
        """
        leader = await self.leadership.leader(self.stack.engines)
        if leader is None:
            raise RoleFailed("no engine leads")
        return leader

    async def standby(self) -> Child:
        """Return the other engine."""
        leader = await self.leader()
        return next(engine for engine in self.stack.engines if engine is not leader)

    def engine(self, redis_url: str) -> Child:
        """Start one more engine, where Prometheus looks for a third."""
        argv = [sys.executable, "-m", "services.matching", "--redis-url", redis_url,
                "--metrics-port", str(self.spare_port)]  # fmt: skip
        return Child("matching-3", argv, self.stack.folder)


@contextlib.asynccontextmanager
async def open_site(options: SiteOptions, folder: Path, stop: StopSignal) -> AsyncIterator[AlertSite]:
    """Open one, its market ready and watched; everything has ended when it is left."""
    async with contextlib.AsyncExitStack() as stack_of_parts:
        enter = stack_of_parts.enter_context
        wires = enter(Wires([*ENGINES, *(f"gateway-{n}" for n in range(1, GATEWAYS + 1))], folder)) \
            if options.is_wired else None  # fmt: skip
        if wires:
            await wires.open()
        stack = enter(
            Stack(
                StackOptions(
                    GATEWAYS,
                    None,
                    None,
                    engines=len(ENGINES),
                    appendfsync="everysec",
                    ledger=f"sqlite:///{folder / 'ledger.db'}" if options.has_ledger else None,
                ),
                folder,
                lambda _text: None,
                route=wires.route if wires else (lambda _name, url: url),
                engine_settings={**os.environ, **options.engine_settings},
                gateway_settings={**os.environ, **options.gateway_settings},
            )
        )
        watching, spare, door_port, door_metrics = free_ports(4)
        await stack.start(stop)
        door = enter(_door(options.door_sessions, stack, door_port, door_metrics)) if options.door_sessions else None
        targets = {
            "matching": [f"{HOST}:{port}" for port in (*stack.engine_ports, spare)],
            "gateway": [f"{HOST}:{port}" for port in stack.ports],
            "ledger": [f"{HOST}:{stack.ledger_port}"] if options.has_ledger else [],
            "haproxy": [f"{HOST}:{door_metrics}"] if door else [],
        }
        prometheus = enter(Prometheus(targets, watching, folder))
        await prometheus.wait_until_ready()
        if options.rate:
            enter(_bots(stack, options.rate))
        leadership = Leadership(stack.redis_url)
        stack_of_parts.push_async_callback(leadership.aclose)
        yield AlertSite(stack, prometheus, leadership, spare, wires, door, door_port)


def _bots(stack: Stack, rate: int) -> Child:
    argv = [sys.executable, "-m", "outcry", "bots", "--redis-url", stack.redis_url, "--rate", str(rate)]
    return Child("bots", argv, stack.folder)


def _door(sessions: int, stack: Stack, port: int, metrics_port: int) -> Child:
    """Start haproxy with the shipped configuration, but for its addresses, its certificate and its size."""
    program = shutil.which("haproxy")
    if program is None:
        raise RoleFailed("there is no haproxy: apt-get install haproxy")
    lines: list[str] = []
    servers = iter(stack.ports)
    for line in HAPROXY.read_text(encoding="utf-8").splitlines():
        changed = line.replace("bind :8080", f"bind {HOST}:{port}").replace("bind :8404", f"bind {HOST}:{metrics_port}")
        changed = changed.replace("maxconn 7500", f"maxconn {sessions}")
        if "bind :8443" in line:
            continue
        if line.lstrip().startswith("server gateway-"):
            if (target := next(servers, None)) is None:
                continue
            changed = f"{line.rsplit(':', 1)[0]}:{target}"
        lines.append(changed)
    file = stack.folder / "haproxy.cfg"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Child("haproxy", [program, "-db", "-f", str(file)], stack.folder, environment={"HOST_NETWORK": "1"})
