"""The engine's benchmark: the flows are what they say, ours agree with each other, and who is absent is named.

Peers stand in environments that a clone does not have, so nothing here needs one; nothing looks at a time.
"""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.engine import __main__ as command
from benchmarks.engine import peers, race
from benchmarks.engine.contestants.openoutcry import Book, Market
from benchmarks.engine.flow import ASK, BID, CANCEL, IOC, KINDS, LIMIT, MARKET, REDUCE, Row, read_flow, write_flow
from benchmarks.engine.recorded import RECORDED, recorded
from benchmarks.engine.runner import contestant, measured
from benchmarks.engine.synthetic import ACCOUNTS_A_SIDE, MID, synthetic
from benchmarks.table import as_markdown

EVERY_KIND = (
    Row(LIMIT, 1, BID, 100, 5, 1),
    Row(LIMIT, 2, ASK, 101, 7, 2),
    Row(IOC, 3, ASK, 100, 2, 3),
    Row(REDUCE, 2, 0, 0, 3, 2),
    Row(MARKET, 4, BID, 0, 9, 4),
    Row(CANCEL, 1, 0, 0, 0, 1),
    Row(CANCEL, 2, 0, 0, 0, 2),
)


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """A run freezes what stands before it; here that is everything of the tests."""
    yield
    gc.unfreeze()


@pytest.fixture
def no_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)


def test_a_flow_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    write_flow(path, EVERY_KIND)
    assert read_flow(path) == list(EVERY_KIND)
    assert {row.kind for row in EVERY_KIND} == set(KINDS)


def test_the_synthetic_flow_has_the_shares_that_its_title_says() -> None:
    rows = list(synthetic(seed=1, commands=20_000))
    kinds = Counter(row.kind for row in rows)
    limits = [row for row in rows if row.kind == LIMIT]
    crossing = [row for row in limits if (row.price >= MID if row.side == BID else row.price <= MID)]
    assert kinds[CANCEL] / len(rows) == pytest.approx(0.25, abs=0.02)
    assert kinds[MARKET] / len(rows) == pytest.approx(0.05, abs=0.01)
    assert len(crossing) / len(limits) == pytest.approx(0.1, abs=0.02)
    assert rows == list(synthetic(seed=1, commands=20_000))


def test_the_synthetic_flow_asks_everybody_for_the_same() -> None:
    """No cancel of an order that is gone, by its owner, and no self-trade: on those peers differ."""
    book = Book()
    owners: dict[int, int] = {}
    for row in synthetic(seed=1, commands=2_000):
        if row.kind == CANCEL:
            assert row.order_id in book.book.orders
            assert owners[row.order_id] == row.account
        else:
            owners[row.order_id] = row.account
            assert (row.account > ACCOUNTS_A_SIDE) == (row.side == ASK)
        book.play(book.prepare([row]))


@pytest.mark.parametrize("name", race.OURS)
def test_our_own_contestants_are_left_with_the_same(name: str) -> None:
    """The engine's accounts, replacements by total and batches change nothing of what trades."""
    rows = [*synthetic(seed=2, commands=600)]
    last = max(row.order_id for row in rows)
    rows += [row._replace(order_id=row.order_id + last) for row in EVERY_KIND]
    reference = Book()
    reference.play(reference.prepare(rows))
    result = measured(contestant(name), rows, seconds_max=60.0)
    assert result["commands"] == len(rows)
    assert tuple(result[field] for field in reference.standing()._fields) == reference.standing()


def test_commands_do_what_their_kinds_say() -> None:
    subject = Book()
    subject.play(subject.prepare(EVERY_KIND))
    assert subject.standing() == (2, 0, 0, 0)
    market = Market(batch=1)
    market.play(market.prepare(EVERY_KIND))
    assert market.standing() == (2, 0, 0, 0)
    assert market.packet_bytes


def test_who_is_slow_is_judged_by_what_it_has_done() -> None:
    """A peer whose cost grows with the book must not hold up the others."""
    rows = list(synthetic(seed=1, commands=600))
    assert measured(contestant("book"), rows, seconds_max=0.0)["commands"] == 256


@pytest.mark.usefixtures("no_peers")
def test_absent_peers_are_named_with_what_to_do() -> None:
    found, absent = race.racers()
    assert [racer.name for racer in found] == list(race.OURS)
    assert [peer.name for peer in absent] == list(peers.PEERS)
    assert all("benchmarks.engine.peers install" in peer.reason for peer in absent)


@pytest.mark.usefixtures("no_peers")
def test_why_a_peer_could_not_be_installed_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    (requirements / "nobody.txt").write_text("no requirement at all !!\n", encoding="utf-8")
    monkeypatch.setattr(peers, "REQUIREMENTS", requirements)
    absent = peers.install("nobody", sys.executable)
    assert absent is not None
    assert "Invalid requirement" in absent.reason
    assert peers.python_of("nobody") == absent


def test_every_peer_has_pinned_requirements() -> None:
    for name in peers.PEERS:
        lines = (peers.REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert all("==" in line for line in lines if line and not line.startswith("#")), name


def test_an_error_of_ours_ends_the_benchmark(tmp_path: Path) -> None:
    """A peer's error is a line of the table; ours is a bug."""
    missing = tmp_path / "missing.csv"
    ours, theirs = race.Racer("book", Path(sys.executable)), race.Racer("a peer", Path(sys.executable))
    with pytest.raises(race.Stopped, match="FileNotFoundError"):
        race.race(missing, [ours], runs=1)
    scores, stopped = race.race(missing, [theirs], runs=2)
    assert not scores
    assert "no contestant 'a peer'" in stopped[0].reason


@pytest.mark.usefixtures("no_peers")
def test_the_tables_are_whole_and_a_difference_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RECORDED", tmp_path / "absent.csv.gz")
    results = tmp_path / "results.json"
    command.main(["--tiny", "--json", str(results)])
    told = capsys.readouterr()
    assert "recorded skipped" in told.err
    assert "of matching-engine skipped" in told.err
    figures, check = json.loads(results.read_text(encoding="utf-8"))["tables"]
    assert [row[0] for row in figures["rows"]] == [*race.OURS.values(), *peers.PEERS]
    assert {row[-1] for row in check["rows"]} == {"nothing"}
    assert {len(row) for row in figures["rows"]} == {len(figures["columns"])}
    rows = list(synthetic(1, 600))
    score = race.Score("peer", "3", "1", 600, 0, *[None] * 3, KINDS, Book().standing())  # type: ignore[arg-type]
    assert "orders (201 expected)" in str(command._check(rows, score)[-1])


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded hour does not lie beside the project")
def test_the_recorded_hour_becomes_commands_that_trade() -> None:
    rows = list(recorded(RECORDED, commands=5_000))
    book = Book()
    book.play(book.prepare(rows))
    assert len(rows) == 5_000
    trades = book.standing().trades
    assert trades is not None
    # The file begins in a book that stands already, so an execution may find another order, or two, at its price.
    assert trades >= sum(row.kind == IOC for row in rows) > 100
    book.book.check_invariants()


def test_markdown_of_a_missing_peer_has_as_many_cells_as_columns(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.csv"
    write_flow(path, synthetic(1, 300))
    flow, absent = command.FLOWS[0], [peers.Absent("nobody", "not installed")]
    for table in command._tables(flow, path, [race.Racer("book", Path(sys.executable))], absent, runs=2):
        lines = as_markdown(table, "command", "machine").splitlines()
        assert {line.count("|") for line in lines if line.startswith("|")} == {len(table.columns) + 1}
