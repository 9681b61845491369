"""What came of a run, for people and for programs."""

from __future__ import annotations

import json
from io import StringIO

from rich.console import Console

from outcry.conformance.check import Check, chosen
from outcry.conformance.rendering import render
from outcry.conformance.report import CheckVerdict, ConformanceReport, Result


def check(name: str) -> Check:
    return Check(name, "The client's rule", f"What {name} proves.", 10.0, 1, 1, is_contended=False)


def report(*verdicts: CheckVerdict) -> ConformanceReport:
    results = [
        Result(check(f"books.check_{number}"), verdict, f"[seen] {number}", 0.0123, 1)
        for number, verdict in enumerate(verdicts)
    ]
    return ConformanceReport(["ws://127.0.0.1:1/v1/stream"], "ACME", results, 1.5)


def rendered(shown: ConformanceReport, *, is_terminal: bool) -> str:
    written = StringIO()
    render(shown, Console(file=written, force_terminal=is_terminal, width=120, color_system=None))
    return written.getvalue()


def test_one_failure_is_bad_and_nothing_proven_is_not_good() -> None:
    """A suite that skipped everything has shown nothing."""
    assert report(CheckVerdict.PASS, CheckVerdict.SKIP).is_good
    assert not report(CheckVerdict.PASS, CheckVerdict.FAIL).is_good
    assert not report(CheckVerdict.SKIP).is_good
    assert not report().is_good


def test_a_pipe_gets_a_line_a_check_and_failures_with_their_sentence() -> None:
    text = rendered(report(CheckVerdict.PASS, CheckVerdict.FAIL), is_terminal=False)
    lines = text.splitlines()
    assert lines[0].split() == ["pass", "books.check_0", "12", "ms", "[seen]", "0"]
    assert "  docs/protocol.md#the-clients-rule: What books.check_1 proves." in lines
    assert lines[-1] == "2 checks: 1 pass, 1 fail, 0 skip; 1.5 s, trading ACME"


def test_a_terminal_gets_a_table_by_section() -> None:
    text = rendered(report(CheckVerdict.PASS, CheckVerdict.SKIP), is_terminal=True)
    assert "The client's rule" in text
    assert "[seen] 1" in text


def test_json_names_everything() -> None:
    document = json.loads(report(CheckVerdict.PASS, CheckVerdict.FAIL).to_json())
    assert document["counts"] == {"pass": 1, "fail": 1, "skip": 0}
    assert document["is_good"] is False
    assert document["checks"][1] == {
        "name": "books.check_1",
        "verdict": "fail",
        "seen": "[seen] 1",
        "proves": "What books.check_1 proves.",
        "section": "docs/protocol.md#the-clients-rule",
        "seconds": 0.012,
        "attempts": 1,
    }


def test_checks_are_chosen_by_a_word_or_a_pattern() -> None:
    checks = [check("books.windows"), check("books.digest"), check("resume.windows")]
    assert chosen(checks, "") == checks
    assert chosen(checks, "windows") == [checks[0], checks[2]]
    assert chosen(checks, "books.*") == checks[:2]
    assert chosen(checks, "nothing") == []
