"""Commands as JSON, as they stand in the record."""

from __future__ import annotations

from services.ledger.record_json import fields_json
from shared.logs.commands import Confirm


def test_a_field_that_a_command_gained_is_told_only_where_it_says_something() -> None:
    """Else the record of before would not follow from its commands any more, and verify would name every one."""
    assert fields_json(Confirm("g", 1, "eve", "p1")) == '{"proposal_id":"p1","of_compliance":false}'
    told = fields_json(Confirm("g", 1, "eve", "p1", withdraws=True))
    assert told == '{"proposal_id":"p1","of_compliance":false,"withdraws":true}'
