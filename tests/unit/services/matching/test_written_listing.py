"""What people write to list instruments: taken whole, or refused by instrument, field and rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from services.matching.command_log import decode_entry
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.written_listing import NAME_MAX, read_listing
from shared.logs.commands import ListInstrument, encode_commands


def test_the_default_listing_can_be_written() -> None:
    """And what is read is what writers write: the engine skips an entry that is not, with all that it lists."""
    rows = [instrument._asdict() for instrument in DEFAULT_LISTING]
    listing = read_listing(json.dumps(rows))
    assert listing == DEFAULT_LISTING
    written = encode_commands([ListInstrument("leader", n, each) for n, each in enumerate(listing, 1)])
    assert len(decode_entry("log", b"1-0", {b"c": written}).commands) == len(DEFAULT_LISTING)
    assert read_listing("[]") == ()
    assert read_listing('[{"symbol": "A", "session": {"opens": "09:30", "closes": "16:00"}}]') == (
        Instrument("A", session={"opens": "09:30", "closes": "16:00"}),
    )


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("lot_size", True, "lot_size must be a whole number, not true"),
        ("price_max", 1e9, "price_max must be a whole number, not 1000000000.0"),
        ("quantity_max", "5", "quantity_max must be a whole number"),
        ("tick_size", 0.01, "tick_size must be a text"),
        ("name", 7, "name must be a text"),
        ("name", "x" * (NAME_MAX + 1), "name must be a text of 0 to 256 letters"),
        ("currency", "", "currency must be a text of 1 to 16 letters"),
        ("session", 5, "session must be null, or"),
        ("session", {"opens": "9:30", "closes": "16:00"}, "session must be null, or"),
        ("session", {"opens": "09:30"}, "session must be null, or"),
        ("option", [1], "option must be null, or a map"),
        ("option", {"strike": 1.5}, "option must be null, or a map of texts and whole numbers"),
        ("option", {"strike": {}}, "option must be null, or a map"),
        ("ticks", "0.01", "there is no field 'ticks'; fields are symbol, kind"),
        ("kind", "bond", "kind must be one of share, option, internal"),
        ("quantity_max", 2**40, "quantity_max must be a whole number from 1 to 2147483647"),
    ],
)
def test_a_field_of_the_wrong_type_is_told(field: str, value: Any, rule: str) -> None:
    """They were taken, and the engine then skipped its own entry: a market without instruments, and no error."""
    with pytest.raises(ConfigurationError, match=r"^instrument .*") as told:
        read_listing(json.dumps([{"symbol": "OK"}, {"symbol": "A", field: value}]))
    assert rule in str(told.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{}", "must be a list of instruments, in [ ], not a map"),
        ("7", "must be a list of instruments, in [ ], not a number"),
        ("[1]", "instrument 1: must be a map of fields, in { }, not a number"),
        ("[{}]", "symbol must be given"),
        ('[{"symbol": "A"}, {"symbol": "A"}]', "instrument 2: symbol 'A' is listed twice"),
        ('[{"symbol": "A", "symbol": "B"}]', "'symbol' stands twice"),
        ('[{"symbol": "A", "kind": "option", "option": {"strike": NaN}}]', "NaN is no number"),
        ("[" * 100_000, "is no JSON"),
        ("nan", "is no JSON"),
        (json.dumps([{"symbol": f"A{n}"} for n in range(10_001)]), "lists 10001 instruments, the limit is 10000"),
    ],
)
def test_a_text_that_is_no_listing_is_told(text: str, rule: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        read_listing(text)
    assert rule in str(told.value)
