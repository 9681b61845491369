"""The market's file: what is wrong with it is told with line and key."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.administration.market_file import read_market
from outcry.administration.toml_lines import TomlLines

WRONG = '''\
[market]
accounting = "full"
four_eyes = 1

# comment [x]
[instruments.ACME]
collar_bp = 10_000
stepp = 3
option = { underlying = "ACME", right = "call" }
name = """
[limits.no]
x = 3
"""
[limits.staff]
order_value_max = 50_000
order_quantity_max = 0
[limits."user:ann".instruments.ACME]
may_short = -1
[limits.finance]
order_value_max = "x"
[groups]
staff = ["ann",
  "b b"]
[roles]
'''


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_market(text, "market.toml")
    return str(caught.value).splitlines()


def test_every_fault_has_its_line_and_key() -> None:
    starts = [
        "market.toml:3: market.four_eyes: ",
        "market.toml:7: instruments.ACME.collar_bp: must be at most 9999, not 10000",
        "market.toml:8: instruments.ACME.stepp: is no key here",
        "market.toml:9: instruments.ACME.option.expiry: is required",
        "market.toml:9: instruments.ACME.option.strike: is required",
        "market.toml:10: instruments.ACME.name: must match",
        "market.toml:16: limits.staff.order_quantity_max: must be at least 1, not 0",
        "market.toml:18: limits.user:ann.instruments.ACME.may_short: must be at least 0, not -1",
        "market.toml:20: limits.finance.order_value_max: must be above 0 and of at most six places",
        "market.toml:22: groups.staff[1]: must match",
        "market.toml:24: roles: is no key here",
    ]
    told = faults(WRONG)
    assert [fault for fault, start in zip(told, starts, strict=True) if not fault.startswith(start)] == []


ROWS = """\
[instruments.ACME]
[[instruments.ACME.tick_table]]
from = 1
step = 1
[[instruments.ACME.tick_table]]
from = 1_000
step = 5
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (ROWS.replace("= 5", "= 3"), "market.toml:7: instruments.ACME.tick_table[1].step: must divide 1,000, not 3"),
        (
            ROWS.replace("step = 5", "stepp = 5"),
            "market.toml:7: instruments.ACME.tick_table[1].stepp: is no key of a tick table row",
        ),
        (ROWS.replace("from = 1\n", ""), "market.toml:2: instruments.ACME.tick_table[0].from: is required"),
        (ROWS.replace("= 5", "= 0"), "market.toml:7: instruments.ACME.tick_table[1].step: must be at least 1, not 0"),
        (
            "[instruments.ACME]\ntick_table = [[1, 1], [1000, 3]]",
            "market.toml:2: instruments.ACME.tick_table[1].step: must divide 1,000, not 3",
        ),
        (
            "[instruments.ACME]\ntick_table = [[2, 1]]",
            "market.toml:2: instruments.ACME.tick_table[0].from: the first row is from 1, not 2",
        ),
    ],
)
def test_a_wrong_tick_table_is_told_by_row_and_key(text: str, fault: str) -> None:
    assert fault in faults(text)


def test_a_tick_table_may_be_written_in_two_ways() -> None:
    table = [[1, 1], [1_000, 5]]
    for text in (ROWS, "[instruments.ACME]\ntick_table = [[1, 1], [1_000, 5]]"):
        assert read_market(text, "market.toml").instruments["ACME"].tick_table == table


def test_wrong_syntax_has_its_line() -> None:
    assert faults("[market]\naccounting = full\n") == ["market.toml:2: Invalid value"]


def test_faults_beyond_some_are_counted() -> None:
    text = "[market]\n" + "".join(f"x{n} = 1\n" for n in range(30))
    assert faults(text)[-1] == "market.toml: and 10 faults more"


def test_money_is_read_in_millionths() -> None:
    text = '[limits.staff]\norder_value_max = "1000.50"\n[limits.everybody]\norder_value_max = 7\n'
    limits = read_market(text, "market.toml").limits
    assert limits is not None
    assert [row.order_value_max for row in limits.values()] == [1_000_500_000, 7_000_000]
    assert faults('[limits.a]\norder_value_max = "0.0000001"') == [
        'market.toml:2: limits.a.order_value_max: must be above 0 and of at most six places, such as 1000 or "1000.50"'
    ]


@pytest.mark.parametrize(
    "text", ["1e900000", "1e999999999", "nan", "-1", "٣", "1." + "0" * 40 + "1", "9" * 19, " 1", ""]
)
def test_odd_money_is_refused_at_once(text: str) -> None:
    """An exponent took more than a minute, or ended the program; the 41st place was rounded away."""
    [fault] = faults(f'[limits.a]\norder_value_max = "{text}"')
    assert fault.startswith("market.toml:2: limits.a.order_value_max: must be above 0")


@pytest.mark.parametrize("text", ["x = " + "9" * 5_000, "x = " + "[" * 5_000])
def test_what_the_reader_of_toml_cannot_take_is_a_fault(text: str) -> None:
    assert faults(text)[0].startswith("market.toml:1: is no market's file: ")


def test_lines_of_keys() -> None:
    first = "a = 1\n[[t.rows]]\nx = [ # [\n  ']', 2,\n]\ny.z = 'a = 3'\n"
    second = "[[t.rows]]\n\"x\" = 2\ntext = '''\nx = 9\n''' # '\nq = 1\n"
    lines = TomlLines(first + second)
    expected = {
        ("a",): 1,
        ("t", "rows", 0): 2,
        ("t", "rows", 0, "x"): 3,
        ("t", "rows", 0, "y", "z"): 6,
        ("t", "rows", 1): 7,
        ("t", "rows", 1, "x"): 8,
        ("t", "rows", 1, "x", 3, "deep"): 8,
        ("t", "rows", 1, "text"): 9,
        ("t", "rows", 1, "q"): 12,
        ("nothing",): 1,
    }
    assert {path: lines.line_of(path) for path in expected} == expected
