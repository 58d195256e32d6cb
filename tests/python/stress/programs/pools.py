"""Uses one client in the worker processes of pools, which are made after it was used."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import vambe

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}

client = vambe.Client()


def upsert(_: int) -> str:
    return client.upsert(RECORD).id


def fail(_: int) -> str:
    return client.upsert(RECORD, contact_email=1).id  # type: ignore[arg-type]


if __name__ == "__main__":
    expected = {client.upsert(RECORD).id}
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(4) as pool:
        assert set(pool.map(upsert, range(20))) == expected
        try:
            pool.map(fail, range(2))
        except vambe.ValidationError as error:
            # It came through a pickle.
            assert error.violations[0].path == ["contact_email"], error
        else:
            raise AssertionError("an error was lost between processes")
    with ProcessPoolExecutor(4, mp_context=context) as executor:
        assert set(executor.map(upsert, range(20))) == expected
