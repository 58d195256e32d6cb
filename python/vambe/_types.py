"""The shapes of records and options, for type checkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from ._events import CallEvent

ChannelName = Literal["whatsapp", "web-whatsapp", "webchat"]
"""How the customer is reached."""

Pacing = Literal["learned", "off"]
"""Whether `upsert_many` keeps to a rate."""


UnknownColumns = Literal["meta", "skip", "error"]
"""What becomes of columns that are no field."""

Duplicates = Literal["last", "error"]
"""What becomes of a file in which a customer comes twice."""

FileFormat = Literal["csv", "xlsx", "ndjson", "json"]
"""The kind of a file; `csv` is TSV too."""

Hook = Callable[["CallEvent"], object]
"""What is told of events."""

Inject = Callable[[MutableMapping[str, str]], object]
"""What writes the caller's trace into the mapping that it is given."""

TraceContext = Mapping[str, str | None] | Inject
"""The trace that calls belong to: headers, or what writes them."""


class CustomField(TypedDict):
    """The value of a custom field, by the key of its definition."""

    key: str
    value: Any


class CustomerRecord(TypedDict, total=False):
    """What is said about a customer, spelled as the API spells it.

    `channel` and the two fields that its kind needs are required: `channel_phone_number` and
    `contact_phone_number` for WhatsApp, `channel_id` and `external_user_id` for webchat.
    Options of the client may fill in all of them but `contact_phone_number` and `external_user_id`.
    """

    channel: ChannelName | None
    """`whatsapp`, `web-whatsapp` or `webchat`."""
    channel_phone_number: str | None
    """Your own number, or the channel's id. Sent as given."""
    contact_phone_number: str | None
    """The customer's number. Digits and `+` are kept."""
    channel_id: str | UUID | None
    """The UUID of your webchat channel."""
    external_user_id: str | int | UUID | None
    """Your own id of the webchat user, text or a whole number."""
    contact_name: str | None
    """The name to show."""
    contact_email: str | None
    """Sent as given."""
    stageId: str | UUID | None
    """The UUID of a pipeline stage."""
    stage_id: str | UUID | None
    """Another spelling of `stageId`."""
    agentId: str | UUID | None
    """The UUID of the responsible team member."""
    agent_id: str | UUID | None
    """Another spelling of `agentId`."""
    meta_data: Mapping[str, Any] | None
    """An object of anything, for the service's AI to read."""
    custom_field_values: Mapping[str, Any] | Sequence[CustomField] | None
    """An object of key and value, or a list of `{key, value}`."""
    extra: Mapping[str, Any] | None
    """An object merged into the body as it is, nulls included."""


RecordLike = Union["CustomerRecord", "Mapping[str, Any]", object]
"""What a record can be: a mapping, a dataclass, an attrs or a pydantic object, or what `from_note` gives."""


class ArrowStream(Protocol):
    """A table of any library that speaks Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Gives its batches."""
        ...


class Cursor(Protocol):
    """What a database gives after a query, a few rows at a time."""

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        """Gives the next rows."""
        ...

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """Names the columns."""
        ...


Rows = Union["Iterable[RecordLike]", ArrowStream, Cursor]
"""Where rows can come from: iterables of records, data frames, tables, cursors."""


class CheckOptions(TypedDict, total=False):
    """What a check takes for granted."""

    channel: ChannelName | None
    """`channel` of records that give none."""
    channel_phone_number: str | None
    """`channel_phone_number` of WhatsApp records that give none."""
    channel_id: str | None
    """`channel_id` of webchat records that give none."""
    default_region: str | None
    """Country of numbers without country code, such as `CL`; all numbers become E.164."""
    strict_email: bool | None
    """Whether a suspicious e-mail address is an error. Default: a warning."""
    send_empty_meta_data: bool | None
    """Whether `meta_data` is sent as `{}` when there is none. Default: yes."""
