"""What is logged: under `vambe` how calls ended, under `vambe.http` their attempts; in the caller's own thread.

Nothing is logged by the worker thread, so logging never holds up other calls. Neither the
key nor personal data is logged.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging

    from ._errors import VambeError
    from ._events import CallEvent
    from ._native import Contact, Outcome

_logger: logging.Logger | None = None
_http_logger: logging.Logger | None = None

# The kinds of events, as the native module counts them.
ATTEMPT, ANSWER, RETRY = 1, 2, 4


def wanted() -> int:
    """Returns the kinds of events that are logged."""
    if _http_logger is None and _find_logger() is None:
        return 0
    assert _http_logger is not None
    if not _http_logger.isEnabledFor(20):
        return 0
    return ATTEMPT | ANSWER | RETRY if _http_logger.isEnabledFor(10) else RETRY


def event(event: CallEvent) -> None:
    """Logs an event: for debugging, or as information that a call will be tried again."""
    if _http_logger is None or not _http_logger.isEnabledFor(20 if event.kind == "retry" else 10):
        return
    call = f"call {event.call_id}" if event.index is None else f"record {event.index}, call {event.call_id}"
    extra = {"vambe_event": event}
    if event.kind == "attempt":
        _http_logger.debug("%s: attempt %d begins", call, event.attempt, extra=extra)
    elif event.kind == "answer":
        _http_logger.debug(
            "%s: attempt %d ended: %s, status=%s, elapsed=%.3f s, request_id=%s",
            call,
            event.attempt,
            event.code or "contact",
            event.status,
            event.elapsed,
            event.request_id,
            extra=extra,
        )
    else:
        when = "when the pace allows" if event.wait is None else f"in {event.wait:.3f} s"
        _http_logger.info(
            "%s: attempt %d failed: %s, status=%s; it is tried again %s",
            call,
            event.attempt,
            event.code,
            event.status,
            when,
            extra=extra,
        )


def accepted(contact: Contact) -> None:
    """Logs a call that was accepted: for debugging, or as information if it took several attempts."""
    logger = _logger or _find_logger()
    level = 10 if contact.attempts == 1 else 20
    if logger is not None and logger.isEnabledFor(level):
        logger.log(
            level,
            "upsert accepted: status=%d, attempts=%d, elapsed=%.3f s, request_id=%s",
            contact.status,
            contact.attempts,
            contact.elapsed,
            contact.request_id,
        )


def failed(error: VambeError) -> None:
    """Logs a call that failed, as a warning."""
    logger = _logger or _find_logger()
    if logger is not None and logger.isEnabledFor(30):
        logger.warning(
            "upsert failed: %s, status=%s, delivery=%s, attempts=%d, request_id=%s",
            error.code,
            error.status,
            error.delivery,
            error.attempts,
            error.request_id,
        )


def outcome(outcome: Outcome) -> None:
    """Logs one outcome of a batch, as it would be logged of a call of its own."""
    logger = _logger or _find_logger()
    if logger is None:
        return
    level = 30 if not outcome.ok else 10 if outcome.attempts == 1 else 20
    if not logger.isEnabledFor(level):
        return
    if outcome.error is None:
        logger.log(level, "record %d accepted: attempts=%d", outcome.index, outcome.attempts)
    else:
        error = outcome.error
        logger.log(
            level,
            "record %d failed: %s, status=%s, delivery=%s, attempts=%d, request_id=%s",
            outcome.index,
            error.code,
            error.status,
            error.delivery,
            outcome.attempts,
            error.request_id,
        )


def _find_logger() -> logging.Logger | None:
    # Importing `logging` takes longer than importing all of vambe; who has not imported it does not log.
    if "logging" not in sys.modules:
        return None
    global _logger, _http_logger
    import logging

    _logger, _http_logger = logging.getLogger("vambe"), logging.getLogger("vambe.http")
    if not _logger.handlers:
        _logger.addHandler(logging.NullHandler())
    return _logger


def _obey_environment() -> None:
    """Sends log records to stderr if `VAMBE_LOG` names a level: `error`, `warn`, `info` or `debug`."""
    level = {"error": 40, "warn": 30, "info": 20, "debug": 10}.get(os.environ.get("VAMBE_LOG", "").strip().lower())
    if level is None:
        return
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("vambe")
    logger.addHandler(handler)
    logger.setLevel(level)


_obey_environment()
