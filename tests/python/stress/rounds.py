"""How much is done: a short round by default, the full one with `STRESS=full`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vambe.testing import Emulator

IS_FULL = os.environ.get("STRESS") == "full"
PROGRAMS = Path(__file__).parent / "programs"


def rounds(short: int, full: int) -> int:
    return full if IS_FULL else short


def environment(emulator: Emulator) -> dict[str, str]:
    return {**os.environ, "VAMBE_API_KEY": emulator.api_key, "VAMBE_BASE_URL": emulator.url, "PYTHONFAULTHANDLER": "1"}


def command(program: str, *arguments: object) -> list[str]:
    # Newer Pythons warn of every fork with threads, which is what is tested here.
    warnings = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    return [sys.executable, *warnings, str(PROGRAMS / f"{program}.py"), *map(str, arguments)]


def run(emulator: Emulator, program: str, *arguments: object, seconds: float) -> None:
    """Runs a program to its end, which must be a good one, and in time."""
    done = subprocess.run(
        command(program, *arguments), env=environment(emulator), capture_output=True, timeout=seconds, check=False
    )
    assert (done.returncode, done.stderr.decode()) == (0, ""), (done.returncode, done.stderr.decode()[-3000:])
