"""The fan-out benchmark runs, searches rates rightly, and compares within a run. Nothing here looks at a time."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.fan_out.__main__ import ALL, NEED_NOTHING, main
from benchmarks.fan_out.build import NoCompiler, program
from benchmarks.fan_out.ladder import Ladder, Try, climb, refine
from benchmarks.fan_out.look import Look
from benchmarks.fan_out.mark import MARK_BYTES, marked
from benchmarks.fan_out.peers import environment
from benchmarks.fan_out.peers.c_loop import CLoop
from benchmarks.fan_out.peers.environment import NotInstalled
from benchmarks.fan_out.peers.picows_loop import PicowsLoop
from benchmarks.fan_out.publisher import Publisher, Sink
from benchmarks.fan_out.race import TINY, Results, Steady
from benchmarks.fan_out.tables import CONVEYED_COLUMNS, COST_COLUMNS, TIMES, conveyed, cost
from benchmarks.fan_out.usage import Used
from benchmarks.measure import Spread

DEADLINE_S = 10.0


def test_a_tiny_run_measures_ours_the_limit_and_a_peer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The smoke of CI: everything that needs no installation takes part, and nobody fails."""
    try:
        program("users")
    except NoCompiler as error:
        pytest.skip(str(error))
    results = tmp_path / "results.json"
    assert main(["--tiny", "--json", str(results)]) == 0
    assert "failed" not in capsys.readouterr().err
    tables = {table["name"]: table for table in json.loads(results.read_text(encoding="utf-8"))["tables"]}
    assert len(tables["fan-out"]["rows"]) == len(NEED_NOTHING)
    assert len(tables["fan-out-conveyed"]["rows"]) == 2


def look(rate: float, *, p99_ms: float = 1.0, share: float = 1.0, cpu_s: float = 1.0) -> Look:
    updates = int(rate * share * 1_000)
    used = Used(cpu_s / 2, cpu_s / 2)
    return Look(rate, 1.0, 1_000, updates, updates, updates, 50 * updates, p99_ms / 2, p99_ms, used, used, {})


def server(capacity: float, prompt: float) -> tuple[Try, list[float]]:
    """A server that delivers up to its capacity, promptly up to another rate; and the rates it was asked for."""
    asked: list[float] = []

    async def attempt(rate: float) -> Look:
        asked.append(rate)
        return look(rate, p99_ms=10.0 if rate <= prompt else 50.0, share=1.0 if rate <= capacity else 0.5)

    return attempt, asked


async def test_the_rate_is_doubled_until_it_is_not_sustained() -> None:
    attempt, asked = server(capacity=1_000, prompt=300)
    ladder = await climb(attempt, 100)
    assert asked == [100, 200, 400, 800, 1600, 1600]
    assert [found.rate for found in (ladder.highest(100), ladder.highest(25)) if found] == [800, 200]


async def test_one_hiccup_does_not_end_the_search() -> None:
    attempt, asked = server(capacity=300, prompt=300)
    hiccups = [look(200, share=0.5)]

    async def disturbed(rate: float) -> Look:
        return hiccups.pop() if rate == 200 and hiccups else await attempt(rate)

    ladder = await climb(disturbed, 100)
    assert asked == [100, 200, 400, 400]
    assert [found.rate for found in ladder.looks if found.sustains()] == [100, 200]


async def test_a_first_rate_that_is_too_high_is_halved() -> None:
    attempt, asked = server(capacity=30, prompt=30)
    await climb(attempt, 100)
    assert asked == [100, 100, 50, 25]


async def test_a_server_that_sustains_nothing_ends_the_search() -> None:
    attempt, asked = server(capacity=0, prompt=0)
    ladder = await refine(await climb(attempt, 100), attempt, 25)
    assert ladder.highest(100) is None
    assert len(asked) <= 10


async def test_the_search_halves_in_between_good_and_bad() -> None:
    """Doubling alone would be wrong by up to half."""
    attempt, _ = server(capacity=1_000, prompt=300)
    found = (await refine(await climb(attempt, 100), attempt, 25)).highest(25)
    assert found is not None
    assert 275 < found.rate <= 300


@pytest.mark.parametrize("bad", [look(1, share=0.97), look(1, p99_ms=101), look(1)._replace(faults={"gaps": 1})])
def test_what_is_late_missing_or_wrong_is_not_sustained(bad: Look) -> None:
    assert look(1).sustains()
    assert not bad.sustains()


class SlowSink(Sink):
    """A server that makes its publisher wait."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def encode(self, payload: bytes) -> bytes:
        return payload

    def send(self, payloads: Sequence[bytes]) -> None:
        time.sleep(0.01)
        self.taken += payloads

    def close(self) -> None:
        """Nothing is open."""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_updates_bear_the_time_at_which_they_were_due() -> None:
    """Else a server that stalls would stop the clock as well (coordinated omission)."""
    sink = SlowSink()
    publisher = Publisher(lambda: sink, rate=1_000, size=64, first=7)
    until(lambda: len(sink.taken) > 50)
    publisher.stop()
    times = [int(payload[5:21], 16) for payload in sink.taken]
    counters = [int(payload[22:38], 16) for payload in sink.taken]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {1_000}
    assert counters == list(range(7, publisher.next_counter))
    assert {len(payload) for payload in sink.taken} == {64}


def test_a_publisher_whose_server_is_gone_says_so() -> None:
    def refuse() -> Sink:
        raise ConnectionRefusedError

    publisher = Publisher(refuse, rate=1_000, size=64, first=1)
    publisher.stop()
    assert isinstance(publisher.failure, ConnectionRefusedError)


def test_a_mark_is_never_shorter_than_itself() -> None:
    assert marked(1, 2, 10) == b"OOUT:0000000000000002:0000000000000001;"
    assert len(marked(1, 2, 10)) == MARK_BYTES


def results_of(*cpu_s: tuple[float, float]) -> Results:
    """Runs of the C loop and of broadcast, by the CPU seconds of each."""
    chosen = [contestant for contestant in ALL if contestant.name in {"c-loop", "broadcast"}]
    results = Results(chosen)
    for number, (loop, broadcast) in enumerate(cpu_s):
        results.steady["c-loop"][number] = Steady(look(100, cpu_s=loop), 0, 50)
        results.steady["broadcast"][number] = Steady(look(100, cpu_s=broadcast), 1_024, 50)
    return results


def test_ratios_are_taken_within_a_run() -> None:
    """A neighbour that slows a whole run down changes no ratio."""
    table = cost(results_of((1, 2), (10, 20), (3, 6)), TINY)
    column = list(COST_COLUMNS).index(f"{TIMES} C loop")
    assert [row[column] for row in table.rows] == [Spread(1, 1, 1), Spread(2, 2, 2)]


def test_who_is_missing_or_failed_is_named_in_the_tables() -> None:
    results = results_of((1, 2))
    results.absent["broadcast"] = "not installed: try this"
    results.failed["c-loop"] = "it fell over\n  its log"
    results.ladders["c-loop"][0] = Ladder([look(100)])
    tables = cost(results, TINY), conveyed(results, TINY, ["c-loop", "broadcast"])
    for table, columns in zip(tables, (COST_COLUMNS, CONVEYED_COLUMNS), strict=True):
        assert {len(row) for row in table.rows} == {len(columns)}
        names = " ".join(str(row[0]) for row in table.rows)
        assert "broadcast: not installed: try this" in names
        assert "it fell over" in names


def test_a_peer_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    with pytest.raises(NotInstalled, match=r"python -m benchmarks\.fan_out\.peers install picows"):
        PicowsLoop().check()


def test_no_compiler_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.fan_out.build.BUILT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCompiler, match="gcc"):
        CLoop().check()


def test_every_contestant_has_a_name_of_its_own() -> None:
    assert len({contestant.name for contestant in ALL}) == len(ALL)
    assert all(contestant.title for contestant in ALL)
