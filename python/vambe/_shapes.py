"""Small values that checks give back."""

from __future__ import annotations

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class _Value:
    """A value that is equal to another with the same attributes."""

    __slots__: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns every attribute by its name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and other.as_dict() == self.as_dict()

    def __hash__(self) -> int:
        return hash(repr(self.as_dict()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, name) for name in self.__slots__)


class Violation(_Value):
    """One broken rule: where, which, and what to do.

    The message never holds the value: phones and e-mails are personal data.
    """

    __slots__ = ("path", "code", "message", "severity", "hint", "suggestion")  # noqa: RUF023 -- the order of the arguments
    __match_args__ = ("path", "code")

    path: list[str | int]
    """Where it is, as the caller spelled it, such as `["custom_field_values", 1, "value"]`."""
    code: str
    """Which rule was broken; `docs/contract.md` lists them."""
    message: str
    """One English sentence without the value."""
    severity: str
    """`error`: the record is not sent. `warning`: it is."""
    hint: str | None
    """What to do about it."""
    suggestion: str | None
    """What was probably meant."""

    def __init__(
        self,
        path: Sequence[str | int],
        code: str,
        message: str,
        severity: str = "error",
        hint: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        self.path = list(path)
        self.code = code
        self.message = message
        self.severity = severity
        self.hint = hint
        self.suggestion = suggestion

    def __str__(self) -> str:
        suggestion = f'; did you mean "{self.suggestion}"?' if self.suggestion else ""
        return f"{self.message}{suggestion}{f' ({self.hint})' if self.hint else ''}"

    def __repr__(self) -> str:
        return f"Violation(path={self.path!r}, code={self.code!r})"


class Change(_Value):
    """One difference between the record as given and the body as sent."""

    __slots__ = ("path", "action", "before", "after")  # noqa: RUF023 -- the order of the arguments
    __match_args__ = ("path", "action")

    path: list[str | int]
    """Where, as the caller spelled it."""
    action: str
    """What was done: `dropped`, `cleaned`, `trimmed`, `normalized`, `converted`, `filled` or `added`."""
    before: str | None
    """The text before; personal data."""
    after: str | None
    """The text after; personal data."""

    def __init__(
        self, path: Sequence[str | int], action: str, before: str | None = None, after: str | None = None
    ) -> None:
        self.path = list(path)
        self.action = action
        self.before = before
        self.after = after

    def __repr__(self) -> str:
        return f"Change(path={self.path!r}, action={self.action!r})"


class PhoneVariant(_Value):
    """One spelling of a number."""

    __slots__ = ("number", "may_be_landline")  # noqa: RUF023 -- the order of the arguments
    __match_args__ = ("number", "may_be_landline")

    number: str
    """The number, with its plus."""
    may_be_landline: bool
    """Whether this spelling could also be somebody's landline."""

    def __init__(self, number: str, may_be_landline: bool) -> None:
        self.number = number
        self.may_be_landline = may_be_landline

    def __repr__(self) -> str:
        return f"PhoneVariant(may_be_landline={self.may_be_landline!r})"
