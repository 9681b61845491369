"""One process of ours: its log, its measure, its end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from outcry.stack.aio import child as child_module
from outcry.stack.aio.child import Child, RoleFailed, stop_together

SLEEPS = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def run(folder: Path, program: str, name: str = "part") -> Child:
    return Child(name, [sys.executable, "-c", program], folder)


def poll(happened: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)
    return happened()


def test_its_words_are_kept_for_the_day_it_fails(tmp_path: Path) -> None:
    child = run(tmp_path, "import sys; print('out'); sys.exit('no such file: x')")
    assert poll(lambda: child.exit_status() is not None)
    with pytest.raises(RoleFailed, match=r"part ended with status 1; its last lines:\n +out\n +no such file: x"):
        child.check_alive()


def test_a_signal_that_ended_it_is_named(tmp_path: Path) -> None:
    child = run(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert poll(lambda: child.exit_status() is not None)
    assert child.how_it_ended() == "part was ended by signal 9"


def test_what_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that hangs must not keep the whole from ending."""
    monkeypatch.setattr(child_module, "STOP_SECONDS_MAX", 0.2)
    child = run(tmp_path, STUBBORN)
    assert poll(lambda: "up" in child.log_tail())
    child.stop()
    assert child.exit_status() == -9


def test_several_end_in_the_time_of_one(tmp_path: Path) -> None:
    children = [run(tmp_path, SLEEPS, f"part-{number}") for number in range(3)]
    stop_together(children)
    assert not any(psutil.pid_exists(child.pid) for child in children)


def test_keeps_its_last_measure(tmp_path: Path) -> None:
    """A gateway that was killed has used what it has used."""
    child = run(tmp_path, "import time\nt = time.process_time()\nwhile time.process_time() - t < 60: pass")
    assert poll(lambda: child.usage().cpu_seconds > 0.05)
    measured = child.usage()
    child.stop()
    assert child.usage().cpu_seconds >= measured.cpu_seconds
    assert child.usage().rss_mib > 1


def test_ending_it_twice_is_normal(tmp_path: Path) -> None:
    with run(tmp_path, SLEEPS) as child:
        child.stop()
    assert child.exit_status() == -15


def test_a_terminals_signals_do_not_reach_it(tmp_path: Path) -> None:
    with run(tmp_path, SLEEPS) as child:
        assert os.getsid(child.pid) != os.getsid(0)
