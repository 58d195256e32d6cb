"""Imports in a process of its own, for a test that interrupts or measures it."""

from __future__ import annotations

import resource
import signal
import sys
from typing import TYPE_CHECKING, Any

import vambe

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULTS: dict[str, Any] = {"channel": "whatsapp", "channel_phone_number": "+56987654321"}


def row(number: int) -> dict[str, Any]:
    return {"contact_phone_number": f"+569{10_000_000 + number}", "contact_name": f"Ana {number}"}


def interrupt(url: str, journal: str) -> int:
    """Imports rows for ever; says when it stops, and how many it has sent by then."""
    # A shell that runs the tests in the background has them ignore it, and so this program.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    accepted, is_stopping = 0, False

    def note(progress: vambe.ImportProgress) -> None:
        nonlocal accepted, is_stopping
        accepted = progress.accepted
        if progress.stopping and not is_stopping:
            is_stopping = True
            print("stopping", flush=True)

    client = vambe.Client("secret", base_url=url, attempt_timeout=600, **DEFAULTS)
    rows = map(row, range(1_000_000_000))
    try:
        vambe.import_rows(rows, client=client, journal=journal, pacing="off", max_concurrency=2, on_progress=note)
    except KeyboardInterrupt:
        print("interrupted after", accepted, flush=True)
        return 130
    return 0


def memory(url: str, key: str) -> int:
    """Imports 100,000 rows, of which one in a hundred can be sent, and prints the memory after 20,000 and after all."""
    early = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal early
        for number in range(100_000):
            if number == 20_000:
                early = resident()
            yield row(number) if number % 100 == 0 else {"contact_name": "x" * 1_000, "number": number}

    client = vambe.Client(key, base_url=url, **DEFAULTS)
    report = vambe.import_rows(rows(), client=client, pacing="off")
    print(report.rows, report.accepted, early, resident())
    return 0


def resident() -> int:
    """Returns the most memory there ever was, in KiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "linux" else most // 1024


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    sys.exit({"interrupt": interrupt, "memory": memory}[what](*arguments))
