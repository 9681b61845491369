"""`make soak`: a market under load for an hour, its store and its processes measured every few seconds.

Twenty writers append 5,000 entries a second, bots change the books 300 times a second, 150 users who check what they
are sent come and go. Ends with status 1 if a stream passes its bound, a key appears that nobody should have left, users
found something wrong, or a process's memory still grows at the end (judged from runs of ten minutes on).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psutil
from redis import Redis

from outcry.stack.aio.child import Child, stop_together
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from services.matching.aio.settings import MatchingSettings
from shared.logs.stream_keys import StreamKeys
from tests.soak.bounds import KEYS_MAX, exceeded, growth, has_levelled_off, stream_bounds

KEYS: Final = StreamKeys()
JUDGED_FROM_S: Final = 600.0
"""Memory of shorter runs is shown and not judged: histories of books are filling up."""
LOAD_ENDS_S: Final = 90.0


class Soak:
    """
    One run.

    Args:
        options: As of the command line.
        folder: Private; logs.
        stack: Running.
    """

    def __init__(self, options: argparse.Namespace, folder: Path, stack: Stack) -> None:
        self._options = options
        self._stack = stack
        self._redis = Redis.from_url(stack.redis_url)
        self.samples: list[dict[str, Any]] = []
        self.faults: list[str] = []
        python = [sys.executable, "-m"]
        self._load_report = folder / "load.json"
        self.children = [
            Child(
                "writers",
                [*python, "tests.soak.writers", "--redis-url", stack.redis_url, "--rate", str(options.entries)],
                folder,
            ),
            Child(
                "bots",
                [*python, "outcry", "bots", "--redis-url", stack.redis_url, "--rate", str(options.changes)],
                folder,
            ),
        ]
        urls = [word for url in stack.gateway_urls for word in ("--url", url)]
        words = ["load", *urls, "--secret-file", str(folder / "token-secret"), "--scenario", "churn"]
        words += ["--users", str(options.users), "--seconds", str(options.seconds), "--load-processes", "1"]
        self.load = Child("load", [*python, "outcry", *words, "--report", str(self._load_report)], folder)

    def measure(self, seconds: float) -> None:
        """Take one sample, and judge the store by it."""
        sample: dict[str, Any] = {"seconds": round(seconds)}
        sample["streams"] = {key: self._redis.xlen(key) for key in (KEYS.feed, KEYS.commands, KEYS.audit)}
        info = self._redis.info()
        added = self._redis.xinfo_stream(KEYS.commands)["entries-added"]
        sample["entries"] = added
        sample["store_mib"] = info["used_memory"] / 2**20
        sample["keys"] = self._redis.dbsize()
        for child in (*self._stack.engines, *self._stack.gateways):
            sample[child.name] = psutil.Process(child.pid).memory_info().rss / 2**20
        rate = 0.0
        if self.samples:
            last = self.samples[-1]
            rate = (added - last["entries"]) / max(1, sample["seconds"] - last["seconds"])
        sample["rate"] = rate
        has_ledger = bool(self._redis.exists(KEYS.ledger))
        bounds = stream_bounds(MatchingSettings(), KEYS, max(rate, self._options.entries), has_ledger=has_ledger)
        found = exceeded(sample["streams"], bounds)
        if sample["keys"] > KEYS_MAX:
            found.append(f"{sample['keys']} keys, and {KEYS_MAX} are the most")
        self.faults += [f"at {seconds:.0f} s: {each}" for each in found]
        self.samples.append(sample)

    def verdict(self) -> dict[str, Any]:
        """Judge the whole run."""
        report = json.loads(self._load_report.read_text()) if self._load_report.exists() else {}
        if report.get("verdict") != "ok":
            self.faults.append(f"users: {report.get('verdict', 'no report')} {report.get('problems', '')}")
        processes = {}
        for child in (*self._stack.engines, *self._stack.gateways):
            memory = [sample[child.name] for sample in self.samples]
            processes[child.name] = {"last_mib": memory[-1], "max_mib": max(memory), "growth_mib": growth(memory)}
            if self._options.seconds >= JUDGED_FROM_S and not has_levelled_off(memory):
                self.faults.append(
                    f"{child.name} grew by {growth(memory):.1f} MiB in the last third, to {memory[-1]:.1f}"
                )
        return {
            "seconds": self._options.seconds,
            "entries_a_second": (self.samples[-1]["entries"] - self.samples[0]["entries"])
            / max(1, self.samples[-1]["seconds"] - self.samples[0]["seconds"]),
            "longest": {
                key: max(sample["streams"][key] for sample in self.samples) for key in self.samples[0]["streams"]
            },
            "keys": max(sample["keys"] for sample in self.samples),
            "store_mib": max(sample["store_mib"] for sample in self.samples),
            "processes": processes,
            "faults": self.faults,
            "samples": self.samples,
        }


def show(sample: dict[str, Any]) -> str:
    """Return a sample as a line."""
    memory = " ".join(
        f"{name} {value:.1f}" for name, value in sample.items() if name.startswith(("matching", "gateway"))
    )
    streams = " ".join(f"{key.rsplit(':', 1)[-1]} {count:,}" for key, count in sample["streams"].items())
    store = f"keys {sample['keys']}  store {sample['store_mib']:.0f} MiB"
    return f"{sample['seconds']:>5} s  {sample['rate']:>7,.0f}/s  {streams}  {store}  {memory}"


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Start everything, measure until the time is over, end everything."""
    stop = StopSignal()
    with Stack(StackOptions(2, options.redis_url, None, engines=2), folder, lambda _: None) as stack:
        await stack.start(stop)
        soak = Soak(options, folder, stack)
        begun = time.monotonic()
        try:
            while (passed := time.monotonic() - begun) < options.seconds and soak.load.exit_status() is None:
                await asyncio.sleep(min(options.every, options.seconds - passed))
                soak.measure(time.monotonic() - begun)
                sys.stdout.write(show(soak.samples[-1]) + "\n")
                sys.stdout.flush()
            soak.load.wait_or_kill(time.monotonic() + LOAD_ENDS_S)
        finally:
            stop_together([soak.load, *soak.children])
        return soak.verdict()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--entries", type=float, default=4_700, help="entries a second, beside those of bots")
    parser.add_argument("--changes", type=float, default=300, help="changes of books a second")
    parser.add_argument("--users", type=int, default=150)
    parser.add_argument("--every", type=float, default=10, help="seconds between two samples")
    parser.add_argument("--redis-url", default=None, help="another store than one of our own")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(options, Path(folder)))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1))
    sys.stdout.write(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=1) + "\n")
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
