"""Log lines are JSON for machines, and tell no secrets."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from shared.aio.logging import configure_logging


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    configure_logging()
    yield errors
    structlog.reset_defaults()


def test_a_line_is_an_object_with_its_fields(lines: io.StringIO) -> None:
    structlog.get_logger().bind(source="gateway-1").info("session opened", session="s1", user="ann")
    structlog.get_logger().debug("too small to tell")
    line = json.loads(lines.getvalue())
    assert (line["event"], line["level"]) == ("session opened", "info")
    assert (line["source"], line["session"], line["user"]) == ("gateway-1", "s1", "ann")
    assert line["timestamp"].endswith("Z")


def test_a_traceback_names_places_and_no_values(lines: io.StringIO) -> None:
    """What variables hold at an error may be a token."""
    try:
        token = "s3cret"
        raise ValueError(len(token))
    except ValueError:
        structlog.get_logger().error("failed", exc_info=True)
    line = json.loads(lines.getvalue())
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "s3cret" not in lines.getvalue()
