"""Orders on their way: numbered, queued for the command log, answered from the feed.

Owns this gateway's writer identity (`source`, and a number for each command, ascending in the log), the requests that
wait for an outcome, and the gateway's own report of present users. A request is answered exactly once:

* from the feed;
* with `busy` if it is certain that the command is not in the log and never will be, at once if the log cannot be
  written or too much is on its way;
* with `outcome_unknown` if no answer came in time and it may be in.

Leaves appending, and what the store's answers mean, to `aio.command_appender`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code, TimeInForce
from services.gateway.exercise_request import ExerciseRequest, exercise_command
from services.gateway.office import OFFICE_REQUESTS, Told, office_command, office_data
from services.gateway.quote_request import QuoteRequest, quote_command, quote_data
from services.gateway.requests import (
    Administer,
    Cancel,
    CancelEvery,
    CancelOnDisconnect,
    ConfirmProposal,
    NewOrder,
    OrderRequest,
    Replace,
    ShowMarket,
    SpecialOrder,
    WithdrawProposal,
)
from shared.identity import Identity
from shared.logs.commands import (
    COMMANDS_IN_ENTRY_MAX,
    PRESENT_USERS_MAX,
    CancelAll,
    CancelOrder,
    Command,
    PlaceOrder,
    PlaceSpecial,
    Present,
    ReplaceOrder,
    SetCancelOnDisconnect,
)
from shared.logs.events import Outcome
from shared.logs.mass_quote import MassQuote

if TYPE_CHECKING:
    from services.gateway.session import Session

BUSY: Final = "the exchange cannot take orders now; try again in a moment"
UNKNOWN: Final = (
    "no answer in time: the order may stand or not; see the account, or repeat it under the same client_order_id"
)
UNKNOWN_QUOTED: Final = "no answer in time: it may stand or not; see the account, or repeat it under the same quote_id"
UNKNOWN_EXERCISED: Final = (
    "no answer in time: it may be exercised or not; see the account, or repeat it under the same exercise_id"
)
UNKNOWN_PROPOSED: Final = (
    "no answer in time: it may be proposed or confirmed, or not; repeat it under the same proposal_id"
)


_DAY: Final = TimeInForce.DAY
_AUCTION: Final = TimeInForce.AUCTION


class _Waiting(NamedTuple):
    session: Session
    request: OrderRequest
    deadline: float


class OrderEntry:
    """
    The commands of one gateway incarnation.

    Args:
        source: A name that no other writer has ever had.
        in_flight_max: Commands without an outcome, beyond which requests are refused as busy.
        answer_s: Seconds until a request without an outcome is answered as unknown.
    """

    def __init__(self, source: str, in_flight_max: int, answer_s: float) -> None:
        self.source = source
        self.log_is_writable = True
        """Set by the writer; while False every order is refused as busy."""
        self._in_flight_max = in_flight_max
        self._answer_s = answer_s
        self._number = 0
        self._waiting: dict[int, _Waiting] = {}
        self._queue: deque[Command] = deque()
        self._withdrawn: list[tuple[Session, Reply]] = []
        self._present_until = 0
        """Number of the last command that says who is present."""

    @property
    def in_flight(self) -> int:
        """Commands without an outcome."""
        return len(self._waiting)

    @property
    def has_queued(self) -> bool:
        """Whether `take_batch` would return commands."""
        return bool(self._queue)

    def submit(self, session: Session, identity: Identity, request: OrderRequest, now: float) -> None:
        """
        Queue a command for a request; its reply comes from `answer` or `expire`.

        Args:
            session: Whom the reply goes to.
            identity: On whose behalf the command is.
            request: What it asks, of the right form.
            now: Monotonic seconds.

        Raises:
            InvalidRequest: `busy`; or what `office_command` refuses.
        """
        if not self.log_is_writable or len(self._waiting) >= self._in_flight_max:
            raise InvalidRequest(Code.BUSY, BUSY, request.id)
        number = self._number + 1
        command = _command(self.source, number, identity, request)  # which may be refused
        self._number = number
        self._waiting[number] = _Waiting(session, request, now + self._answer_s)
        self._queue.append(command)

    def say_present(self, users: Sequence[str]) -> None:
        """
        Queue the news that these users are here; its outcome is waited for by nobody.

        Said only if it can be said at once: while the log cannot be written, or the news before it is still queued,
        these are dropped, since the next round brings fresher ones.
        """
        if not self.log_is_writable or (self._queue and self._queue[0].number <= self._present_until):
            return
        for start in range(0, len(users), PRESENT_USERS_MAX):
            self._number += 1
            self._present_until = self._number
            self._queue.append(Present(self.source, self._number, tuple(users[start : start + PRESENT_USERS_MAX])))

    def received_at(self, number: int) -> float | None:
        """When the request of a command was submitted, monotonic seconds; None if none waits for it."""
        waiting = self._waiting.get(number)
        return None if waiting is None else waiting.deadline - self._answer_s

    def take_batch(self) -> list[Command]:
        """Hand over what is queued, in order, as much as an entry may hold; each side of a quote counts as one more."""
        count = min(len(self._queue), COMMANDS_IN_ENTRY_MAX)
        batch = [self._queue.popleft() for _ in range(count)]
        sides = sum([2 * len(command.pairs) for command in batch if type(command) is MassQuote])
        while sides + len(batch) > COMMANDS_IN_ENTRY_MAX and len(batch) > 1:  # an entry is not to hold the engine long
            command = batch.pop()
            self._queue.appendleft(command)
            if type(command) is MassQuote:
                sides -= 2 * len(command.pairs)
        return batch

    def withdraw(self, commands: Iterable[Command]) -> None:
        """
        Give up a batch that is certainly not in the log, and what is queued behind it: `expire` answers `busy`.

        Args:
            commands: As `take_batch` handed them over; they are never to be appended any more.
        """
        for command in (*commands, *self._queue):
            self._say_busy(command.number)
        self._queue.clear()

    def answer(self, outcomes: Iterable[Outcome], told: Sequence[Told] = ()) -> list[tuple[Session, Reply]]:
        """Match outcomes of the feed with the requests that wait for them; others' are ignored, and what is told."""
        replies = []
        for outcome in outcomes:
            if outcome.source != self.source:
                continue
            waiting = self._waiting.pop(outcome.number, None)
            if waiting is not None:
                replies.append((waiting.session, _reply(waiting.request, outcome, told)))
        return replies

    def expire(self, now: float) -> list[tuple[Session, Reply]]:
        """Answer the requests whose time is over, or that were withdrawn; O(those)."""
        late = [number for number, waiting in takewhile(lambda each: each[1].deadline <= now, self._waiting.items())]
        while self._queue and late and self._queue[0].number <= late[-1]:
            self._say_busy(self._queue.popleft().number)  # never handed over, and never to be
        replies, self._withdrawn = self._withdrawn, []
        for number in late:  # deadlines ascend with numbers
            waiting = self._waiting.pop(number, None)
            if waiting is not None:
                text = _unknown(waiting.request)
                replies.append((waiting.session, Reply(waiting.request.id, False, Code.OUTCOME_UNKNOWN, text, {})))  # noqa: FBT003
        return replies

    def _say_busy(self, number: int) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            self._withdrawn.append((waiting.session, Reply(waiting.request.id, False, Code.BUSY, BUSY, {})))  # noqa: FBT003


def _unknown(request: OrderRequest) -> str:
    if isinstance(request, OFFICE_REQUESTS):
        return UNKNOWN_PROPOSED
    if isinstance(request, ExerciseRequest):
        return UNKNOWN_EXERCISED
    return UNKNOWN_QUOTED if isinstance(request, QuoteRequest) else UNKNOWN


def _reply(request: OrderRequest, outcome: Outcome, told: Sequence[Told]) -> Reply:
    data: dict[str, Any] = {}
    if outcome.order_id:
        data["order_id"] = outcome.order_id
    if request.op == "cancel_all" and not outcome.code:
        data["cancelled"] = outcome.cancelled
    if isinstance(request, QuoteRequest):
        data = quote_data(outcome, told)
    if told and isinstance(request, OFFICE_REQUESTS):
        data = office_data(request, outcome, told)
    return Reply(request.id, not outcome.code, outcome.code, outcome.text, data)


def _special(source: str, number: int, user: str, request: NewOrder) -> PlaceSpecial:
    """Make the command of an order that has something special to it, if only its time in force."""
    asked = request if isinstance(request, SpecialOrder) else None
    return PlaceSpecial(
        source,
        number,
        user,
        request.instrument,
        request.client_order_id,
        request.side,
        request.kind,
        request.price or 0,
        request.quantity,
        request.time_in_force,
        request.post_only,
        request.self_trade_prevention,
        (asked and asked.trigger) or 0,
        (asked and asked.protection_bp) or 0,
        (asked and asked.expires_at) or 0,
        (asked and asked.expires_on) or "",
        (asked and asked.minimum) or 0,
        (asked and asked.clearance) or "",
    )


def _command(source: str, number: int, identity: Identity, request: OrderRequest) -> Command:  # noqa: PLR0911 - one a kind
    user = identity.user
    match request:
        case NewOrder():
            times = request.time_in_force
            if type(request) is not NewOrder or times is _DAY or times is _AUCTION:
                return _special(source, number, user, request)
            return PlaceOrder(
                source,
                number,
                user,
                request.instrument,
                request.client_order_id,
                request.side,
                request.kind,
                request.price or 0,
                request.quantity,
                request.time_in_force,
                request.post_only,
                request.self_trade_prevention,
            )
        case Cancel():
            return CancelOrder(source, number, user, request.order_id or 0, request.client_order_id or "")
        case Replace():
            return ReplaceOrder(
                source,
                number,
                user,
                request.order_id or 0,
                request.client_order_id or "",
                request.price,
                request.quantity,
            )
        case CancelEvery():
            return CancelAll(source, number, user, request.instrument)
        case CancelOnDisconnect():
            return SetCancelOnDisconnect(source, number, user, request.on)
        case ExerciseRequest():
            return exercise_command(source, number, identity, request)
        case QuoteRequest():
            return quote_command(source, number, identity, request)
        case Administer() | ConfirmProposal() | WithdrawProposal() | ShowMarket():
            return office_command(source, number, identity, request)
