"""`upsert_many` and its server: the pace it learns, what stops it, and how it finishes."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from answering_server import CONTACT, AnsweringServer, Limit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    Ended = tuple[list[vambe.Outcome], "vambe.VambeError | None"]


class Source:
    """Records without end, or so many, that counts how many were taken."""

    def __init__(self, most: int | None = None) -> None:
        self.taken = 0
        self._most = most
        self._has_grown = threading.Condition()

    def __iter__(self) -> Iterator[object]:
        while self.taken != self._most:
            number = self.taken
            with self._has_grown:
                self.taken += 1
                self._has_grown.notify_all()
            phones = {"channel_phone_number": "+56987654321", "contact_phone_number": f"+569{10_000_000 + number}"}
            yield {"channel": "whatsapp", **phones}

    def wait_until_taken(self, number: int) -> None:
        """Blocks another thread until so many records were taken."""
        with self._has_grown:
            assert self._has_grown.wait_for(lambda: self.taken >= number, 10)


def blocking(
    server: AnsweringServer, records: Iterable[object], each: Callable[[Any], object] = id, **options: Any
) -> Ended:
    outcomes = []
    with vambe.Client("key", base_url=server.url) as client:
        batch = client.upsert_many(records, **options)
        try:
            for outcome in batch:
                outcomes.append(outcome)
                each(batch)
        except vambe.VambeError as error:
            return outcomes, error
    return outcomes, None


async def collect(
    server: AnsweringServer,
    records: Iterable[object] | AsyncIterator[object],
    each: Callable[[Any], object] = id,
    **options: Any,
) -> Ended:
    outcomes = []
    async with vambe.AsyncClient("key", base_url=server.url) as client:
        batch = client.upsert_many(records, **options)
        try:
            async for outcome in batch:
                outcomes.append(outcome)
                each(batch)
        except vambe.VambeError as error:
            return outcomes, error
    return outcomes, None


def from_iterable(server: AnsweringServer, records: Iterable[object], *arguments: Any, **options: Any) -> Ended:
    return asyncio.run(collect(server, records, *arguments, **options))


def from_async_iterable(server: AnsweringServer, records: Iterable[object], *arguments: Any, **options: Any) -> Ended:
    async def source() -> AsyncIterator[object]:
        for given in records:
            yield given
            await asyncio.sleep(0)

    return asyncio.run(collect(server, source(), *arguments, **options))


Run = "Callable[..., Ended]"
each_way = pytest.mark.parametrize("run", [blocking, from_iterable, from_async_iterable])
either_pace = pytest.mark.parametrize("pacing", ["off", "learned"])


def once_at(number: int, act: Callable[[Any], object]) -> Callable[[Any], None]:
    """Returns what acts on the batch after so many outcomes."""
    seen = itertools.count(1)

    def each(batch: Any) -> None:
        if next(seen) == number:
            act(batch)

    return each


def assert_accounted(outcomes: list[vambe.Outcome], source: Source) -> None:
    assert sorted(outcome.index for outcome in outcomes) == list(range(source.taken))


@each_way
@either_pace
def test_a_refused_key_stops_the_batch_which_then_raises(run: Callable[..., Ended], pacing: str) -> None:
    source = Source()
    with AnsweringServer(lambda number: (200, CONTACT) if number < 3 else (401, "who are you?")) as server:
        outcomes, error = run(server, source, pacing=pacing, max_concurrency=4)
        # The first refusal, and what was in flight with it.
        assert server.calls <= 3 + 4
    assert_accounted(outcomes, source)
    assert isinstance(error, vambe.AuthenticationError)
    assert error.delivery == "not_sent"
    assert "the batch was stopped" in error.message
    unsent = [outcome.error for outcome in outcomes if not outcome.ok and outcome.attempts == 0]
    assert {(type(error), error.delivery) for error in unsent if error} <= {(vambe.AuthenticationError, "not_sent")}
    assert sum(outcome.ok for outcome in outcomes) == 3


@each_way
def test_one_refusal_for_20_of_the_first_50_stops_the_batch(run: Callable[..., Ended]) -> None:
    source = Source()
    body = '{"message": "Custom fields not found: rut, plan"}'
    with AnsweringServer(lambda number: (400, body) if number % 2 else (200, CONTACT)) as server:
        outcomes, error = run(server, source, pacing="off", max_concurrency=4)
        assert server.calls <= 40 + 4
    assert_accounted(outcomes, source)
    assert isinstance(error, vambe.BadRequestError)
    assert error.missing_custom_fields == ["rut", "plan"]
    assert "rut, plan" in str(error)
    assert error.delivery == "not_sent"


def test_what_the_source_raised_is_told_with_what_stopped_the_batch() -> None:
    def source() -> Iterator[object]:
        yield from Source(2)
        raise LookupError("the database is gone")

    with AnsweringServer(lambda _: (401, "who are you?")) as server:
        _, error = blocking(server, source(), pacing="off")
    assert isinstance(error, vambe.AuthenticationError)
    assert isinstance(error.__cause__, LookupError)


@each_way
@either_pace
def test_finishing_gives_what_was_taken_its_time_and_each_its_outcome(run: Callable[..., Ended], pacing: str) -> None:
    source = Source()
    taken = []

    def finish(batch: Any) -> None:
        batch.finish(30)
        taken.append(source.taken)

    with AnsweringServer(lambda _: (200, CONTACT)) as server:
        outcomes, error = run(server, source, once_at(3, finish), pacing=pacing, max_concurrency=4)
    assert error is None
    assert_accounted(outcomes, source)
    assert taken == [source.taken]
    assert all(outcome.ok for outcome in outcomes)


@each_way
@either_pace
def test_finishing_ends_at_its_deadline_when_the_server_stalls(run: Callable[..., Ended], pacing: str) -> None:
    source = Source()
    seen: list[vambe.Progress] = []
    began = time.monotonic()

    def answer(number: int) -> tuple[int, str] | None:
        if number == 1:
            # A pace that is learned takes a record only when the one before is out: there is to be one that is late.
            source.wait_until_taken(3)
        return (200, CONTACT) if number < 2 else None

    with AnsweringServer(answer) as server:
        options = {"pacing": pacing, "max_concurrency": 4, "on_progress": seen.append}
        outcomes, error = run(server, source, once_at(2, lambda batch: batch.finish(0.2)), **options)
    assert time.monotonic() - began < 5
    assert error is None
    assert_accounted(outcomes, source)
    late = [outcome for outcome in outcomes if not outcome.ok]
    assert {type(outcome.error) for outcome in late} == {vambe.ApiTimeoutError}
    assert {(outcome.attempts, outcome.error and outcome.error.delivery) for outcome in late} <= {
        (0, "not_sent"),
        (1, "unknown"),
    }
    assert [(progress.accepted, progress.rejected) for progress in seen] == [
        (min(number, 2), max(number - 2, 0)) for number in range(1, len(outcomes) + 1)
    ]


def test_another_thread_may_finish_a_batch_whose_server_stalls() -> None:
    batches: list[vambe.UpsertMany] = []
    source = Source()

    def answer(_: int) -> None:
        batches[0].finish(0.1)

    with AnsweringServer(answer) as server, vambe.Client("key", base_url=server.url) as client:
        batches.append(client.upsert_many(source, pacing="off", max_concurrency=2))
        outcomes = list(batches[0])
    assert_accounted(outcomes, source)
    assert {type(outcome.error) for outcome in outcomes} == {vambe.ApiTimeoutError}


def test_finishing_does_not_wait_for_an_async_source() -> None:
    async def main() -> None:
        ended = asyncio.Event()

        async def source() -> AsyncIterator[object]:
            try:
                for record in Source(1):
                    yield record
                await asyncio.Event().wait()
            finally:
                ended.set()

        with AnsweringServer(lambda _: (200, CONTACT)) as server:
            outcomes, error = await collect(server, source(), lambda batch: batch.finish(30))
        assert ([outcome.ok for outcome in outcomes], error) == ([True], None)
        await asyncio.wait_for(ended.wait(), 5)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_finishing_before_the_first_outcome_is_asked_for_reads_nothing() -> None:
    source = Source()
    batch = vambe.Client("key", base_url="http://127.0.0.1:1").upsert_many(source)
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(vambe.ConfigError, match="timeout must be a number of seconds"):
            batch.finish(wrong)
    batch.finish(1e18)
    assert list(batch) == []
    assert source.taken == 0
    batch.finish(1)
    batch.close()


def test_finishing_before_the_first_outcome_is_asked_for_reads_no_async_source_either() -> None:
    async def main() -> None:
        async def records() -> AsyncIterator[object]:
            raise AssertionError
            yield

        batch = vambe.AsyncClient("key", base_url="http://127.0.0.1:1").upsert_many(records())
        batch.finish(1)
        assert [outcome async for outcome in batch] == []

    asyncio.run(main())


def test_a_batch_that_is_closed_before_it_began_has_no_outcomes() -> None:
    async def main() -> None:
        batch = vambe.AsyncClient("key", base_url="http://127.0.0.1:1").upsert_many(Source())
        await batch.aclose()
        assert [outcome async for outcome in batch] == []

    source = Source()
    batch = vambe.Client("key", base_url="http://127.0.0.1:1").upsert_many(source)
    batch.close()
    assert list(batch) == []
    assert source.taken == 0
    asyncio.run(main())


@each_way
def test_a_source_that_raises_ends_a_paced_batch_after_what_it_gave(run: Callable[..., Ended]) -> None:
    def source() -> Iterator[object]:
        yield from Source(3)
        raise LookupError("the database is gone")

    seen: list[vambe.Progress] = []
    with AnsweringServer(lambda _: (200, CONTACT)) as server:
        with pytest.raises(LookupError, match="the database is gone"):
            run(server, source(), on_progress=seen.append)
        assert server.calls == 3
    assert seen[-1][:3] == (3, 0, 0)


def test_a_paced_batch_has_outcomes_while_its_async_source_stalls() -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def source() -> AsyncIterator[object]:
            for number, record in enumerate(Source(3)):
                if number:
                    await more.wait()
                yield record

        with AnsweringServer(lambda _: (200, CONTACT)) as server:
            outcomes, _ = await collect(server, source(), lambda _: more.set())
        assert [outcome.index for outcome in outcomes] == [0, 1, 2]

    asyncio.run(asyncio.wait_for(main(), 10))


@each_way
def test_a_paced_batch_reads_no_further_ahead_than_the_next_record(run: Callable[..., Ended]) -> None:
    source = Source()
    ahead: list[int] = []

    def note(progress: vambe.Progress) -> None:
        ahead.append(source.taken - server.calls)
        if progress.accepted == 5:
            raise EOFError

    with AnsweringServer(lambda _: (200, CONTACT)) as server, pytest.raises(EOFError):
        run(server, source, on_progress=note)
    # The one that waits for its permit, one on its way to that, and one that an async source was asked for.
    assert max(ahead) <= 3


@pytest.mark.parametrize("pacing", ["off", "learned"])
def test_a_consumer_that_stops_reading_stops_the_source(pacing: vambe.Pacing) -> None:
    async def main() -> None:
        source = Source()

        async def records() -> AsyncIterator[object]:
            for given in source:
                yield given

        with AnsweringServer(lambda _: (200, CONTACT)) as server:
            async with vambe.AsyncClient("key", base_url=server.url) as client:
                batch = client.upsert_many(records(), max_concurrency=4, pacing=pacing)
                outcomes = [await batch.__anext__()]
                while server.calls < (60 if pacing == "off" else 4):
                    await asyncio.sleep(0)
                for _ in range(1000):
                    await asyncio.sleep(0)
                assert source.taken <= 2 * 4 + 64
                batch.finish(30)
                outcomes += [outcome async for outcome in batch]
        assert all(outcome.ok for outcome in outcomes)
        assert_accounted(outcomes, source)

    asyncio.run(main())


def test_a_batch_finds_a_hidden_limit_and_keeps_to_it() -> None:
    seen: list[vambe.Progress] = []
    with AnsweringServer(Limit(50)) as server:
        outcomes, error = blocking(server, Source(200), on_progress=seen.append)
        assert server.count(429) <= 10
    assert error is None
    assert all(outcome.ok for outcome in outcomes)
    assert len(outcomes) == 200
    # Nothing was known at first.
    assert seen[0].learned_limit is None
    limits = [progress.learned_limit for progress in seen if progress.learned_limit is not None]
    assert all(20 <= limit <= 120 for limit in limits)
    assert seen[-1][:3] == (200, 0, 0)


def test_processes_with_one_pace_dir_share_a_pace(tmp_path: Path) -> None:
    worker = str(Path(__file__).with_name("pace_worker.py"))
    with AnsweringServer(Limit(20)) as server:
        workers = [
            subprocess.Popen(
                [sys.executable, worker, server.url, str(tmp_path), str(100 * number), "25"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        accepted = [worker.communicate(timeout=120)[0].strip() for worker in workers]
        assert accepted == ["25"] * 4
        # One process causes 3 of them, and four that do not share a pace 18.
        assert server.count(429) <= 8
    [file] = tmp_path.iterdir()
    assert file.suffix == ".pace"


def test_pace_dir_comes_from_the_environment_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "paces"
    monkeypatch.setenv("VAMBE_PACE_DIR", str(folder))
    with AnsweringServer(lambda _: (200, CONTACT)) as server:
        outcomes, _ = blocking(server, Source(1), reserve=0.9, pacing="learned", max_rate=100)
    assert outcomes[0].ok
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reserve": 0.95}, "reserve must be a share of the limit from 0 to 0.9"),
        ({"reserve": -0.1}, "reserve must be a share"),
        ({"reserve": float("nan")}, "reserve must be a share"),
        ({"reserve": "half"}, "reserve must be a share"),
        ({"max_rate": 0}, "max_rate must be"),
        ({"max_concurrency": 1025}, "max_concurrency must be"),
        ({"pacing": "fixed"}, "pacing must be learned or off"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    for client in (vambe.Client("key"), vambe.AsyncClient("key")):
        with pytest.raises(vambe.ConfigError, match=message):
            client.upsert_many([], **options)


def test_pace_dir_must_be_a_path() -> None:
    with pytest.raises(vambe.ConfigError, match="pace_dir must be a path"):
        vambe.Client("key", pace_dir=3)  # type: ignore[arg-type]
