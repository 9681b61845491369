"""Which replica serves for reading the feed."""

from __future__ import annotations

import pytest

from services.gateway.replication import Replication, read_replication, replica_fault

PRIMARY = Replication(is_primary=True, store_id="a" * 40, offset=1_000, is_linked=True)
BEFORE = PRIMARY._replace(offset=900)
REPLICA = Replication(is_primary=False, store_id="a" * 40, offset=950, is_linked=True)


def test_the_answers_of_a_primary_and_of_a_replica_are_read() -> None:
    primary = b"# Replication\r\nrole:master\r\nconnected_slaves:1\r\nmaster_replid:abc\r\nmaster_repl_offset:42\r\n"
    assert read_replication(primary) == Replication(is_primary=True, store_id="abc", offset=42, is_linked=True)
    replica = (
        b"role:slave\r\nmaster_link_status:down\r\nslave_repl_offset:40\r\nmaster_replid:abc\r\n"
        b"master_repl_offset:41\r\n"
    )
    assert read_replication(replica) == Replication(is_primary=False, store_id="abc", offset=40, is_linked=False)


@pytest.mark.parametrize("answer", [b"", b"role:master\r\n", b"role:sentinel\r\nmaster_replid:a\r\n", b"\xff:\xfe"])
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match="no answer to INFO replication"):
        read_replication(answer)


@pytest.mark.parametrize(
    ("replica", "before", "fault"),
    [
        (REPLICA, BEFORE, ""),
        (REPLICA._replace(offset=900), BEFORE, ""),
        (REPLICA._replace(offset=899), BEFORE, "it is too far behind"),
        (REPLICA._replace(is_linked=False), BEFORE, "it has lost its primary"),
        (REPLICA._replace(store_id="b" * 40), BEFORE, "it holds another store, or follows another primary"),
        (PRIMARY._replace(store_id="b" * 40), BEFORE, "it is another store"),
        (PRIMARY, BEFORE, ""),
        (REPLICA, None, "how far it is behind is not known yet"),
        (REPLICA, BEFORE._replace(store_id="b" * 40), "how far it is behind is not known yet"),
    ],
)
def test_a_replica_serves_that_follows_this_primary_closely(
    replica: Replication, before: Replication | None, fault: str
) -> None:
    assert replica_fault(replica, PRIMARY, before) == fault
