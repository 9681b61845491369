"""The rhythm of snapshots, and the truth of `cover`."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status
from openoutcry.wire.types import MarketState
from services.matching.recovery.snapshot_schedule import (
    CHECKPOINT_PACKETS_MAX,
    LEVELS_A_SNAPSHOT,
    LEVELS_PER_PACKET_MAX,
    SNAPSHOT_PACKETS_MAX,
    Due,
    SnapshotSchedule,
)
from shared.logs.events import BookChange, PrivateExecution
from shared.logs.packet import PACKET_VERSION, FeedId, Packet

LISTED = ["A", "B", "C"]


def packet(
    *changed: str, executions: bool = False, listings: tuple[str, ...] = (), halted: tuple[str | None, ...] = ()
) -> Packet:
    changes = [BookChange(symbol, 0, 1, [], [], 0) for symbol in changed]
    private = [PrivateExecution("ann", None)] if executions else []  # type: ignore[arg-type]
    statuses = [Status(symbol, MarketState.HALTED, "news", 0) for symbol in halted]
    listed = [Instrument(symbol) for symbol in listings]
    return Packet(PACKET_VERSION, 1, 0, 1, "0-0", 0, changes, [], private, [], statuses, listed)


class Feed:
    """A feed that observes packets, one position each."""

    def __init__(self) -> None:
        self.schedule = SnapshotSchedule(snapshot_interval_s=1.0, checkpoint_interval_s=5.0)
        self.last = FeedId(7, 0)
        self.schedule.observe(packet(), FeedId(0, 0))
        self.schedule.take_due(self.last, LISTED, now=0.0)

    def say(
        self,
        content: Packet,
        now: float,
        *,
        checkpoint_made: bool = False,
        levels: Callable[[str], int] = lambda _: 0,
    ) -> Due:
        prev, self.last = self.last, FeedId(7, self.last.position + 1)
        self.schedule.observe(content, prev)
        return self.schedule.take_due(self.last, LISTED, now, levels=levels, checkpoint_made=checkpoint_made)


def test_everything_is_stored_with_the_first_packet() -> None:
    """A new leader vouches for all of it at once."""
    schedule = SnapshotSchedule(1.0, 5.0)
    schedule.observe(packet(), FeedId(0, 0))
    due = schedule.take_due(FeedId(7, 0), LISTED, now=0.0)
    assert (due.instruments, due.listing, due.everything, due.cover) == (LISTED, True, True, FeedId(7, 0))


def test_a_busy_book_is_stored_once_a_second() -> None:
    """However often it changes; `cover` waits before its first change that is not stored."""
    feed = Feed()
    assert feed.say(packet("A"), 0.5).instruments == []
    due = feed.say(packet("A", "B"), 0.9)
    assert (due.instruments, due.cover) == ([], FeedId(7, 0))
    due = feed.say(packet(), 1.0)
    assert (sorted(due.instruments), due.cover) == (["A", "B"], FeedId(7, 3))
    assert feed.say(packet("A"), 1.1).cover == FeedId(7, 3)


def test_a_book_that_did_not_change_is_not_stored() -> None:
    """Ten thousand quiet instruments cost nothing."""
    feed = Feed()
    assert feed.say(packet(), 3.0).instruments == []


def test_a_status_is_stored_like_a_change() -> None:
    """A snapshot holds the instrument's state: who joins by an older one would take a halted market for open."""
    feed = Feed()
    due = feed.say(packet(halted=("B", None)), 0.5)
    assert (due.instruments, due.cover) == ([], FeedId(7, 0))
    due = feed.say(packet(), 1.0)
    assert (due.instruments, due.cover) == (["B"], FeedId(7, 2))


def test_a_very_busy_book_is_stored_by_packets() -> None:
    """Otherwise a burst could outrun the feed's retention within the second."""
    feed = Feed()
    stored = [feed.say(packet("A"), 0.5).instruments for _ in range(SNAPSHOT_PACKETS_MAX)]
    assert stored[-1] == ["A"]
    assert not any(stored[:-1])


def test_accounts_and_checkpoint_are_begun_every_few_seconds() -> None:
    """Until they are stored `cover` stays before the first execution, and says how many packets come after it."""
    feed = Feed()
    due = feed.say(packet(executions=True), 4.9)
    assert (due.everything, due.cover, due.uncovered) == (False, FeedId(7, 0), 1)
    assert not feed.schedule.checkpoint_is_due(4.9)
    assert feed.schedule.checkpoint_is_due(5.0)
    feed.schedule.begin_checkpoint(5.0)
    assert not feed.schedule.checkpoint_is_due(9.9)
    due = feed.say(packet(), 5.1)
    assert (due.cover, due.uncovered) == (FeedId(7, 0), 2)
    due = feed.say(packet(), 5.2, checkpoint_made=True)
    assert (due.everything, due.cover, due.uncovered) == (False, FeedId(7, 3), 0)


def test_what_happens_while_a_checkpoint_is_made_is_not_in_it() -> None:
    """It is stored with a later packet and shows the market as it stood when it was begun."""
    feed = Feed()
    feed.say(packet(executions=True), 4.9)
    feed.schedule.begin_checkpoint(5.0)
    feed.say(packet(executions=True), 5.1)
    due = feed.say(packet(), 5.2, checkpoint_made=True)
    assert (due.cover, due.uncovered) == (FeedId(7, 1), 2)


def test_one_that_fails_promises_nothing() -> None:
    """Everything is stored with the next packet instead."""
    feed = Feed()
    feed.say(packet(executions=True), 4.9)
    feed.schedule.begin_checkpoint(5.0)
    assert feed.say(packet(), 5.1).cover == FeedId(7, 0)
    feed.schedule.everything()
    due = feed.say(packet(), 5.2)
    assert (due.everything, due.cover) == (True, FeedId(7, 3))


def test_one_that_is_begun_instead_of_another_takes_over_what_that_had_to_store() -> None:
    """`cover` must not jump over executions that neither has stored yet."""
    feed = Feed()
    feed.say(packet(executions=True), 4.9)
    feed.schedule.begin_checkpoint(5.0)
    feed.schedule.begin_checkpoint(10.0)
    assert feed.say(packet(), 10.1).cover == FeedId(7, 0)
    assert feed.say(packet(), 10.2, checkpoint_made=True).cover == FeedId(7, 3)


def test_a_checkpoint_is_begun_after_many_packets() -> None:
    """A part of the feed's retention: what readers of the snapshots must find there has a bound."""
    feed = Feed()
    due = [feed.say(packet(), 0.5) and feed.schedule.checkpoint_is_due(0.5) for _ in range(CHECKPOINT_PACKETS_MAX)]
    assert due[-1]
    assert not any(due[:-1])


def test_the_listing_is_stored_when_it_changes() -> None:
    """With the new instrument's first snapshot, so that readers find both."""
    feed = Feed()
    due = feed.say(packet(listings=("D",)), 0.1)
    assert (due.listing, due.instruments) == (True, ["D"])
    assert not feed.say(packet(), 0.2).listing


@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(LISTED)), st.booleans(), st.floats(0, 2), st.integers(0, 9)), max_size=60
    )
)
def test_cover_never_promises_too_much(steps: list[tuple[set[str], bool, float, int]]) -> None:
    """For each book and the accounts: every packet up to `cover` that changed it is in what is stored."""
    feed = Feed()
    now = 0.0
    changed: dict[str, list[FeedId]] = {subject: [] for subject in (*LISTED, "accounts")}
    stored = dict.fromkeys(changed, feed.last)
    cover = begun_at = feed.last
    for books, executions, pause, chance in steps:
        now += pause
        if chance == 0:
            feed.schedule.everything()
        due = feed.say(packet(*sorted(books), executions=executions), now, checkpoint_made=chance == 1)
        for subject in (*books, *(["accounts"] if executions else [])):
            changed[subject].append(feed.last)
        for subject in (*due.instruments, *(["accounts"] if due.everything else [])):
            stored[subject] = feed.last
        if chance == 1 and not due.everything:
            stored["accounts"] = max(stored["accounts"], begun_at)
        if chance in {1, 2} and feed.schedule.checkpoint_is_due(now):
            feed.schedule.begin_checkpoint(now)
            begun_at = feed.last
        for subject, ids in changed.items():
            assert all(feed_id <= stored[subject] for feed_id in ids if feed_id <= due.cover)
        assert cover <= due.cover <= feed.last
        assert due.uncovered == feed.last.position - due.cover.position
        cover = due.cover


def test_a_lost_snapshot_is_due_at_once_and_holds_nothing_back() -> None:
    """Its book has not changed: the cover still holds."""
    schedule = SnapshotSchedule(10.0, 1_000.0)
    schedule.take_due(FeedId(1, 1), ["ACME", "BETA"], 0.0)
    schedule.snapshot_lost("ACME")
    schedule.listing_lost()
    due = schedule.take_due(FeedId(1, 2), ["ACME", "BETA"], 0.1)
    assert (due.instruments, due.listing, due.everything) == (["ACME"], True, False)
    assert due.cover == FeedId(1, 2)
    again = schedule.take_due(FeedId(1, 3), ["ACME", "BETA"], 0.2)
    assert (again.instruments, again.listing) == ([], False)


def test_one_packet_carries_a_bounded_number_of_snapshots() -> None:
    """A thousand instruments that all trade were all due at once: nobody was answered for 30 ms, every second."""
    schedule, symbols = SnapshotSchedule(1.0, 1e9), [f"S{n}" for n in range(1_000)]
    schedule.observe(packet(*symbols), FeedId(0, 0))
    schedule.take_due(FeedId(7, 1), symbols, 0.0)
    schedule.observe(packet(*symbols), FeedId(7, 1))
    found: list[str] = []
    for position in range(2, 200):
        due = schedule.take_due(FeedId(7, position), symbols, 1.0, levels=lambda symbol: 4_000 * (symbol == "S7"))
        assert len(due.instruments) * LEVELS_A_SNAPSHOT <= LEVELS_PER_PACKET_MAX
        assert "S7" not in due.instruments or len(due.instruments) <= 20
        found += due.instruments
        if len(found) == len(symbols):
            break
        assert due.cover == FeedId(7, 1), "not all that changed is stored"
        schedule.observe(packet("S0"), FeedId(7, position))
    assert found == symbols, "who has waited longest comes first, and S0 must wait for its second"
    assert due.cover == FeedId(7, 2), "S0 has changed since"


def deep(*symbols: str) -> Callable[[str], int]:
    return lambda symbol: (symbol in symbols) * (LEVELS_PER_PACKET_MAX + 1)


def test_a_deep_book_goes_with_the_checkpoint() -> None:
    """Encoded in a packet, a book of 300,000 levels held up every order for 150 ms, once a second."""
    feed = Feed()
    assert feed.say(packet("A", "B"), 2.0, levels=deep("A")).instruments == ["B"]
    assert feed.schedule.begin_checkpoint(5.0, deep("A")) == ["A"]
    assert feed.say(packet(), 5.1, levels=deep("A")).cover == FeedId(7, 0)
    due = feed.say(packet(), 5.2, levels=deep("A"), checkpoint_made=True)
    assert (due.instruments, due.cover) == ([], FeedId(7, 3))


def test_what_changes_in_a_deep_book_while_its_snapshot_is_made_is_not_in_it() -> None:
    feed = Feed()
    feed.say(packet("A"), 2.0, levels=deep("A"))
    feed.schedule.begin_checkpoint(5.0, deep("A"))
    feed.say(packet("A"), 5.1, levels=deep("A"))
    assert feed.say(packet(), 5.2, levels=deep("A"), checkpoint_made=True).cover == FeedId(7, 1)
    assert feed.schedule.begin_checkpoint(10.0, deep("A")) == ["A"]


def test_a_book_that_shrinks_while_its_snapshot_is_made_is_not_stored_before_it() -> None:
    """The older one would come last, and `cover` would promise what it does not hold."""
    feed = Feed()
    feed.say(packet("A"), 2.0, levels=deep("A"))
    feed.schedule.begin_checkpoint(5.0, deep("A"))
    assert feed.say(packet("A"), 6.5).instruments == []
    assert feed.say(packet(), 6.6, checkpoint_made=True).instruments == [], "both would be stored in one call"
    assert feed.say(packet(), 6.7).instruments == ["A"]


def test_a_deep_book_that_shrinks_is_stored_within_its_second() -> None:
    feed = Feed()
    feed.say(packet("A"), 2.0, levels=deep("A"))
    assert feed.say(packet(), 3.0).instruments == ["A"]


def test_a_deep_books_lost_snapshot_asks_for_a_checkpoint() -> None:
    """It is not due for seconds, and late joiners wait."""
    feed = Feed()
    feed.schedule.snapshot_lost("A")
    assert feed.say(packet(), 0.5, levels=deep("A")).instruments == []
    assert feed.schedule.checkpoint_is_due(0.5)
    assert feed.schedule.begin_checkpoint(0.5, deep("A")) == ["A"]
    assert not feed.schedule.checkpoint_is_due(0.6)
    due = feed.say(packet(), 0.6, levels=deep("A"), checkpoint_made=True)
    assert (due.instruments, due.cover) == ([], FeedId(7, 2))


def test_a_very_busy_deep_book_does_not_have_every_packet_search() -> None:
    """Of ten thousand books that have changed, each is looked at once an interval."""
    feed, asked = Feed(), list[str]()
    for _ in range(2 * SNAPSHOT_PACKETS_MAX):
        feed.say(packet("A"), 0.5, levels=lambda symbol: asked.append(symbol) or LEVELS_PER_PACKET_MAX + 1)
    assert len(asked) <= 2


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(LISTED)),  # changed
            st.sets(st.sampled_from(LISTED)),  # deep from now on
            st.floats(0, 2),
            st.sampled_from(["", "", "begin", "made", "everything", "lost"]),
        ),
        max_size=60,
    )
)
def test_cover_is_true_of_books_that_grow_deep_and_shrink(steps: list[tuple[set[str], set[str], float, str]]) -> None:
    """What the store holds is what was written last: snapshots of packets, and those that were made for long."""
    feed, now = Feed(), 0.0
    changed: dict[str, list[FeedId]] = {symbol: [] for symbol in LISTED}
    stored = dict.fromkeys(LISTED, feed.last)
    making: dict[str, FeedId] | None = None
    cover = feed.last
    for books, depths, pause, act in steps:
        now += pause
        if act == "everything":
            feed.schedule.everything()
        elif act == "lost":
            feed.schedule.snapshot_lost("A")
        is_made = act == "made" and making is not None
        due = feed.say(packet(*sorted(books)), now, checkpoint_made=is_made, levels=deep(*depths))
        for symbol in books:
            changed[symbol].append(feed.last)
        stored |= dict.fromkeys(due.instruments, feed.last)
        assert due.everything or not depths & set(due.instruments)
        if due.everything:
            making = None
        elif is_made and making is not None:
            stored |= making
            making = None
        for symbol, ids in changed.items():
            assert all(feed_id <= stored[symbol] for feed_id in ids if feed_id <= due.cover)
        assert cover <= due.cover <= feed.last
        assert due.uncovered == feed.last.position - due.cover.position
        cover = due.cover
        if act == "begin" and making is None:
            making = dict.fromkeys(feed.schedule.begin_checkpoint(now, deep(*depths)), feed.last)
