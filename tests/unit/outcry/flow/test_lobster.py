from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.types import Side
from outcry.flow.lobster import LobsterMessage, LobsterType, parse_line, read_messages

GOOD = "34200.004241176,1,16113575,18,5853300,1"


def test_reads_a_line_of_the_real_file() -> None:
    assert parse_line(GOOD, "f line 1") == LobsterMessage(
        34_200_004_241_176, LobsterType.NEW_ORDER, 16_113_575, 18, 5_853_300, Side.BID
    )


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        ("34200", 34_200_000_000_000),
        ("34200.5", 34_200_500_000_000),
        ("34200.00426064", 34_200_004_260_640),
        ("0.0000000019", 1),
    ],
)
def test_times_are_exact(time: str, nanoseconds: int) -> None:
    """Files drop trailing zeros, and a float would be off by microseconds late in the day."""
    assert parse_line(f"{time},1,1,1,100,1", "f").time_ns == nanoseconds


def test_a_halt_has_no_order() -> None:
    """Its size is 0 and its price a code, -1 among them."""
    halt = parse_line("34713.685155243,7,0,0,-1,-1", "f")
    assert (halt.kind, halt.price) == (LobsterType.HALT, -1)


@pytest.mark.parametrize("order_id", [-1, -4, 0, 17])
def test_a_cross_trade_has_any_order_id(order_id: int) -> None:
    """Auctions are told with ids below 0."""
    cross = parse_line(f"34200.189608068,6,{order_id},190,118600,-1", "f")
    assert (cross.kind, cross.order_id) == (LobsterType.CROSS_TRADE, order_id)


@pytest.mark.parametrize("kind", [5, 6, 7])
@pytest.mark.parametrize("columns", ["-1,0,0", "0,-5,-118600", "99999999999999999999,1,0"])
def test_what_names_no_order_may_hold_any_numbers(kind: int, columns: str) -> None:
    """It is passed over, and whoever sells such files fills these columns as they like."""
    assert parse_line(f"34200.1,{kind},{columns},-1", "f").kind == kind


def test_blanks_around_columns_are_no_part_of_them() -> None:
    assert parse_line(GOOD.replace(",", ", ") + " \n", "f") == parse_line(GOOD, "f")


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_no_message_of_an_order_has_an_id_below_0(kind: int) -> None:
    with pytest.raises(ConfigurationError, match=r"column 3 \(order id\)"):
        parse_line(f"34200.1,{kind},-1,190,118600,-1", "f")


@pytest.mark.parametrize("remark", ["", "null", "a remark, with a comma", "7"])
def test_what_follows_the_sixth_column_is_a_remark(remark: str) -> None:
    assert parse_line(f"{GOOD},{remark}\r\n", "f") == parse_line(GOOD, "f")


@pytest.mark.parametrize("end", ["\n", "\r\n", "", " \n", "\n\n"])
def test_empty_lines_at_the_end_are_no_error(end: str) -> None:
    assert len(list(read_messages([GOOD + "\n", *end.splitlines(keepends=True)], "f"))) == 1


def test_an_empty_line_between_others_is_told() -> None:
    """A file that was put together wrongly: what is missing there nobody knows."""
    with pytest.raises(ConfigurationError, match=r"^f line 2: must not be empty"):
        list(read_messages([GOOD + "\n", "\n", "\n", GOOD + "\n"], "f"))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "must have 6 columns"),
        ("34200.1,1,5,18,5853300", "must have 6 columns .*, not 5"),
        ("noon,1,5,18,5853300,1", r"column 1 \(time\): must be seconds after midnight"),
        ("-1,1,5,18,5853300,1", r"column 1 \(time\)"),
        ("34200.1e5,1,5,18,5853300,1", r"column 1 \(time\)"),
        ("34200.1,8,5,18,5853300,1", r"column 2 \(type\): must be one of 1, 2, 3, 4, 5, 6, 7, not '8'"),
        ("34200.1,1,x,18,5853300,1", r"column 3 \(order id\): must be a whole number of at least 0, not 'x'"),
        ("34200.1,1," + "1" * 21 + ",18,5853300,1", r"column 3 \(order id\): must be a whole number of at most 20"),
        ("34200.1,5,-,18,5853300,1", r"column 3 \(order id\): must be a whole number, not '-'"),
        ("34200.1,1,5,0,5853300,1", r"column 4 \(size\): must be a whole number of at least 1, not '0'"),
        ("34200.1,1,5,18.5,5853300,1", r"column 4 \(size\)"),
        ("34200.1,1,5,18,-5853300,1", r"column 5 \(price\)"),
        ("34200.1,1,5,18,5853300,0", r"column 6 \(direction\): must be 1 or -1, not '0'"),
        ("34200.1,1,5,18,\N{ARABIC-INDIC DIGIT FIVE},1", r"column 5 \(price\)"),
        ("34200.1,1,5,18," + "9" * 500 + ",1", r"column 5 \(price\): .*…"),
    ],
)
def test_a_bad_line_is_told_by_line_column_and_rule(line: str, complaint: str) -> None:
    """Whoever has a file of a million lines must be told where to look."""
    with pytest.raises(ConfigurationError, match=rf"^day\.csv line 3.*{complaint}"):
        parse_line(line, "day.csv line 3")


def test_lines_are_counted_from_one() -> None:
    messages = read_messages([GOOD + "\n", GOOD + "\r\n", "junk\n"], "day.csv")
    assert len([next(messages), next(messages)]) == 2
    with pytest.raises(ConfigurationError, match=r"^day\.csv line 3:"):
        next(messages)


def test_time_may_stand_still_but_not_go_back() -> None:
    """Out of order is a file that was put together wrongly: a replay of it would be fiction."""
    lines = ["34200.2,1,1,1,100,1", "34200.2,1,2,1,100,1", "34200.1,1,3,1,100,1"]
    messages = read_messages(lines, "day.csv")
    assert [next(messages).order_id, next(messages).order_id] == [1, 2]
    with pytest.raises(ConfigurationError, match=r"line 3, column 1 \(time\): must not be before the line above"):
        next(messages)
