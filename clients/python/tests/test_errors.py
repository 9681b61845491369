"""Errors keep their fields wherever they go."""

from __future__ import annotations

import copy
import pickle

import pytest

import openoutcry
from openoutcry.errors import ORDER_OPS, Disconnected, OrderRefused, OutcomeUnknown, RequestRefused, refusal
from openoutcry.wire.errors import InvalidRequest, OpenOutcryError
from openoutcry.wire.types import Code

ERRORS = [
    RequestRefused(Code.BUSY, "later"),
    OrderRefused(Code.DUPLICATE_ORDER, "was used", "order", "mine", 7),
    OutcomeUnknown("order", "mine", "no reply within 10 s"),
    Disconnected(4500, "who are you"),
    InvalidRequest(Code.BAD_REQUEST, "price: is required", 4),
    openoutcry.ConfigurationError("what to do"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_copies_and_pickles(error: OpenOutcryError) -> None:
    """Between processes of a pool, for example: a constructor of two arguments was called with one."""
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))


def test_a_refused_order_says_what_and_why() -> None:
    error = OrderRefused(Code.DUPLICATE_ORDER, "client_order_id: 'mine' was used", "order", "mine", 7)
    assert str(error) == "duplicate_order: client_order_id: 'mine' was used"
    assert isinstance(error, RequestRefused)
    assert (error.code, error.op, error.client_order_id, error.order_id) == ("duplicate_order", "order", "mine", 7)


@pytest.mark.parametrize("op", ["order", "cancel", "ping", "instruments"])
def test_refusals_of_orders_are_a_class_of_their_own(op: str) -> None:
    assert isinstance(refusal(op, Code.BUSY, "later", None), OrderRefused) == (op in ORDER_OPS)
