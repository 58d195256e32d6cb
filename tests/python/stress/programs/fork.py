"""Forks again and again after a client was used, while other threads use it."""

import asyncio
import os
import sys
import threading
import time

import vambe

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}

client = vambe.Client()
aclient = vambe.AsyncClient()


async def call_async() -> None:
    await aclient.upsert(RECORD)


def in_child() -> None:
    began = time.monotonic()
    client.upsert(RECORD)
    vambe.Client().upsert(RECORD)
    asyncio.run(call_async())
    assert sum(outcome.ok for outcome in client.upsert_many([RECORD] * 3, pacing="off")) == 3
    assert time.monotonic() - began < 1, f"took {time.monotonic() - began:.2f} s"
    client.close()


def keep_calling(stop: threading.Event) -> None:
    while not stop.is_set():
        client.upsert(RECORD)


def main(rounds: int) -> None:
    client.upsert(RECORD)
    asyncio.run(call_async())
    next(iter(client.upsert_many([RECORD] * 3, pacing="off")))
    stop = threading.Event()
    threads = [threading.Thread(target=keep_calling, args=(stop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(rounds):
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    in_child()
                    status = 0
                except BaseException as error:
                    print(f"child: {error!r}", file=sys.stderr, flush=True)
                finally:
                    os._exit(status)
            assert os.waitpid(pid, 0)[1] == 0
            client.upsert(RECORD)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


main(int(sys.argv[1]))
