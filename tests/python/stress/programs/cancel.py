"""Cancels calls while their loop closes, again and again, on one client."""

import asyncio
import random
import sys

import vambe

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}

if len(sys.argv) > 2:
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

client = vambe.AsyncClient(max_retries=0)
chance = random.Random(1)


async def main() -> None:
    tasks = [asyncio.ensure_future(client.upsert(RECORD)) for _ in range(8)]
    # Some calls have ended by now, some are about to.
    await asyncio.sleep(chance.random() / 200)
    for task in chance.sample(tasks, 4):
        task.cancel()


for _ in range(int(sys.argv[1])):
    asyncio.run(main())
# The worker is as well as it was.
contact = asyncio.run(client.upsert(RECORD))
assert contact.id
