"""The error tree: fields as well as words."""

from __future__ import annotations

import copy
import pickle

from openoutcry.errors import Disconnected
from openoutcry.wire.errors import InvalidRequest, OpenOutcryError, ProtocolError
from openoutcry.wire.types import Code
from shared.store_errors import CorruptEntry


def test_errors_carry_fields_and_words() -> None:
    corrupt = CorruptEntry("oo:{0}:feed", "3-12", "no packet")
    assert str(corrupt) == "oo:{0}:feed entry 3-12 is corrupt: no packet"
    assert (corrupt.key, corrupt.entry_id, corrupt.reason) == ("oo:{0}:feed", "3-12", "no packet")
    assert str(CorruptEntry("oo:{0}:listing", "", "empty")) == "oo:{0}:listing is corrupt: empty"
    refused = InvalidRequest(Code.BAD_REQUEST, "id: is required")
    assert (refused.code, refused.text, refused.request_id) == (Code.BAD_REQUEST, "id: is required", None)
    assert str(Disconnected(1006, "")) == "disconnected with 1006: no reason given"


def test_a_stored_entry_s_error_survives_copies_and_pickles() -> None:
    error = CorruptEntry("oo:{0}:feed", "1-2", "cut short")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(other), str(other), vars(other)) == (CorruptEntry, str(error), vars(error))


def test_the_peer_s_errors_are_a_class_of_their_own() -> None:
    assert issubclass(InvalidRequest, ProtocolError)
    assert issubclass(ProtocolError, OpenOutcryError)
    assert not issubclass(CorruptEntry, ProtocolError)
