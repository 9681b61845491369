"""The Redis that we start for ourselves: real processes, so nothing here is simulated."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from outcry.stack.aio.local_redis import FAKE_WARNING, LocalRedis, ServerProgram, choose_program
from shared.aio.redis_connection import open_redis
from shared.store_errors import StoreUnavailable

pytestmark = pytest.mark.needs_redis

PARENT = """
import pathlib, sys, time
from outcry.stack.aio.local_redis import LocalRedis
server = LocalRedis(pathlib.Path(sys.argv[1]))
print(server.child.pid, flush=True)
time.sleep(60)
"""


def wait_until_gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


async def test_answers_commands_and_is_durable(tmp_path: Path) -> None:
    """The market's acknowledgements are worth what the append-only file is worth."""
    with LocalRedis(tmp_path) as server:
        client = open_redis(server.url, "test")
        assert await client.xadd("log", {b"c": b"1"}, id="7-1") == b"7-1"
        await client.aclose()
        assert any((tmp_path / "appendonlydir").iterdir())


def test_files_are_their_users_alone(tmp_path: Path) -> None:
    """The command log holds what people trade: nobody else on the machine may read it."""
    with LocalRedis(tmp_path):
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert written
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in written)


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    server = LocalRedis(tmp_path)
    server.stop()
    assert not psutil.pid_exists(server.child.pid)


def test_lives_in_a_session_of_its_own(tmp_path: Path) -> None:
    """A terminal's Ctrl-C goes to its foreground session: it must not end Redis before those who still write."""
    with LocalRedis(tmp_path) as server:
        assert os.getsid(server.child.pid) == server.child.pid


def test_two_servers_do_not_meet(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with LocalRedis(first) as one, LocalRedis(second) as other:
        assert one.port != other.port


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_killed_parent_leaves_no_server(tmp_path: Path) -> None:
    """The wheel's own launcher leaves an orphan here; a demo killed with -9 must not."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout:
        server_pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
    assert wait_until_gone(server_pid)


def test_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    """The error must say what the server said, or nobody can help himself."""
    program = choose_program()
    with pytest.raises(StoreUnavailable, match="did not start"):
        LocalRedis(tmp_path, program._replace(path="/bin/false"))


def test_fakeredis_is_announced_loudly(tmp_path: Path) -> None:
    """Who measures or trusts it must have been warned."""
    pytest.importorskip("fakeredis")
    with LocalRedis(tmp_path, ServerProgram("fakeredis", sys.executable)) as server:
        assert server.warning == FAKE_WARNING
