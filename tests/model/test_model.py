"""The driver of the model: what holds, what fails without its rule, and that a surprise is told as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checks import CHECKS, PROPERTIES, PUBLISHING, Check
from model.run import main, missing_programs, run_check, table

needs_spin = pytest.mark.skipif(
    bool(missing_programs()),
    reason=f"not installed: {', '.join(missing_programs())} (Debian: apt-get install spin gcc)",
)
QUICK = [check for check in CHECKS if check.is_quick]


def _titled(check: Check) -> str:
    return f"{check.model}-{check.shows}-{check.name or 'as it is'}"


def test_every_property_fails_without_some_rule() -> None:
    """A property that nothing breaks may be one that says nothing."""
    broken = {check.shows for check in CHECKS if not check.holds}
    assert broken == PROPERTIES.keys() - {"all"}


def test_every_flag_of_the_models_is_checked() -> None:
    """A rule that can be left out, and never is, has not been shown to matter."""
    folder = Path(__file__).parents[2] / "model"
    tested = {flag for check in CHECKS for flag in check.flags}
    for model in {check.model for check in CHECKS}:
        lines = (folder / f"{model}.pml").read_text().splitlines()
        words = {
            word.strip("!()") for line in lines if line.startswith(("#ifdef", "#elif")) for word in line.split()[1:]
        }
        flags = {word.removeprefix("defined(") for word in words} - {"LIVENESS"}
        assert flags <= tested, flags - tested


@needs_spin
@pytest.mark.parametrize("check", QUICK, ids=_titled)
def test_it_comes_out_as_promised(check: Check, tmp_path: Path) -> None:
    """The subset that takes seconds; `make model` has the rest."""
    outcome = run_check(check, tmp_path)
    assert outcome.is_expected, outcome.result
    assert outcome.numbers["states"] > 0


@needs_spin
def test_a_mutation_that_is_not_caught_is_told_as_such(tmp_path: Path) -> None:
    """A driver that calls everything well proves nothing."""
    harmless = Check(
        "", PUBLISHING, "S4", "nothing", (), holds=False, scope={"COMMANDS": 2, "ROLLBACKS": 0, "CRASHES": 0}
    )
    outcome = run_check(harmless, tmp_path)
    assert not outcome.is_expected
    assert "NOT AS EXPECTED" in table([outcome])


@needs_spin
def test_a_model_that_does_not_compile_is_told_as_such(tmp_path: Path) -> None:
    """Nothing looked at is not nothing found."""
    broken = Check("", PUBLISHING, "S4", "", ("ROLLBACKS=((",), holds=True, scope={"COMMANDS": 2})
    assert not run_check(broken, tmp_path).is_expected


def test_a_check_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Zero checks passed is no success."""
    assert main(["--only", "NO_SUCH_RULE"]) == 2
