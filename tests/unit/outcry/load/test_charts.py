"""What is marked in a plot can be read, however close the marks are."""

from __future__ import annotations

import itertools
import re

from outcry.load.charts import latency_over_time
from outcry.load.report import Happening
from tests.unit.outcry.load.figures import a_point


def test_marks_near_each_other_are_named_one_below_the_other() -> None:
    """The demo's three stand five seconds apart, and their words are longer: they were written into each other."""
    deeds = ("a gateway dies", "the leading engine dies", "a blackout begins", "one more", "a fifth")
    happenings = [Happening(20.0 + 5 * n, deed, "", 0, None) for n, deed in enumerate(deeds)]
    svg = latency_over_time([a_point(float(t)) for t in range(60)], happenings)
    tops = [float(found[1]) for deed in deeds if (found := re.search(rf'y="([\d.]+)"[^>]*>{deed}<', svg))]
    assert len(tops) == len(deeds)
    assert all(later - earlier >= 8 for earlier, later in itertools.pairwise(tops[:4]))
    assert tops[4] == tops[0]
