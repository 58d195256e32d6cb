"""What is told of a call while it goes on: to hooks and to the log, in the caller's thread and context."""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import _logs
from ._errors import ConfigError

if TYPE_CHECKING:
    from typing import Any

    from ._types import Hook, Inject


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something that happened to a call. It holds no body, no key, and nothing of the customer."""

    kind: Literal["attempt", "answer", "retry"]
    """What happened: an attempt begins, an attempt has ended, or the call will be tried again."""
    call_id: int
    """The call's number, from 1; unique in the process."""
    index: int | None
    """The record's place in the input of a batch, from 0; none for a single call."""
    attempt: int
    """The attempt's number, from 1; of a retry, that of the attempt that failed."""
    status: int | None
    """The HTTP status, if the server answered."""
    code: str | None
    """Why the attempt brought no contact, if that is so: the code of an error."""
    request_id: str | None
    """The server's id of the request, if it sent one."""
    elapsed: float | None
    """How long the attempt took, in seconds; of an answer only."""
    wait: float | None
    """How long the call waits before it is tried again, in seconds; of a retry only, and not in a batch whose pace
    decides it."""


class Hooks:
    """Who is told of the events of a client's calls, and who knows their traces."""

    __slots__ = ("inject", "on_answer", "on_attempt", "on_retry")

    def __init__(
        self, on_attempt: Hook | None, on_answer: Hook | None, on_retry: Hook | None, inject: Inject | None
    ) -> None:
        self.on_attempt = _function("on_attempt", on_attempt)
        self.on_answer = _function("on_answer", on_answer)
        self.on_retry = _function("on_retry", on_retry)
        self.inject = inject

    def wanted(self) -> int:
        """Returns the kinds of events that somebody waits for."""
        wanted = _logs.ATTEMPT if self.on_attempt is not None else 0
        wanted |= _logs.ANSWER if self.on_answer is not None else 0
        return wanted | (_logs.RETRY if self.on_retry is not None else 0)


class Watch:
    """One call, or one batch, that somebody is told of; made in the caller's context, which it keeps."""

    __slots__ = ("_context", "_hooks", "carrier", "wanted")

    def __init__(self, hooks: Hooks | None, logged: int) -> None:
        self._hooks = hooks or _NOBODY
        self._context = copy_context()
        self.wanted = self._hooks.wanted() | logged
        self.carrier: dict[str, str] | None = None
        if self._hooks.inject is not None:
            self.carrier = {}
            self._hooks.inject(self.carrier)

    def __call__(self, *event: Any) -> None:
        self._context.run(self._tell, CallEvent(*event))

    def _tell(self, event: CallEvent) -> None:
        _logs.event(event)
        hook = getattr(self._hooks, f"on_{event.kind}")
        if hook is not None:
            hook(event)

    def __repr__(self) -> str:
        return "<hooks of a vambe client>"


def hooks(given: Hooks | None, options: dict[str, Any]) -> Hooks | None:
    """Takes what is Python's business out of the options, and gives it with what there was before."""
    on_attempt, on_answer, on_retry = (options.pop(f"on_{name}") for name in ("attempt", "answer", "retry"))
    trace = options.get("trace_context")
    inject = options.pop("trace_context") if callable(trace) else None
    if on_attempt is on_answer is on_retry is trace is None:
        return given
    if given is not None:
        on_attempt = given.on_attempt if on_attempt is None else on_attempt
        on_answer = given.on_answer if on_answer is None else on_answer
        on_retry = given.on_retry if on_retry is None else on_retry
        inject = given.inject if trace is None else inject
    return Hooks(on_attempt, on_answer, on_retry, inject)


def _function(name: str, given: Hook | None) -> Hook | None:
    if given is not None and not callable(given):
        raise ConfigError(f"{name} must be a function")
    return given


_NOBODY = Hooks(None, None, None, None)
