"""Wrong options are told by the flag and the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.conformance.options import ConformanceOptions

URL = "ws://127.0.0.1:8101/v1/stream"


def test_a_url_and_users_are_enough() -> None:
    for users in ({"tokens": ["a"]}, {"token_file": Path("tokens")}, {"secret_file": Path("secret")}):
        options = ConformanceOptions([URL], **users)  # type: ignore[arg-type]
        assert options.checked() is options


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (ConformanceOptions([], ["a"]), "at least one gateway"),
        (ConformanceOptions(["http://127.0.0.1"], ["a"]), "begins with ws:// or wss://"),
        (ConformanceOptions([URL]), "--secret-file, --token-file or --token"),
    ],
)
def test_what_is_missing_is_told(options: ConformanceOptions, rule: str) -> None:
    with pytest.raises(ConfigurationError, match=rule):
        options.checked()
