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
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from ._batch import Progress
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
    client: Client, port: Port, future: asyncio.Future[Any], record: RecordLike | None, fields: Mapping[str, Any] | None
) -> Contact:
    """Starts a call, and waits for its end."""
    number = client.start(port, future, record, fields)
    try:
        contact: Contact = await future
    except (asyncio.CancelledError, GeneratorExit):
        port.cancel(number)
        raise
    return contact


async def outcomes(
    batch: Batch,
    records: Iterable[RecordLike] | AsyncIterable[RecordLike],
    on_progress: Callable[[Progress], object] | None,
) -> AsyncIterator[Outcome]:
    """Feeds a batch, and yields what comes out of it."""
    count = _batch.Count(on_progress)
    feeder = _AsyncFeeder(batch, records) if isinstance(records, AsyncIterable) else _Feeder(batch, records)
    try:
        while not batch.is_finished():
            feeder.feed()
            ready = batch.take()
            for outcome in ready:
                count.add(outcome)
                yield outcome
            if not ready:
                port, future = port_and_future()
                if batch.watch(port, future, feeder.waits_for_room()):
                    await future
    finally:
        batch.close()
        await feeder.close()
    if feeder.failure is not None:
        raise feeder.failure


class _Feeder:
    """Feeds a batch from a plain iterable."""

    def __init__(self, batch: Batch, records: Iterable[RecordLike]) -> None:
        self.failure: Exception | None = None
        self._batch = batch
        self._source = iter(records)

    def feed(self) -> None:
        if self.failure is None and self._batch.wants_records():
            self.failure = _batch.feed(self._batch, self._source)

    def waits_for_room(self) -> bool:
        return True

    async def close(self) -> None:
        pass


class _AsyncFeeder:
    """Feeds a batch from an async iterable, in a task of its own: waiting for records must not hold up outcomes."""

    def __init__(self, batch: Batch, records: AsyncIterable[RecordLike]) -> None:
        self.failure: Exception | None = None
        self._batch = batch
        self._room = asyncio.Event()
        self._is_full = False
        self._task = asyncio.ensure_future(self._run(records))

    def feed(self) -> None:
        if self._batch.wants_records():
            self._room.set()

    def waits_for_room(self) -> bool:
        return self._is_full and not self._room.is_set()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self, records: AsyncIterable[RecordLike]) -> None:
        try:
            async for record in records:
                self._batch.push(record)
                while not self._batch.wants_records():
                    self._room.clear()
                    self._is_full = True
                    await self._room.wait()
                self._is_full = False
        except Exception as error:
            # What was handed over before is still carried to its end.
            self.failure = error
        finally:
            self._batch.end()


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
