"""What a connection may subscribe to, and the channels that a request names.

Owns the sentences for what may not be. An instrument that a user is not entitled to is as unknown as one that is not
listed.
"""

from __future__ import annotations

from collections.abc import Container

from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import Code
from services.gateway.channel import ChannelKey
from services.gateway.requests import Subscribe
from services.gateway.subscriber import Subscriber
from shared.entitlement import EVERYTHING, Entitlement, covers


def subscription_keys(request: Subscribe, entitlement: Entitlement) -> list[ChannelKey]:
    """Return the channels of a request, each once, in its order."""
    depth, interval_ms = _depth(request), request.interval_ms
    scopes = {EVERY_INSTRUMENT: entitlement}
    return [
        ChannelKey(request.channel, name, depth, interval_ms, scopes.get(name, EVERYTHING))
        for name in dict.fromkeys(request.instruments)
    ]


def check_known(request: Subscribe, listed: Container[str], entitlement: Entitlement) -> None:
    """
    Return if all instruments of a request are listed, and seen by who is entitled so.

    Raises:
        InvalidRequest: `unknown_instrument`.
    """
    for name in request.instruments:
        if name != EVERY_INSTRUMENT and (name not in listed or not covers(entitlement, name)):
            raise InvalidRequest(Code.UNKNOWN_INSTRUMENT, f"instruments: {name} is not listed")


def check_subscription(subscriber: Subscriber, request: Subscribe, subscriptions_max: int) -> None:
    """
    Return if a connection may follow this beside what it follows.

    Raises:
        InvalidRequest: `too_many_subscriptions`, or `bad_request`.
    """
    held, wanted = subscriber.channels, {(request.channel, name) for name in request.instruments}
    if len(held.keys() | wanted) > subscriptions_max:
        text = f"instruments: a connection may have {subscriptions_max} subscriptions, this would make more"
        raise InvalidRequest(Code.TOO_MANY_SUBSCRIPTIONS, text)
    for name in request.resume:
        if name not in request.instruments:
            raise InvalidRequest(Code.BAD_REQUEST, f"resume: {name} is not among the instruments")
    if request.channel in {"book", "top"}:
        _check_depth(subscriber, request, _depth(request))


def _check_depth(subscriber: Subscriber, request: Subscribe, depth: int) -> None:
    """Refuse what a client could not distinguish: messages name an instrument and a depth, not a channel."""
    for (kind, name), channel in subscriber.channels.items():
        is_replaced = kind == request.channel and name in request.instruments
        overlaps = name in request.instruments or EVERY_INSTRUMENT in (name, *request.instruments)
        if kind not in {"book", "top"} or is_replaced or not overlaps:
            continue
        if kind == request.channel == "book" and channel.key.depth != depth:
            text = f"depth: book {name} is followed at depth {channel.key.depth}; a book has one depth a connection"
            raise InvalidRequest(Code.BAD_REQUEST, text)
        if kind != request.channel and channel.key.depth == depth:
            text = f"depth: {kind} {name} is followed at depth {depth}; follow a window by one channel only"
            raise InvalidRequest(Code.BAD_REQUEST, text)


def _depth(request: Subscribe) -> int:
    return request.depth or (1 if request.channel == "top" else 0)
