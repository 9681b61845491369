"""Who is connected: laggards first, a bounded list, nothing unprintable."""

from __future__ import annotations

import pytest

from services.gateway import connection_list as module
from services.gateway.connection_list import PROGRAM_CHARACTERS_MAX, connection_list, program_name
from tests.unit.services.gateway.test_office import Office


def test_those_that_lag_longest_come_first_and_the_rest_by_user(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    clients = {name: office.enter_as(user=name)[0] for name in ("zoe", "bob", "ann", "late", "later")}
    clients["late"].subscriber.lagging_since = office.now - 2
    clients["later"].subscriber.lagging_since = office.now - 5
    clients["bob"].program = "openoutcry/1.0"
    told = connection_list(office.gateway.clients.values(), office.now)
    assert (told["total"], told["lagging"]) == (5, 2)
    assert [row["user"] for row in told["connections"]] == ["later", "late", "ann", "bob", "zoe"]
    assert [row["lag_s"] for row in told["connections"]] == [5, 2, None, None, None]
    assert told["connections"][3]["program"] == "openoutcry/1.0"
    monkeypatch.setattr(module, "CONNECTIONS_TOLD_MAX", 2)
    told = connection_list(office.gateway.clients.values(), office.now)
    assert (told["total"], [row["user"] for row in told["connections"]]) == (5, ["later", "late"])


def test_a_program_s_name_is_short_and_printable() -> None:
    assert program_name([]) == ""
    assert program_name(["a\x1b[31mb\xe9"]) == "a?[31mb?"
    assert len(program_name(["x" * 500])) == PROGRAM_CHARACTERS_MAX
