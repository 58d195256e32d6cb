"""One of several processes that import with one key: prints how many records were accepted."""

from __future__ import annotations

import sys

import vambe

url, folder, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
client = vambe.Client("key", base_url=url, pace_dir=folder, channel="whatsapp", channel_phone_number="+56987654321")
records = ({"contact_phone_number": f"+569{10_000_000 + number}"} for number in range(first, first + count))
print(sum(outcome.ok for outcome in client.upsert_many(records)))
