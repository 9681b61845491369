"""What a stack can be told, at and beyond every limit."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.stack.options import ENGINES_MAX, GATEWAYS_MAX, PACE_MS_MAX, StackOptions, check_rate

GOOD = StackOptions(gateways=3, redis_url=None, port=None)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"gateways": 1},
        {"gateways": GATEWAYS_MAX},
        {"engines": ENGINES_MAX},
        {"port": 1024},
        {"port": 65_533},
        {"pace_ms": 0},
        {"pace_ms": PACE_MS_MAX},
    ],
)
def test_what_is_within_the_limits_is_taken(change: dict[str, Any]) -> None:
    options = GOOD._replace(**change)
    assert options.checked() is options


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gateways": 0}, "--gateways must be 1 to 64, not 0"),
        ({"gateways": GATEWAYS_MAX + 1}, "--gateways must be 1 to 64, not 65"),
        ({"engines": 0}, "--engines must be 1 to 8, not 0"),
        ({"engines": ENGINES_MAX + 1}, "--engines must be 1 to 8, not 9"),
        ({"port": 1023}, "--port must be 1024 to 65533, not 1023"),
        ({"port": 65_534}, "--port must be 1024 to 65533, not 65534"),
        ({"pace_ms": -1}, "--pace must be 0 to 1000 ms, not -1"),
        ({"pace_ms": float("nan")}, "--pace must be 0 to 1000 ms, not nan"),
    ],
)
def test_what_is_beyond_them_is_named_with_its_rule(change: dict[str, Any], said: str) -> None:
    """The last gateway's port counts too: three gateways from 65,534 on would need 65,536."""
    with pytest.raises(ConfigurationError) as caught:
        GOOD._replace(**change).checked()
    assert str(caught.value) == said


@pytest.mark.parametrize("rate", [0, -1, 1_000_001, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_named_by_its_flag(rate: float) -> None:
    check_rate(1_000_000, "--bots")
    with pytest.raises(ConfigurationError, match=r"^--bots must be above 0 and at most 1000000 book changes a second"):
        check_rate(rate, "--bots")
