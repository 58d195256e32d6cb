"""Many threads, and many calls."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rounds import IS_FULL, rounds, run

if TYPE_CHECKING:
    from vambe.testing import Emulator


def test_sixteen_threads_on_one_client_do_at_least_eight_times_the_calls_of_one(vambe_emulator: Emulator) -> None:
    vambe_emulator.fault(times=1_000_000, delay_ms=20)
    run(vambe_emulator, "threads", rounds(20, 100), seconds=60)


# Minutes long, and /proc is Linux's.
if IS_FULL and sys.platform.startswith("linux"):

    def test_memory_does_not_grow(vambe_emulator: Emulator) -> None:
        run(vambe_emulator, "memory", 200_000, seconds=900)
