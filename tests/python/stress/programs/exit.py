"""Ends the interpreter with a hundred calls in flight, in the way that the argument names."""

import asyncio
import itertools
import sys
import threading

import vambe

IN_FLIGHT = 100


def record(number: int) -> dict[str, str]:
    phones = {"channel_phone_number": "+56987654321", "contact_phone_number": f"+569{number:08}"}
    return {"channel": "whatsapp", **phones}


def daemon_threads() -> None:
    client = vambe.Client()
    started = threading.Barrier(IN_FLIGHT + 1)

    def call(number: int) -> None:
        started.wait()
        client.upsert(record(number))

    for number in range(IN_FLIGHT):
        threading.Thread(target=call, args=(number,), daemon=True).start()
    started.wait()


def busy_daemon_threads() -> None:
    client = vambe.Client()

    def keep_calling(number: int) -> None:
        while True:
            client.validate(record(number))
            try:
                client.with_options(attempt_timeout=0.01, max_retries=0).upsert(record(number))
            except vambe.VambeError:
                continue

    for number in range(8):
        threading.Thread(target=keep_calling, args=(number,), daemon=True).start()


def asyncio_tasks() -> None:
    async def main() -> None:
        client = vambe.AsyncClient()
        tasks = [asyncio.ensure_future(client.upsert(record(number))) for number in range(IN_FLIGHT)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)

    asyncio.run(main())


def loop_left_open() -> None:
    client = vambe.AsyncClient()
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(client.upsert(record(number))) for number in range(IN_FLIGHT)]
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    globals()["kept"] = (loop, tasks)


def exit_in_the_loop() -> None:
    async def main() -> None:
        client = vambe.AsyncClient()
        tasks = [asyncio.ensure_future(client.upsert(record(number))) for number in range(IN_FLIGHT)]
        await asyncio.sleep(0)
        globals()["kept"] = tasks
        sys.exit(0)

    asyncio.run(main())


def batch_half_read() -> None:
    batch = vambe.Client().upsert_many(map(record, itertools.count()), max_concurrency=IN_FLIGHT, pacing="off")
    thread = threading.Thread(target=next, args=(batch,), daemon=True)
    thread.start()
    globals()["kept"] = batch


globals()[sys.argv[1]]()
