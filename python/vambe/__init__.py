"""Upserts customers into Vambe over its public HTTP API. Not affiliated with Vambe.

>>> import vambe
>>> vambe.validate({"channel": "whatsapp"}).violations[0].code
'required'
"""

from __future__ import annotations

from ._client import AsyncClient, Client
from ._errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ImportFailedError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ValidationError,
    VambeError,
)
from ._native import (
    Contact,
    Outcome,
    Prepared,
    Record,
    Validation,
    __version__,
    clean_phone,
    from_note,
    normalize_phone,
    phone_variants,
    prepare,
    validate,
)
from ._shapes import Change, PhoneVariant, Violation

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._batch import Progress, UpsertMany
    from ._bridge import AsyncUpsertMany
    from ._events import CallEvent
    from ._import import ImportProgress, ImportReport, import_file, import_rows
    from ._types import (
        ChannelName,
        CheckOptions,
        CustomerRecord,
        CustomField,
        Duplicates,
        FileFormat,
        Pacing,
        RecordLike,
        Rows,
        UnknownColumns,
    )

__all__ = [
    "ApiConnectionError",
    "ApiError",
    "ApiTimeoutError",
    "AsyncClient",
    "AsyncUpsertMany",
    "AuthenticationError",
    "BadRequestError",
    "CallEvent",
    "Change",
    "ChannelName",
    "CheckOptions",
    "Client",
    "ConfigError",
    "Contact",
    "CustomField",
    "CustomerRecord",
    "Duplicates",
    "FileFormat",
    "ImportFailedError",
    "ImportProgress",
    "ImportReport",
    "InvalidResponseError",
    "NotFoundError",
    "Outcome",
    "Pacing",
    "PermissionDeniedError",
    "PhoneVariant",
    "Prepared",
    "Progress",
    "RateLimitError",
    "Record",
    "RecordLike",
    "Rows",
    "ServerError",
    "UnknownColumns",
    "UpsertMany",
    "Validation",
    "ValidationError",
    "VambeError",
    "Violation",
    "__version__",
    "clean_phone",
    "from_note",
    "import_file",
    "import_rows",
    "normalize_phone",
    "phone_variants",
    "prepare",
    "validate",
]

_LATER = {
    "AsyncUpsertMany": "_bridge",
    "CallEvent": "_events",
    "ChannelName": "_types",
    "CheckOptions": "_types",
    "CustomField": "_types",
    "CustomerRecord": "_types",
    "Duplicates": "_types",
    "FileFormat": "_types",
    "ImportProgress": "_import",
    "ImportReport": "_import",
    "Pacing": "_types",
    "Progress": "_batch",
    "RecordLike": "_types",
    "Rows": "_types",
    "UnknownColumns": "_types",
    "UpsertMany": "_batch",
    "import_file": "_import",
    "import_rows": "_import",
}


def __getattr__(name: str) -> object:
    """Imports what only type checkers, batches and imports need when it is asked for."""
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{module}", __name__), name)
