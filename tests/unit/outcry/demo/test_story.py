"""The demo's story: what happens when, and sentences that say no more than was measured."""

from __future__ import annotations

import json

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.demo.story import NO_STORY, Cast, Chapter, StoryOptions, Turn, announcement, complaint, told

EVERYBODY = Cast(gateways=3, engines=2, keeps_accounts=True)
GATEWAY = Chapter(20.0, Turn.GATEWAY, "gateway-2", users_moved=333, back_ms=812.4, back_p50_ms=310.0, silent_ms=31.0)
ENGINE = Chapter(25.0, Turn.ENGINE, "matching-1", back_ms=1_447.0, silent_ms=1_276.0, orders_waiting=238)
BLACKOUT = Chapter(
    30.0, Turn.BLACKOUT, "ACME", orders_ended=23, users_closed_out=7, orders_refused=24, sentence="instrument: no"
)


def test_chapters_come_in_order_of_their_seconds() -> None:
    assert StoryOptions().chapters(EVERYBODY) == [(20.0, Turn.GATEWAY), (25.0, Turn.ENGINE), (30.0, Turn.BLACKOUT)]
    moved = StoryOptions(gateway=9.0, engine=3.0, blackout=0.0)
    assert moved.chapters(EVERYBODY) == [(3.0, Turn.ENGINE), (9.0, Turn.GATEWAY)]
    assert NO_STORY.chapters(EVERYBODY) == []


def test_nobody_is_killed_whom_nobody_replaces() -> None:
    """A single gateway's users would have nowhere to go, and a market without accounts has no rules."""
    alone = Cast(gateways=1, engines=1, keeps_accounts=False)
    assert StoryOptions().chapters(alone) == []


@pytest.mark.parametrize(("options", "flag"), [((-1, 5, 5), "kill-gateway"), ((5, 9_999, 5), "kill-engine")])
def test_a_second_that_is_none_is_refused(options: tuple[float, float, float], flag: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--{flag} must be a second from 0"):
        StoryOptions(*options).checked()


@pytest.mark.parametrize(
    ("chapter", "parts"),
    [
        (GATEWAY, ["333 users moved", "within 310 ms", "verified again after 812 ms", "31 ms"]),
        (ENGINE, ["stood still for 1,276 ms", "after 1,447 ms", "238 orders waited", "0 were lost"]),
        (BLACKOUT, ["23 resting orders of 7 insiders", "24 new ones", '"instrument: no"']),
    ],
)
def test_a_chapter_tells_its_figures(chapter: Chapter, parts: list[str]) -> None:
    text = "\n".join(told(chapter))
    assert [part for part in parts if part not in text] == []
    assert complaint(chapter) == ""
    assert chapter.victim in announcement(chapter.deed, chapter.victim, 333)


@pytest.mark.parametrize(
    ("chapter", "wrong"),
    [
        (GATEWAY._replace(back_ms=None), "not all users"),
        (ENGINE._replace(back_ms=None), "not all users"),
        (ENGINE._replace(orders_lost=2), "2 orders were lost"),
        (BLACKOUT._replace(orders_ended=0, orders_refused=0), "ended and refused nothing"),
    ],
)
def test_what_went_wrong_is_a_complaint(chapter: Chapter, wrong: str) -> None:
    assert wrong in complaint(chapter)


def test_a_chapter_is_json() -> None:
    row = json.loads(json.dumps(ENGINE.row()))
    assert (row["deed"], row["back_ms"], row["orders_lost"]) == ("engine", 1_447.0, 0)


def test_orders_that_were_sent_before_and_never_answered_are_lost() -> None:
    assert ENGINE.ended(sent=1_000, answered=1_000).orders_lost == 0
    assert ENGINE.ended(sent=1_000, answered=1_700).orders_lost == 0, "later ones are answered too"
    lost = ENGINE.ended(sent=1_000, answered=997)
    assert lost.orders_lost == 3
    assert "3 orders were lost" in complaint(lost)
