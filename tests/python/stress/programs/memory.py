"""Measures whether memory grows over many calls: the first half may, the second may not."""

from __future__ import annotations

import asyncio
import resource
import sys

import vambe

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}
REFUSED = {**RECORD, "stageId": "lead"}


def resident() -> int:
    """Returns the resident memory in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def blocking(client: vambe.Client, calls: int) -> None:
    for _ in range(calls):
        client.upsert(RECORD)


def refused(client: vambe.Client, calls: int) -> None:
    for _ in range(calls):
        try:
            client.upsert(REFUSED)
        except vambe.ValidationError:
            continue


def failed(client: vambe.Client, calls: int) -> None:
    unknown = client.with_options(max_retries=0)
    for _ in range(calls):
        try:
            unknown.upsert(RECORD, custom_field_values={"nobody_knows": 1})
        except vambe.BadRequestError:
            continue


async def in_a_loop(client: vambe.AsyncClient, calls: int) -> None:
    async def work() -> None:
        for _ in range(calls // 16):
            await client.upsert(RECORD)

    await asyncio.gather(*(work() for _ in range(16)))


async def cancelled(client: vambe.AsyncClient, calls: int) -> None:
    for _ in range(calls):
        task = asyncio.ensure_future(client.upsert(RECORD))
        await asyncio.sleep(0)
        task.cancel()


def half(client: vambe.Client, aclient: vambe.AsyncClient, calls: int) -> None:
    blocking(client, calls // 4)
    for _ in client.upsert_many((RECORD for _ in range(calls // 4)), pacing="off"):
        pass
    asyncio.run(in_a_loop(aclient, calls // 2))
    failures = calls // 10
    refused(client, failures // 2)
    failed(client, failures // 4)
    asyncio.run(cancelled(aclient, failures // 4))


def main(calls: int) -> None:
    client, aclient = vambe.Client(), vambe.AsyncClient()
    half(client, aclient, calls // 2)
    before = resident()
    half(client, aclient, calls // 2)
    grown = resident() - before
    print(f"grown by {grown / 1e6:.2f} MB over {calls // 2} calls")
    assert grown <= 4_000_000, f"grown by {grown} bytes"


main(int(sys.argv[1]))
