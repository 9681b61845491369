"""A file of transfers: every line is one transfer, for ever, or the whole file is refused."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.administration.transfer_file import read_transfers

GOOD = '''\
user,kind,asset,amount,available_from,note
ann,grant,ACME,100,2027-01-14,"für ""Ann"""
bob,deposit,USD,1000.50,,
bob,withdrawal,USD,1,,back
ann,forfeit,ACME,5,,
ann,grant,ACME,1,2027-01-14T08:00+01:00,
'''


def test_each_line_is_a_transfer_named_by_file_and_line() -> None:
    actions = read_transfers(GOOD, "grants.csv")
    head = {"action": "make_transfer"}
    assert actions[0] == head | {
        "transfer_id": "grants-2",
        "kind": "grant",
        "asset": "ACME",
        "debit": "~issuer",
        "credit": "ann",
        "amount": 100,
        "available_from": 1_799_884_800_000_000,
        "note": 'für "Ann"',
    }
    assert [(each["debit"], each["credit"], each["amount"]) for each in actions[1:4]] == [
        ("~bank", "bob", 1_000_500_000),
        ("bob", "~bank", 1_000_000),
        ("ann", "~issuer", 5),
    ]
    assert actions[4]["available_from"] == 1_799_884_800_000_000 + 7 * 3_600_000_000
    assert [each["transfer_id"] for each in actions] == [f"grants-{n}" for n in range(2, 7)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("an n,grant,ACME,1,,", "user: must match"),
        ("ann,gift,ACME,1,,", "kind: must be one of deposit, withdrawal, grant, forfeit, not 'gift'"),
        ("ann,grant,ACME,1.5,,", "amount: must be a whole number of lots from 1, not '1.5'"),
        ("ann,grant,ACME,0,,", "amount: must be a whole number of lots from 1, not '0'"),
        ("ann,deposit,USD,x,,", "amount: must be above 0"),
        ("ann,deposit,USD,0.0000001,,", "amount: must be above 0 and of at most six places"),
        ("ann,grant,ACME,1,14.1.2027,", "available_from: must be a date such as 2027-01-14"),
        ("ann,grant,ACME,1,2027-01-14T08:00,", "available_from: a time names its zone"),
        ("ann,grant,ACME,1", "has another number of fields than the first line"),
        ("ann,grant,ACME,1,,,,", "has another number of fields than the first line"),
        ("ann,grant,ACME,1,,a\x07b", "note: must match"),
    ],
)
def test_a_fault_has_its_line(line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_transfers(GOOD + line + "\n", "grants.csv")
    assert str(caught.value).startswith(f"grants.csv:7: {fault}")


def test_the_first_line_names_the_columns() -> None:
    with pytest.raises(ConfigurationError, match=r"grants.csv:1: its columns are user, kind, asset, amount"):
        read_transfers("ann,grant,ACME,1\n", "grants.csv")
    with pytest.raises(ConfigurationError, match=r"its name without the end must be"):
        read_transfers(GOOD, "grants for ann.csv")
