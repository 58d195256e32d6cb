"""Fork, exit, Ctrl-C and cancellation, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from rounds import command, environment, rounds, run

if TYPE_CHECKING:
    from vambe.testing import Emulator


def test_a_forked_child_answers_within_a_second_with_the_same_client_and_with_a_fresh_one(
    vambe_emulator: Emulator,
) -> None:
    run(vambe_emulator, "fork", rounds(50, 200), seconds=300)


@pytest.mark.parametrize(
    "way",
    ["daemon_threads", "busy_daemon_threads", "asyncio_tasks", "loop_left_open", "exit_in_the_loop", "batch_half_read"],
)
def test_the_interpreter_ends_with_calls_in_flight(vambe_emulator: Emulator, way: str) -> None:
    vambe_emulator.fault("stall", times=1_000_000)
    for _ in range(rounds(9, 34)):
        run(vambe_emulator, "exit", way, seconds=20)


@pytest.mark.parametrize("how", ["upsert", "upsert_many"])
def test_an_interrupt_ends_a_call_within_200_ms(vambe_emulator: Emulator, how: str) -> None:
    vambe_emulator.fault("stall", times=1_000_000)
    for took in interrupts(vambe_emulator, signal.SIGINT, how, rounds(5, 25)):
        assert took < 0.2, took


def test_a_signal_handler_of_ones_own_runs_in_the_middle_of_a_call(vambe_emulator: Emulator) -> None:
    vambe_emulator.fault("stall", times=1_000_000)
    [took] = interrupts(vambe_emulator, signal.SIGUSR1, "handler", 1)
    assert took < 0.2, took


def interrupts(emulator: Emulator, number: signal.Signals, how: str, times: int) -> list[float]:
    """Interrupts a program whenever it says that it is in a call, and gives how long each took."""
    took = []
    with subprocess.Popen(command("interrupt", how, times), env=environment(emulator), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(times):
            assert child.stdout.readline() == b"calling\n"
            sent = time.monotonic()
            os.kill(child.pid, number)
            took.append(float(child.stdout.readline()) - sent)
        assert child.wait(20) == 0
    return took


@pytest.mark.parametrize("loop", [[], ["uvloop"]], ids=["asyncio", "uvloop"])
@pytest.mark.skipif(sys.platform == "win32", reason="uvloop")
def test_calls_are_cancelled_while_their_loop_closes(vambe_emulator: Emulator, loop: list[str]) -> None:
    run(vambe_emulator, "cancel", rounds(50, 500), *loop, seconds=120)
