"""The asyncio client: any loop, several loops, and cancellation that closes sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
import vambe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from vambe.testing import Emulator

SAMPLE: dict[str, Any] = {
    "channel": "whatsapp",
    "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56 9 1234 5678",
}


class LoopWithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch files, as the one of Windows."""

    def add_reader(self, *_: Any) -> Any:  # type: ignore[override]
        raise NotImplementedError


def run_in(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Any]) -> Any:
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
        loop.close()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop, LoopWithoutReaders])
def test_it_works_on(vambe_emulator: Emulator, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    client = vambe_emulator.async_client()

    async def main() -> None:
        contacts = await asyncio.gather(*(client.upsert(SAMPLE, contact_name=str(n)) for n in range(50)))
        assert len({contact.id for contact in contacts}) == 1
        with pytest.raises(vambe.BadRequestError):
            await client.upsert(SAMPLE, custom_field_values={"nope": 1})
        with pytest.raises(vambe.ValidationError):
            await client.upsert(SAMPLE, stage_id="lead")

    run_in(new_loop(), main())
    # The same client, in another loop.
    run_in(new_loop(), main())


def test_several_loops_at_the_same_time(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.async_client()

    async def main() -> None:
        await asyncio.gather(*(client.upsert(SAMPLE) for _ in range(20)))

    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_loop_that_is_gone_is_not_kept(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.async_client()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.upsert(SAMPLE))
    loop.close()
    gone = weakref.ref(loop)
    del loop
    asyncio.run(client.upsert(SAMPLE))
    gc.collect()
    assert gone() is None


class Listener:
    """A server that takes requests and says when a connection has ended."""

    def __init__(self) -> None:
        self.received = asyncio.Event()
        self.ended = asyncio.Event()
        self.url = ""
        self._open: set[asyncio.Task[Any] | None] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.received.set()
            while await reader.read(65536):
                pass
        self.ended.set()
        writer.close()
        await writer.wait_closed()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Listener]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
            await asyncio.wait_for(asyncio.gather(*(task for task in self._open if task)), 5)


def test_cancelling_a_task_closes_its_socket() -> None:
    async def main() -> None:
        async with Listener().listening() as server, vambe.AsyncClient("k", base_url=server.url) as client:
            task = asyncio.ensure_future(client.upsert(SAMPLE))
            await server.received.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.ended.wait(), 0.5)

    asyncio.run(main())


def test_a_timeout_of_asyncio_closes_the_socket() -> None:
    async def main() -> None:
        async with Listener().listening() as server, vambe.AsyncClient("k", base_url=server.url) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.upsert(SAMPLE), 0.1)
            await asyncio.wait_for(server.ended.wait(), 0.5)
            if sys.version_info >= (3, 11):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await client.upsert(SAMPLE)

    asyncio.run(main())


def test_cancelling_a_batch_closes_its_sockets() -> None:
    async def main() -> None:
        async with Listener().listening() as server, vambe.AsyncClient("k", base_url=server.url) as client:

            async def import_all() -> None:
                async for _ in client.upsert_many([SAMPLE]):
                    raise AssertionError

            task = asyncio.ensure_future(import_all())
            await server.received.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.ended.wait(), 0.5)

    asyncio.run(main())


def test_a_closed_client_refuses(vambe_emulator: Emulator) -> None:
    async def main() -> None:
        async with vambe_emulator.async_client() as client:
            await client.upsert(SAMPLE)
        with pytest.raises(vambe.ConfigError, match="the client is closed"):
            await client.upsert(SAMPLE)

    asyncio.run(main())
