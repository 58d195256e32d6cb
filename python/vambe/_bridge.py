"""The asyncio side of the bridge to the native worker thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from . import _batch, _native

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping

    from typing_extensions import Self

    from ._batch import Progress
    from ._events import Watch
    from ._native import Batch, Client, Contact, Outcome, Port
    from ._types import RecordLike

_Loop = asyncio.AbstractEventLoop

_ports: WeakKeyDictionary[_Loop, Port] = WeakKeyDictionary()

# A forked process has none of its parent's threads to wake its loops.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ports.clear)


def port_and_future() -> tuple[Port, asyncio.Future[Any]]:
    """Returns the running loop's end of the bridge, and a future of that loop."""
    loop = asyncio.get_running_loop()
    return _ports.get(loop) or _open(loop), loop.create_future()


async def call(
    client: Client,
    port: Port,
    future: asyncio.Future[Any],
    record: RecordLike | None,
    fields: Mapping[str, Any] | None,
    watch: Watch | None,
) -> Contact:
    """Starts a call, and waits for its end."""
    number = client.start(port, future, record, fields, watch)
    try:
        contact: Contact = await future
    except (asyncio.CancelledError, GeneratorExit):
        port.cancel(number)
        raise
    return contact


class AsyncUpsertMany:
    """The outcomes of a batch, as they complete: an async iterator, and the way to end it early."""

    __slots__ = ("__weakref__", "_batch", "_feeder", "_outcomes")

    def __init__(
        self,
        batch: Batch,
        records: Iterable[RecordLike] | AsyncIterable[RecordLike],
        on_progress: Callable[[Progress], object] | None,
    ) -> None:
        self._batch = batch
        self._feeder = _AsyncFeeder(batch, records) if isinstance(records, AsyncIterable) else _Feeder(batch, records)
        self._outcomes = _outcomes(batch, self._feeder, on_progress)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        return await self._outcomes.__anext__()

    def finish(self, timeout: float) -> None:
        """Reads no more records, and gives those that were taken so many seconds.

        Returns at once: iterate on for their outcomes. What is not done by then failed with an
        `ApiTimeoutError`. To be called in the loop's thread.

        Raises:
            ConfigError: if `timeout` is no number of seconds.
        """
        self._batch.finish(timeout)
        self._feeder.stop()

    async def aclose(self) -> None:
        """Ends the calls in flight; there are no more outcomes."""
        await self._outcomes.aclose()
        # What never began has nothing to clean up after it.
        self._batch.close()


async def _outcomes(
    batch: Batch, feeder: _Feeder | _AsyncFeeder, on_progress: Callable[[Progress], object] | None
) -> AsyncGenerator[Outcome, None]:
    """Feeds a batch, and yields what comes out of it."""
    try:
        feeder.start()
        while not batch.is_finished():
            feeder.feed()
            ready = batch.take()
            for taken in ready:
                yield _batch.told(taken, on_progress)
            if not ready:
                port, future = port_and_future()
                if batch.watch(port, future, feeder.waits_for_room()):
                    await future
        _batch.conclude(batch, feeder.failure)
    finally:
        batch.close()
        await feeder.close()


class _Feeder:
    """Feeds a batch from a plain iterable."""

    def __init__(self, batch: Batch, records: Iterable[RecordLike]) -> None:
        self.failure: Exception | None = None
        self._batch = batch
        self._records = records
        self._source: Iterator[RecordLike] | None = None

    def start(self) -> None:
        self._source = iter(self._records)

    def feed(self) -> None:
        if self._source is not None and self.failure is None and self._batch.wants_records():
            self.failure = _batch.feed(self._batch, self._source)

    def waits_for_room(self) -> bool:
        return True

    def stop(self) -> None:
        pass

    async def close(self) -> None:
        pass


class _AsyncFeeder:
    """Feeds a batch from an async iterable, in a task of its own: waiting for records must not hold up outcomes."""

    def __init__(self, batch: Batch, records: AsyncIterable[RecordLike]) -> None:
        self.failure: Exception | None = None
        self._batch = batch
        self._records = records
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if not self._batch.has_ended():
            self._task = asyncio.ensure_future(self._run())

    def feed(self) -> None:
        pass

    def waits_for_room(self) -> bool:
        return False

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        self.stop()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            async for record in self._records:
                self._batch.push(record)
                await self._room()
                if self._batch.has_ended():
                    break
        except Exception as error:
            # What was handed over before is still carried to its end.
            self.failure = error
        finally:
            self._batch.end()

    async def _room(self) -> None:
        while not (self._batch.wants_records() or self._batch.has_ended()):
            port, future = port_and_future()
            if self._batch.watch_room(port, future):
                await future


def _open(loop: _Loop) -> Port:
    for other in list(_ports):
        if other.is_closed():
            _ports.pop(other).close()
    port = _native.Port()
    try:
        loop.add_reader(port.fileno(), port.settle)
    except NotImplementedError:
        _read_in_a_task(loop, port)
    _ports[loop] = port
    return port


def _read_in_a_task(loop: _Loop, port: Port) -> None:
    """Watches a port on a loop that cannot watch files, such as the one of Windows."""
    reader = socket.socket(fileno=socket.dup(port.fileno()) if hasattr(socket, "dup") else os.dup(port.fileno()))
    reader.setblocking(False)

    async def watch() -> None:
        with reader:
            while await loop.sock_recv(reader, 64):
                port.settle()

    task = loop.create_task(watch())
    _watching.add(task)
    task.add_done_callback(_watching.discard)


_watching: set[asyncio.Task[None]] = set()
