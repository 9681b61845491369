"""The script that publishes and the words for its answers."""

from __future__ import annotations

import re
from pathlib import Path

from services.matching.aio import publisher


def test_its_answers_are_those_that_are_known() -> None:
    """A word that is no `StoreAnswer` would end the leader; one that never comes would be a branch nobody tries."""
    script = (Path(publisher.__file__).parent / "publish.lua").read_text("utf-8")
    answers = " ".join(re.findall(r"return \{ (.*?),", script))
    assert sorted(set(re.findall(r"'(\w+)'", answers))) == sorted(answer.value for answer in publisher.StoreAnswer)
