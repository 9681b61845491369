"""The error tree: fields as well as words."""

from __future__ import annotations

from openoutcry.errors import Disconnected
from shared.errors import InvalidRequest, OpenOutcryError, ProtocolError
from shared.store_errors import CorruptEntry
from shared.types import Code


def test_errors_carry_fields_and_words() -> None:
    corrupt = CorruptEntry("oo:{0}:feed", "3-12", "no packet")
    assert str(corrupt) == "oo:{0}:feed entry 3-12 is corrupt: no packet"
    assert (corrupt.key, corrupt.entry_id, corrupt.reason) == ("oo:{0}:feed", "3-12", "no packet")
    assert str(CorruptEntry("oo:{0}:listing", "", "empty")) == "oo:{0}:listing is corrupt: empty"
    refused = InvalidRequest(Code.BAD_REQUEST, "id: is required")
    assert (refused.code, refused.text, refused.request_id) == (Code.BAD_REQUEST, "id: is required", None)
    assert str(Disconnected(1006, "")) == "disconnected with 1006: no reason given"


def test_the_peer_s_errors_are_a_class_of_their_own() -> None:
    assert issubclass(InvalidRequest, ProtocolError)
    assert issubclass(ProtocolError, OpenOutcryError)
    assert not issubclass(CorruptEntry, ProtocolError)
