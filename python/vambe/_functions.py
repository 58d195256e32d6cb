"""The checks, without a client."""

from __future__ import annotations

from . import _native

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._native import Prepared, Validation
    from ._types import CheckOptions, RecordLike


def validate(record: RecordLike, /, **options: Unpack[CheckOptions]) -> Validation:
    """Checks a record without sending it, and returns every problem at once.

    >>> [found.path for found in validate({"channel": "webchat"}).violations]
    [['channel_id'], ['external_user_id']]
    """
    return _native.validate(record, options or None)


def prepare(record: RecordLike, /, **options: Unpack[CheckOptions]) -> Prepared:
    """Returns what would be sent for a record, without sending it.

    Raises:
        ValidationError: with every problem at once.

    >>> phones = {"channel_phone_number": "+56987654321", "contact_phone_number": "+56 9 1234 5678"}
    >>> prepare({"channel": "whatsapp", **phones}).key
    'whatsapp/56987654321/56912345678'
    """
    return _native.prepare(record, options or None)
