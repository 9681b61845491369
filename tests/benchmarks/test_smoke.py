"""Every benchmark runs and tells a whole table. Nothing here looks at a time: a slow machine is no fault."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.__main__ import ALL
from benchmarks.command import run
from benchmarks.encodings import CODECS
from benchmarks.examples import EXAMPLES
from benchmarks.measure import TINY, Timing
from benchmarks.messages import SEED, SERIES
from benchmarks.table import NoPlace, Table, as_markdown, placed
from openoutcry.wire.messages import MESSAGE_TYPES

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTS = (DOCS / "protocol-choices.md", DOCS / "performance.md", DOCS / "market.md")


@pytest.fixture(scope="module", params=list(ALL))
def tables(request: pytest.FixtureRequest) -> list[Table]:
    return ALL[request.param](TINY)


def test_every_benchmark_fills_its_tables(tables: list[Table]) -> None:
    for table in tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert as_markdown(table, "command", "machine").count("\n|") == len(table.rows) + 2


def test_a_document_has_a_place_for_every_table(tables: list[Table]) -> None:
    """A table that is measured and shown nowhere would be a claim without its evidence."""
    documents = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    placed(documents, [(table.name, "") for table in tables])


def test_results_are_written_for_people_programs_and_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, document = tmp_path / "results.json", tmp_path / "document.md"
    document.write_text("# Title\n\n<!-- table: fan-out-encode -->\nold\n<!-- end -->\n\nText.\n", encoding="utf-8")
    name = "benchmarks.fan_out_encode"
    run({name: ALL[name]}, ["--tiny", "--json", str(results), "--update", str(document)])
    printed, written = capsys.readouterr().out, document.read_text(encoding="utf-8")
    assert printed.strip() in written
    assert "old" not in written
    assert written.endswith("<!-- end -->\n\nText.\n")
    [table] = json.loads(results.read_text(encoding="utf-8"))["tables"]
    assert table["command"] == f"python -m {name}"
    assert table["rows"][0][2]["median_ns"] > 0


def test_other_tables_of_a_document_are_left_alone() -> None:
    document = "<!-- table: a -->\n1\n<!-- end -->\n<!-- table: b -->\n2\n<!-- end -->\n"
    assert placed(document, [("b", "3\n")]) == document.replace("2", "3")
    with pytest.raises(NoPlace, match="c"):
        placed(document, [("c", "3\n")])


def test_every_message_type_is_measured_in_every_encoding() -> None:
    """And every encoding holds what it was given: a codec that drops fields would look small and fast."""
    made = [make(Random(SEED)) for make in EXAMPLES.values()]
    assert {type(message) for message in made} == set(MESSAGE_TYPES.values())
    for codec in CODECS.values():
        sizes = {codec.encode(message) for message in made}
        assert len(sizes) == len(made)
        assert all(codec.decode(payload) for payload in sizes)
    assert SERIES > 1


def test_protobuf_holds_every_field() -> None:
    for make in EXAMPLES.values():
        message = make(Random(SEED))
        text = str(CODECS["protobuf"].decode(CODECS["protobuf"].encode(message)))
        for value in message:
            if isinstance(value, int) and not isinstance(value, bool) and value:
                assert str(value) in text, (message, value)


def test_times_are_shared_out_in_equal_parts() -> None:
    assert Timing(30.0, 20.0, 40.0).per(10) == Timing(3.0, 2.0, 4.0)
    assert Timing(30.0, 20.0, 40.0).spread_ns == 10.0
