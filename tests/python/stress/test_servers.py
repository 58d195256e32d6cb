"""The servers and pools that fork in production, started for real on loopback."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rounds import PROGRAMS, environment, rounds, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vambe.testing import Emulator


@contextlib.contextmanager
def started(arguments: list[str], settings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**settings, "PYTHONUNBUFFERED": "1"},
        cwd=PROGRAMS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=20)


def line_with(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Waits for a line of the output."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"no line with {pattern} in:\n{''.join(seen)}")


def test_gunicorn_with_preload(vambe_emulator: Emulator) -> None:
    arguments = ["gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:0", "gunicorn_app:application"]
    with started(arguments, environment(vambe_emulator)) as server:
        port = int(line_with(server, r"Listening at: http://127\.0\.0\.1:(\d+)")[1])
        answers = []
        for _ in range(rounds(20, 200)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            response = connection.getresponse()
            assert response.status == 200
            answers.append(response.read().split())
            connection.close()
    assert server.pid not in {int(pid) for pid, _ in answers}
    assert {contact.decode() for _, contact in answers} == {vambe_emulator.contacts()[0]["id"]}


def test_celery_prefork(vambe_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    settings = {**environment(vambe_emulator), "BROKER_FOLDER": str(tmp_path)}
    arguments = [
        "celery",
        "-A",
        "celery_app",
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--loglevel",
        "INFO",
    ]
    client = (
        "import celery_app; results = [celery_app.upsert.delay(str(n)) for n in range(10)]; "
        "print(*{result.get(timeout=30) for result in results})"
    )
    with started(arguments, settings) as worker:
        line_with(worker, "ready")
        done = subprocess.run(
            [sys.executable, "-c", client],
            env=settings,
            cwd=PROGRAMS,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.split() == [vambe_emulator.contacts()[0]["id"]]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_process_pools(vambe_emulator: Emulator, method: str) -> None:
    if not hasattr(os, "fork") and method != "spawn":
        pytest.skip("this system cannot fork")
    run(vambe_emulator, "pools", method, seconds=60)
