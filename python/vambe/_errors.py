"""What can go wrong: one class for each code, all with the same attributes."""

from __future__ import annotations

from ._shapes import Violation

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._import import ImportReport


class VambeError(Exception):
    """Everything that can go wrong, with the data to act on it.

    `str` and `repr` hold neither the key nor personal data; `body` may hold personal data.
    """

    code: str = "api"
    """What kind of error it is, by what the caller does next."""
    message: str
    """Place, reason and way out, in English."""
    status: int | None
    """The HTTP status, if the server answered."""
    violations: list[Violation]
    """Every broken rule of a record that was not sent."""
    warnings: list[Violation]
    """The warnings found beside the violations."""
    truncated: bool
    """Whether there were more violations or warnings than the lists hold."""
    missing_custom_fields: list[str]
    """The custom field keys that the server said do not exist."""
    retry_after: float | None
    """How many seconds the server asked to wait."""
    retryable: bool
    """Whether the same call may succeed later."""
    delivery: str
    """Whether the server may have applied the call: `not_sent`, `rejected` or `unknown`."""
    request_id: str | None
    """The server's id of the request, to quote to its support."""
    attempts: int
    """How many times the call was tried."""
    phase: str | None
    """What the call was doing when it ended: `queue`, `connect`, `send`, `wait` or `body`."""
    body: str | None
    """The answer's text, at most 4 KiB of it; it may hold personal data."""
    report: ImportReport | None = None
    """What became of the rows, of an import that did not come to its end."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.status = details.pop("status", None)
        self.violations = [_violation(found) for found in details.pop("violations", ())]
        self.warnings = [_violation(found) for found in details.pop("warnings", ())]
        self.truncated = details.pop("truncated", False)
        self.missing_custom_fields = list(details.pop("missing_custom_fields", ()))
        self.retry_after = details.pop("retry_after", None)
        self.retryable = details.pop("retryable", False)
        self.delivery = details.pop("delivery", "not_sent")
        self.request_id = details.pop("request_id", None)
        self.attempts = details.pop("attempts", 0)
        self.phase = details.pop("phase", None)
        self.body = details.pop("body", None)
        if details:
            raise TypeError(f"an error has no attribute {next(iter(details))}")

    def details(self) -> dict[str, Any]:
        """Returns every attribute by its name, with the violations as dictionaries."""
        details: dict[str, Any] = {"code": self.code, "message": self.message}
        details |= {name: getattr(self, name) for name in _PLAIN}
        details["violations"] = [found.as_dict() for found in self.violations]
        details["warnings"] = [found.as_dict() for found in self.warnings]
        return details

    def __reduce__(self) -> tuple[Any, ...]:
        rebuilt = (_rebuilt, (type(self), self.details()))
        return rebuilt if self.report is None else (*rebuilt, {"report": self.report})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class ConfigError(VambeError):
    """A bad key, URL or option, or a client that is closed: mend the set-up."""

    code = "config"


class ValidationError(VambeError, ValueError):
    """The record breaks a rule; nothing was sent: mend the record."""

    code = "validation"

    def __str__(self) -> str:
        if not self.violations:
            return self.message
        lines = [f"- {violation}" for violation in self.violations]
        if self.truncated:
            lines.append("- and more")
        return "\n".join(["the record was not sent:", *lines])


class ApiError(VambeError):
    """The server answered with a status that is no success."""

    code = "api"


class BadRequestError(ApiError):
    """400 or 422: the server refused the record."""

    code = "bad_request"


class AuthenticationError(ApiError):
    """401: the key is wrong."""

    code = "authentication"


class PermissionDeniedError(ApiError):
    """403: the key may not do this."""

    code = "permission_denied"


class NotFoundError(ApiError):
    """404: the base URL is probably wrong."""

    code = "not_found"


class RateLimitError(ApiError):
    """429 after the last attempt: slow down."""

    code = "rate_limited"


class ServerError(ApiError):
    """5xx after the last attempt: try later."""

    code = "server"


class ApiConnectionError(VambeError, ConnectionError):
    """The server was never reached, or cut the connection."""

    code = "connection"

    # As an OSError it would print its first argument only if there were two.
    def __str__(self) -> str:
        return self.message


class ApiTimeoutError(VambeError, TimeoutError):
    """The time was over."""

    code = "timeout"

    def __str__(self) -> str:
        return self.message


class InvalidResponseError(VambeError):
    """A success that cannot be read."""

    code = "invalid_response"


class ImportFailedError(VambeError):
    """A file of an import cannot be read or written: mend that, and import again. `report` tells how far it came."""

    code = "import_failed"


def from_details(details: Mapping[str, Any], cause: str | None = None) -> VambeError:
    """Returns the error that the native module describes."""
    error = _rebuilt(CLASSES.get(details["code"], VambeError), details)
    if cause is not None:
        error.__cause__ = OSError(cause)
    return error


def _rebuilt(kind: type[VambeError], details: Mapping[str, Any]) -> VambeError:
    rest = dict(details)
    code, message = rest.pop("code"), rest.pop("message")
    error = kind(message, **rest)
    if error.code != code:
        error.code = code
    return error


def _violation(found: Violation | Mapping[str, Any]) -> Violation:
    return found if isinstance(found, Violation) else Violation(**found)


_PLAIN = (
    "status",
    "truncated",
    "missing_custom_fields",
    "retry_after",
    "retryable",
    "delivery",
    "request_id",
    "attempts",
    "phase",
    "body",
)

CLASSES: dict[str, type[VambeError]] = {
    kind.code: kind
    for kind in (
        ConfigError,
        ValidationError,
        BadRequestError,
        AuthenticationError,
        PermissionDeniedError,
        NotFoundError,
        RateLimitError,
        ServerError,
        ApiError,
        ApiConnectionError,
        ApiTimeoutError,
        InvalidResponseError,
        ImportFailedError,
    )
}

# Tracebacks show the name that a program imports.
for _kind in (VambeError, *CLASSES.values()):
    _kind.__module__ = "vambe"
