"""Expectations say what was wanted and what was seen."""

from __future__ import annotations

import pytest

from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code
from outcry.conformance.expectation import (
    SHOWN_CHARACTERS_MAX,
    Failed,
    expect,
    expect_equal,
    expect_ok,
    expect_one_of,
    expect_refused,
    shown,
)

ACCEPTED = Reply(1, True, "", "", {})
REFUSED = Reply(1, False, "bad_request", "price: is required", {})


def test_what_is_so_goes_on() -> None:
    expect([1], "never said")
    expect_equal(1, 1, "one")
    expect_one_of(1, [1, 2], "one")
    expect_ok(ACCEPTED)
    expect_refused(REFUSED, Code.BAD_REQUEST, "price")


def test_what_is_not_so_is_told() -> None:
    with pytest.raises(Failed, match="close code: wanted 4500, saw 1000"):
        expect_equal(1000, 4500, "close code")
    with pytest.raises(Failed, match=r"code: wanted one of \[1, 2\], saw 3"):
        expect_one_of(3, [1, 2], "code")
    with pytest.raises(Failed, match="refused: bad_request: 'price: is required'"):
        expect_ok(REFUSED)


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (ACCEPTED, "accepted"),
        (REFUSED._replace(code="busy"), "saw busy"),
        (REFUSED._replace(text="quantity: is required"), "does not name price"),
    ],
)
def test_a_refusal_must_have_its_code_and_name_the_field(reply: Reply, complaint: str) -> None:
    with pytest.raises(Failed, match=complaint):
        expect_refused(reply, Code.BAD_REQUEST, "price")


def test_a_refusal_needs_a_sentence() -> None:
    with pytest.raises(Failed, match="does not name anything"):
        expect_refused(REFUSED._replace(text=""), Code.BAD_REQUEST)


def test_long_values_are_cut() -> None:
    assert len(shown("x" * 1000)) == SHOWN_CHARACTERS_MAX
