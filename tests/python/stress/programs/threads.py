"""Counts calls per second with one thread and with sixteen, on one client against a server with 20 ms latency."""

from __future__ import annotations

import sys
import threading
import time

import vambe

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}


def rate(client: vambe.Client, threads: int, calls: int) -> float:
    def work() -> None:
        for _ in range(calls):
            client.upsert(RECORD)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * calls / (time.monotonic() - began)


with vambe.Client() as client:
    rate(client, 16, 2)
    one, sixteen = rate(client, 1, int(sys.argv[1])), rate(client, 16, int(sys.argv[1]))
assert sixteen >= 8 * one, f"{sixteen:.0f} calls/s with 16 threads, {one:.0f} with one"
