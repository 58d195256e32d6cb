"""The Python package side by side with what people would use instead.

Every contender does the same upserts against the same loopback server, in interleaved
rounds; the figures are medians over the rounds. `report.py` holds them against the targets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import aiohttp
import httpx
import impit
import pydantic
import vambe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATH = "/api/public/customer/upsert/info"
KEY = "emulator_bench"
HEADERS = {"x-api-key": KEY, "content-type": "application/json"}
RECORD: dict[str, Any] = {
    "channel": "whatsapp",
    "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56 9 1234 5678",
    "contact_name": "Maria Rodriguez",
    "contact_email": "maria.rodriguez@example.com",
    "meta_data": {"source": "landing-page", "campaign": "spring", "visits": 3, "score": 0.5, "tags": ["a", "b"]},
    "custom_field_values": [{"key": "rut", "value": "12345678-9"}, {"key": "company_name", "value": "Acme"}],
}
IN_FLIGHT = 32


@dataclass
class Figure:
    """What one contender did in one round."""

    per_second: float
    cpu_per_call: float


def measured(calls: int, run: Callable[[], None]) -> Figure:
    def cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    wall, used = time.perf_counter(), cpu()
    run()
    return Figure(calls / (time.perf_counter() - wall), (cpu() - used) / calls)


def medians(contenders: dict[str, Callable[[int], Callable[[], None]]], calls: int, rounds: int) -> dict[str, Figure]:
    """Lets each contender run in every round, after one to warm up."""
    figures: dict[str, list[Figure]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            figure = measured(calls, contender(calls))
            if number:
                figures[name].append(figure)
    return {
        name: Figure(
            statistics.median(figure.per_second for figure in seen),
            statistics.median(figure.cpu_per_call for figure in seen),
        )
        for name, seen in figures.items()
    }


def blocking(url: str) -> dict[str, Callable[[int], Callable[[], None]]]:
    ours = vambe.Client(KEY, base_url=url)
    theirs_httpx = httpx.Client(headers=HEADERS, timeout=30)
    theirs_impit = impit.Client(headers=HEADERS, timeout=30)

    def run_ours(calls: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(calls):
                assert ours.upsert(RECORD).id

        return run

    def run_httpx(calls: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(calls):
                assert theirs_httpx.post(url + PATH, content=json.dumps(RECORD)).json()["id"]

        return run

    def run_impit(calls: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(calls):
                assert theirs_impit.post(url + PATH, content=json.dumps(RECORD).encode()).json()["id"]

        return run

    return {"vambe": run_ours, "httpx": run_httpx, "impit": run_impit}


def concurrent(url: str) -> dict[str, Callable[[int], Callable[[], None]]]:
    async def work(calls: int, call: Callable[[], Any]) -> None:
        async def worker() -> None:
            for _ in range(calls // IN_FLIGHT):
                await call()

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))

    client = vambe.AsyncClient(KEY, base_url=url)

    def run_ours(calls: int) -> Callable[[], None]:
        async def call() -> None:
            assert (await client.upsert(RECORD)).id

        return lambda: asyncio.run(work(calls, call))

    def run_aiohttp(calls: int) -> Callable[[], None]:
        async def main() -> None:
            async with aiohttp.ClientSession(headers=HEADERS) as session:

                async def call() -> None:
                    async with session.post(url + PATH, data=json.dumps(RECORD)) as response:
                        assert (await response.json())["id"]

                await work(calls, call)

        return lambda: asyncio.run(main())

    ours = vambe.Client(KEY, base_url=url)

    def run_batch(calls: int) -> Callable[[], None]:
        def records() -> Iterator[dict[str, Any]]:
            for number in range(calls):
                yield {**RECORD, "contact_phone_number": f"+569{10_000_000 + number}"}

        def run() -> None:
            for outcome in ours.upsert_many(records(), max_concurrency=IN_FLIGHT, pacing="off"):
                assert outcome.ok

        return run

    async def batch(calls: int) -> None:
        records = ({**RECORD, "contact_phone_number": f"+569{10_000_000 + number}"} for number in range(calls))
        async for outcome in client.upsert_many(records, max_concurrency=IN_FLIGHT, pacing="off"):
            assert outcome.ok

    def run_async_batch(calls: int) -> Callable[[], None]:
        return lambda: asyncio.run(batch(calls))

    return {"vambe": run_ours, "aiohttp": run_aiohttp, "upsert_many": run_batch, "async upsert_many": run_async_batch}


UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
Uuid = Annotated[str, pydantic.Field(pattern=UUID)]
Cleaned = Annotated[str, pydantic.AfterValidator(lambda text: re.sub(r"[^0-9+]", "", text))]


class Field(pydantic.BaseModel, extra="forbid"):
    key: str
    value: str


class Customer(pydantic.BaseModel, extra="forbid"):
    """The documented rules, and the documented cleaning, as one would write them with pydantic."""

    channel: Literal["whatsapp", "web-whatsapp", "webchat"]
    channel_phone_number: str | None = None
    contact_phone_number: Cleaned | None = None
    channel_id: Uuid | None = None
    external_user_id: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    stageId: Uuid | None = None  # noqa: N815
    agentId: Uuid | None = None  # noqa: N815
    meta_data: dict[str, Any] = {}
    custom_field_values: list[Field] = []

    @pydantic.model_validator(mode="after")
    def needs(self) -> Customer:
        is_webchat = self.channel == "webchat"
        names = ("channel_id", "external_user_id") if is_webchat else ("channel_phone_number", "contact_phone_number")
        if not all(getattr(self, name) for name in names):
            raise ValueError(f"{self.channel} needs {' and '.join(names)}")
        return self


def bodies() -> dict[str, Callable[[int], Callable[[], None]]]:
    def run_ours(calls: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(calls):
                assert vambe.prepare(RECORD).body

        return run

    def run_pydantic(calls: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(calls):
                assert Customer.model_validate(RECORD).model_dump_json(exclude_none=True)

        return run

    # Only the same work may be compared.
    theirs = json.loads(Customer.model_validate(RECORD).model_dump_json(exclude_none=True))
    assert json.loads(vambe.prepare(RECORD).body) == theirs
    return {"vambe": run_ours, "pydantic": run_pydantic}


def import_milliseconds() -> float:
    """Returns the median time that `import vambe` takes in a fresh interpreter."""
    program = "import time; t = time.perf_counter(); import vambe; print((time.perf_counter() - t) * 1000)"
    times = [
        float(subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True).stdout)
        for _ in range(21)
    ]
    return statistics.median(times[1:])


def emit(line: dict[str, Any]) -> None:
    """Hands a line to `report.py`."""
    if file := os.environ.get("BENCH_ROWS"):
        with Path(file).open("a") as rows:
            rows.write(json.dumps(line) + "\n")


def row(name: str, figure: float, peer: float | None = None) -> None:
    emit({"row": f"python/{name}", "figure": figure, "peer": peer})


def show(title: str, figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        print(
            f"  {title}: {name:<18} {figure.per_second:>9.0f}/s {figure.cpu_per_call * 1e6:>7.1f} us CPU each",
            flush=True,
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("server", help="the program vambe-benches, built for release")
    arguments.add_argument("--calls", type=int, default=3200)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--wheel", type=Path)
    given = arguments.parse_args()
    with subprocess.Popen([given.server, "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            compare(server.stdout.readline().strip(), given)
        finally:
            server.kill()
    measure_package(given.wheel)
    peers = ("httpx", "impit", "aiohttp", "pydantic")
    emit({"about": {"Python": sys.version.split()[0], **{peer: version(peer) for peer in peers}}})


def compare(url: str, given: argparse.Namespace) -> None:
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, medians of {given.rounds} interleaved rounds",
        flush=True,
    )
    one = medians(blocking(url), given.calls, given.rounds)
    show("one after another", one)
    row("one-httpx", one["vambe"].per_second, one["httpx"].per_second)
    row("one-impit", one["vambe"].per_second, one["impit"].per_second)

    many = medians(concurrent(url), given.calls * 2, given.rounds)
    show("32 in flight", many)
    theirs = many["aiohttp"]
    row("asyncio", many["vambe"].per_second, theirs.per_second)
    row("asyncio-cpu", many["vambe"].cpu_per_call * 1e6, theirs.cpu_per_call * 1e6)
    row("many", many["upsert_many"].per_second, theirs.per_second)

    checked = medians(bodies(), given.calls * 10, given.rounds)
    show("checked body", checked)
    row("body", checked["vambe"].per_second, checked["pydantic"].per_second)


def measure_package(wheel: Path | None) -> None:
    row("import", import_milliseconds())
    row("object", Path(vambe._native.__file__).stat().st_size / 1e6)
    if wheel:
        row("wheel", wheel.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
