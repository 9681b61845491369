from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.demo.options import DemoOptions
from outcry.load.crew_options import CrewOptions
from outcry.stack.options import StackOptions

GOOD = DemoOptions(
    stack=StackOptions(gateways=3, redis_url=None, port=None),
    crew=CrewOptions(users=1_000, verify_percent=5, load_processes=2),
    seconds=30,
    rate=200,
    hot=False,
    replay=None,
    seed=1,
)


def test_the_defaults_are_good() -> None:
    assert GOOD.checked() is GOOD


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"crew": GOOD.crew._replace(users=0)}, "--users"),
        ({"crew": GOOD.crew._replace(users=1_000_000)}, "--users"),
        ({"seconds": -1}, "--seconds"),
        ({"rate": 0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"crew": GOOD.crew._replace(verify_percent=101)}, "--verify"),
        ({"crew": GOOD.crew._replace(load_processes=0)}, "--load-processes"),
        ({"stack": GOOD.stack._replace(gateways=0)}, "--gateways"),
        ({"stack": GOOD.stack._replace(port=80)}, "--port"),
        ({"stack": GOOD.stack._replace(port=65_535)}, "--port"),
    ],
)
def test_a_wrong_flag_is_named(change: dict[str, Any], flag: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{flag} must be"):
        GOOD._replace(**change).checked()
