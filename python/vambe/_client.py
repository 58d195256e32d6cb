"""`Client` and `AsyncClient`: what the native module does, with Python's signatures around it."""

from __future__ import annotations

from . import _logs, _native
from ._errors import VambeError

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Callable, Iterable
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self, Unpack

    from ._batch import Progress, UpsertMany
    from ._bridge import AsyncUpsertMany
    from ._events import Hooks, Watch
    from ._native import Contact, Prepared, Validation
    from ._types import ChannelName, CustomerRecord, Hook, Pacing, RecordLike, TraceContext


class _BaseClient:
    """What the two clients have in common."""

    __slots__ = ("__weakref__", "_hooks", "_native")

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        channel: ChannelName | None = None,
        channel_phone_number: str | None = None,
        channel_id: str | None = None,
        default_region: str | None = None,
        strict_email: bool | None = None,
        send_empty_meta_data: bool | None = None,
        timeout: float | None = None,
        attempt_timeout: float | None = None,
        connect_timeout: float | None = None,
        max_retries: int | None = None,
        max_concurrency: int | None = None,
        max_rate: float | None = None,
        pace_dir: str | os.PathLike[str] | None = None,
        backoff: float | None = None,
        backoff_cap: float | None = None,
        proxy: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        app_info: str | None = None,
        allow_http: bool | None = None,
        on_attempt: Hook | None = None,
        on_answer: Hook | None = None,
        on_retry: Hook | None = None,
        trace_context: TraceContext | None = None,
    ) -> None:
        """Builds the client; nothing is sent yet. Times are in seconds.

        What is not said is taken from the environment (`VAMBE_API_KEY`, `VAMBE_BASE_URL`,
        `VAMBE_CHANNEL_PHONE`, `VAMBE_PACE_DIR`; empty means unset), then from the defaults.

        Args:
            api_key: The API key (Vambe dashboard, Developers). Default: `VAMBE_API_KEY`.
            base_url: Where the API is; a path in it is kept. Default: `VAMBE_BASE_URL`, or `https://api.vambe.me`.
            channel: `channel` of records that give none. Default: none.
            channel_phone_number: `channel_phone_number` of WhatsApp records that give none.
                Default: `VAMBE_CHANNEL_PHONE`.
            channel_id: `channel_id` of webchat records that give none. Default: none.
            default_region: Country of numbers without country code, such as `CL`.
                Default: none, numbers are only cleaned.
            strict_email: Makes a suspicious e-mail address an error. Default: a warning.
            send_empty_meta_data: Whether `meta_data` is sent as `{}` when there is none. Default: yes.
            timeout: Time of a whole call: all attempts, waits and bodies. Default: 30 s.
            attempt_timeout: Time of one attempt. Default: 10 s.
            connect_timeout: Time to connect. Default: 5 s.
            max_retries: How often a failed call is tried again. Default: 2.
            max_concurrency: How many calls may be in flight, 1 to 1024.
                Default: no limit for `upsert`, 512 for `upsert_many`, or 32 without pacing.
            max_rate: Calls per second of `upsert_many`, a ceiling. Default: none.
            pace_dir: Folder in which processes with one key keep to one pace. Default: `VAMBE_PACE_DIR`, or each
                process keeps its own.
            backoff: Longest first wait before a retry; each next one doubles. Default: 0.25 s.
            backoff_cap: Longest wait before a retry. Default: 8 s.
            proxy: The HTTP proxy, as a URL. Default: `HTTPS_PROXY` and its like, unless `NO_PROXY` lists the host.
            ca_file: PEM file of certificates to trust beside the platform's, and those of `SSL_CERT_FILE`,
                `SSL_CERT_DIR` and `REQUESTS_CA_BUNDLE`. Default: none.
            app_info: Name and version of your program, added to the `User-Agent`. Default: none.
            allow_http: Allows plain http to a host that is not loopback. Default: no.
            on_attempt: Called with a `CallEvent` when an attempt begins. Default: nothing.
            on_answer: Called with a `CallEvent` when an attempt has ended, with or without an answer. Default: nothing.
            on_retry: Called with a `CallEvent` when a call will be tried again, before the wait. Default: nothing.
            trace_context: The trace that calls belong to: headers such as `{"traceparent": "00-…"}`, or a function
                that writes them into the dict it is given, whenever a call begins. Default: none is sent.

        Raises:
            ConfigError: names the option that is missing or wrong.
        """
        options = dict(locals())
        del options["self"]
        self._hooks = _hooks(None, options)
        self._native = _native.Client(options)

    def validate(self, record: RecordLike | None = None, /, **fields: Unpack[CustomerRecord]) -> Validation:
        """Checks a record without sending it, and returns every problem at once."""
        return self._native.validate(record, fields or None)

    def prepare(self, record: RecordLike | None = None, /, **fields: Unpack[CustomerRecord]) -> Prepared:
        """Returns what would be sent for a record, without sending it.

        Raises:
            ValidationError: with every problem at once.
        """
        return self._native.prepare(record, fields or None)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        attempt_timeout: float | None = None,
        max_retries: int | None = None,
        on_attempt: Hook | None = None,
        on_answer: Hook | None = None,
        on_retry: Hook | None = None,
        trace_context: TraceContext | None = None,
    ) -> Self:
        """Returns a client with other options for a few calls, on the same connections.

        Closing either closes both.

        Raises:
            ConfigError: if a time is zero, or an option of another kind than it must be.
        """
        options = dict(locals())
        del options["self"]
        other = type(self).__new__(type(self))
        other._hooks = _hooks(self._hooks, options)
        other._native = self._native.with_options(options)
        return other

    def _watch(self) -> Watch | None:
        """Returns who is told of a call that begins now: mostly nobody."""
        logged = _logs.wanted()
        if self._hooks is None and not logged:
            return None
        from ._events import Watch

        return Watch(self._hooks, logged)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"a {type(self).__name__} holds an API key and is not pickled: build one in each process")

    def __repr__(self) -> str:
        return f"<vambe.{type(self).__name__} of {self._native!r}>"


def _hooks(given: Hooks | None, options: dict[str, Any]) -> Hooks | None:
    """Takes the hooks out of the options."""
    names = ("on_attempt", "on_answer", "on_retry", "trace_context")
    if all(options[name] is None for name in names):
        # Most clients have none, and do without the module.
        for name in names:
            del options[name]
        return given
    from . import _events

    return _events.hooks(given, options)


class Client(_BaseClient):
    """Upserts customers, blocking until each call has ended.

    May be used by several threads at once, and in a forked process after having been used
    in its parent. Ctrl-C ends a call.

    >>> client = Client(api_key="your_api_key", channel_phone_number="+56987654321")
    >>> client.prepare(channel="whatsapp", contact_phone_number="+56 9 1234 5678").changes[0].action
    'filled'
    """

    __slots__ = ()

    def upsert(self, record: RecordLike | None = None, /, **fields: Unpack[CustomerRecord]) -> Contact:
        """Creates the customer's contact, or updates it when the channel already knows them.

        The record is checked first. Connection failures, timeouts, 408, 425, 429 and 5xx are
        tried again: the API documents the call as idempotent. Blocks, with the GIL released.

        Args:
            record: A mapping, a dataclass, an attrs or a pydantic object, or what `from_note` gives.
            fields: Fields by name, which add to the record.

        Raises:
            ValidationError: before anything is sent; `violations` lists every problem.
            VambeError: any other failure, after the last attempt.
        """
        try:
            contact = self._native.upsert(record, fields or None, self._watch())
        except VambeError as error:
            _logs.failed(error)
            raise
        _logs.accepted(contact)
        return contact

    def upsert_many(
        self,
        records: Iterable[RecordLike],
        *,
        max_concurrency: int | None = None,
        max_rate: float | None = None,
        reserve: float | None = None,
        pacing: Pacing | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> UpsertMany:
        """Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.

        Records of one contact are sent one after another, in the order given. At most
        2 × `max_concurrency` + 64 records are held. Nothing happens before the first outcome is
        asked for; closing the iterator ends the calls in flight. A record that fails is an
        outcome, not an error. When `records` raises, the outcomes of what it gave before come
        first, then its exception.

        The pace is the server's limit, found by trying. A batch stops early, and raises why after
        its last outcome, when the key is refused, when 20 of the first 50 answers refuse for one
        reason, and when the server has failed everything for 15 minutes, or refused everything
        with 429 for an hour.

        Args:
            records: Any iterable of records.
            max_concurrency: How many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32
                without pacing.
            max_rate: Calls per second, a ceiling. Default: the client's, or none.
            reserve: Share of the server's limit that is left to others, 0 to 0.9. Default: 0.
            pacing: `learned` finds the server's limit and keeps just below it. `off` sends as fast as
                `max_concurrency` allows, for servers without a limit; a 429 still pauses, and so does
                an outage. Default: `learned`.
            on_progress: Called with a `Progress` after each outcome.

        Raises:
            ConfigError: if an option is out of range.
            VambeError: while iterating, after the last outcome of a batch that stopped early.
        """
        from . import _batch

        options = {"max_concurrency": max_concurrency, "max_rate": max_rate, "reserve": reserve, "pacing": pacing}
        batch = self._native.batch(options, on_progress is not None, self._watch())
        return _batch.UpsertMany(batch, records, on_progress)

    def close(self) -> None:
        """Closes the connections; calls under way finish, later ones are a `ConfigError`."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


# Signatures and docstrings of the two are twins, not one shared `TypedDict` of options: `help()` and editors
# would show `**options` where they now show each option with its type and default.
class AsyncClient(_BaseClient):
    """Upserts customers under asyncio.

    Bound to no event loop: one client serves several, one after another or at the same time.
    Cancelling a call ends it and closes its connection.
    """

    __slots__ = ()

    async def upsert(self, record: RecordLike | None = None, /, **fields: Unpack[CustomerRecord]) -> Contact:
        """Creates the customer's contact, or updates it when the channel already knows them.

        The record is checked first. Connection failures, timeouts, 408, 425, 429 and 5xx are
        tried again: the API documents the call as idempotent.

        Args:
            record: A mapping, a dataclass, an attrs or a pydantic object, or what `from_note` gives.
            fields: Fields by name, which add to the record.

        Raises:
            ValidationError: before anything is sent; `violations` lists every problem.
            VambeError: any other failure, after the last attempt.
        """
        from . import _bridge

        port, future = _bridge.port_and_future()
        try:
            contact = await _bridge.call(self._native, port, future, record, fields or None, self._watch())
        except VambeError as error:
            _logs.failed(error)
            raise
        _logs.accepted(contact)
        return contact

    def upsert_many(
        self,
        records: Iterable[RecordLike] | AsyncIterable[RecordLike],
        *,
        max_concurrency: int | None = None,
        max_rate: float | None = None,
        reserve: float | None = None,
        pacing: Pacing | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> AsyncUpsertMany:
        """Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.

        Records of one contact are sent one after another, in the order given. At most
        2 × `max_concurrency` + 64 records are held. Nothing happens before the first outcome is
        asked for; closing the iterator ends the calls in flight. A record that fails is an
        outcome, not an error. When `records` raises, the outcomes of what it gave before come
        first, then its exception.

        The pace is the server's limit, found by trying. A batch stops early, and raises why after
        its last outcome, when the key is refused, when 20 of the first 50 answers refuse for one
        reason, and when the server has failed everything for 15 minutes, or refused everything
        with 429 for an hour.

        Args:
            records: Any iterable or async iterable of records. A plain one is read in the loop's thread.
            max_concurrency: How many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32
                without pacing.
            max_rate: Calls per second, a ceiling. Default: the client's, or none.
            reserve: Share of the server's limit that is left to others, 0 to 0.9. Default: 0.
            pacing: `learned` finds the server's limit and keeps just below it. `off` sends as fast as
                `max_concurrency` allows, for servers without a limit; a 429 still pauses, and so does
                an outage. Default: `learned`.
            on_progress: Called with a `Progress` after each outcome.

        Raises:
            ConfigError: if an option is out of range.
            VambeError: while iterating, after the last outcome of a batch that stopped early.
        """
        from . import _bridge

        options = {"max_concurrency": max_concurrency, "max_rate": max_rate, "reserve": reserve, "pacing": pacing}
        batch = self._native.batch(options, on_progress is not None, self._watch())
        return _bridge.AsyncUpsertMany(batch, records, on_progress)

    async def close(self) -> None:
        """Closes the connections; calls under way finish, later ones are a `ConfigError`."""
        self._native.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
