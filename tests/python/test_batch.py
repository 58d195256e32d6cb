"""`upsert_many`, blocking and under asyncio: one outcome for each record, whatever happens."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
import vambe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from vambe.testing import Emulator


def record(number: int) -> dict[str, Any]:
    phones = {"channel_phone_number": "+56987654321", "contact_phone_number": f"+569{10_000_000 + number}"}
    return {"channel": "whatsapp", **phones}


def blocking(emulator: Emulator, records: Iterable[object], **options: Any) -> list[vambe.Outcome]:
    with emulator.client(backoff=0.001, backoff_cap=0.001) as client:
        return list(client.upsert_many(records, pacing="off", **options))


def from_iterable(emulator: Emulator, records: Iterable[object], **options: Any) -> list[vambe.Outcome]:
    async def main() -> list[vambe.Outcome]:
        async with emulator.async_client(backoff=0.001, backoff_cap=0.001) as client:
            return [outcome async for outcome in client.upsert_many(records, pacing="off", **options)]

    return asyncio.run(main())


def from_async_iterable(emulator: Emulator, records: Iterable[object], **options: Any) -> list[vambe.Outcome]:
    async def source() -> AsyncIterator[object]:
        for given in records:
            await asyncio.sleep(0)
            yield given

    async def main() -> list[vambe.Outcome]:
        async with emulator.async_client(backoff=0.001, backoff_cap=0.001) as client:
            return [outcome async for outcome in client.upsert_many(source(), pacing="off", **options)]

    return asyncio.run(main())


Run = "Callable[..., list[vambe.Outcome]]"
each_way = pytest.mark.parametrize("run", [blocking, from_iterable, from_async_iterable])


@each_way
def test_every_record_has_one_outcome(vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]) -> None:
    vambe_emulator.fault(status=503, contains="+56910000003", times=2)
    vambe_emulator.fault("close_after_read", apply=True, contains="+56910000007", times=3)
    vambe_emulator.fault(status=400, body="no", contains="+56910000011")
    seen: list[vambe.Progress] = []
    records = [record(number) for number in range(300)]
    records[20]["stageId"] = "lead"
    outcomes = run(vambe_emulator, records, on_progress=seen.append, max_concurrency=8)
    assert sorted(outcome.index for outcome in outcomes) == list(range(300))
    failed = {outcome.index: outcome.error for outcome in outcomes if not outcome.ok}
    assert isinstance(failed.pop(11), vambe.BadRequestError)
    assert isinstance(failed.pop(20), vambe.ValidationError)
    assert not failed
    by_index = {outcome.index: outcome for outcome in outcomes}
    assert by_index[3].attempts == 3
    assert by_index[0].key == vambe.prepare(record(0)).key
    assert by_index[20].key is None
    assert seen[-1][:3] == (298, 2, 0)
    assert [progress.accepted + progress.rejected for progress in seen] == list(range(1, 301))
    assert max(progress.in_flight for progress in seen) <= 2 * 8
    assert seen[-1].rate > 0


@each_way
def test_what_is_no_record_has_an_outcome_too(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]
) -> None:
    outcomes = run(vambe_emulator, [record(0), "text", record(1)])
    assert [outcome.ok for outcome in sorted(outcomes, key=lambda outcome: outcome.index)] == [True, False, True]


@each_way
def test_records_of_one_contact_keep_their_order(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]
) -> None:
    run(vambe_emulator, ({**record(0), "contact_name": str(number)} for number in range(50)))
    [contact] = vambe_emulator.contacts()
    assert contact["name"] == "49"


@each_way
def test_the_source_is_read_lazily_and_no_further_than_it_must(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]
) -> None:
    taken = itertools.count()
    furthest: list[int] = []

    def source() -> Iterator[object]:
        for number in range(1000):
            next(taken)
            yield record(number)

    def note(progress: vambe.Progress) -> None:
        done = progress.accepted + progress.rejected
        furthest.append(int(repr(taken)[6:-1]) - done)

    run(vambe_emulator, source(), max_concurrency=4, on_progress=note)
    assert max(furthest) <= 2 * 4 + 64 + 8


@each_way
def test_a_source_that_raises_ends_the_batch_after_what_it_gave(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]
) -> None:
    def source() -> Iterator[object]:
        yield from (record(number) for number in range(20))
        raise LookupError("the database is gone")

    seen: list[vambe.Progress] = []
    with pytest.raises(LookupError, match="the database is gone"):
        run(vambe_emulator, source(), on_progress=seen.append)
    assert seen[-1][:3] == (20, 0, 0)
    assert len(vambe_emulator.contacts()) == 20


@each_way
def test_every_outcome_is_logged_without_personal_data(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]], caplog: pytest.LogCaptureFixture
) -> None:
    vambe_emulator.fault(status=503, contains="+56910000001")
    vambe_emulator.fault(status=400, body="no", contains="+56910000002")
    with caplog.at_level(logging.DEBUG, "vambe"):
        run(vambe_emulator, map(record, range(3)))
    ends = [logged for logged in caplog.records if logged.name == "vambe"]
    assert {(logged.levelname, logged.getMessage().split()[1]) for logged in ends} == {
        ("DEBUG", "0"),
        ("INFO", "1"),
        ("WARNING", "2"),
    }
    assert "5691" not in caplog.text


@each_way
def test_nothing_gives_nothing(vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]) -> None:
    assert run(vambe_emulator, []) == []


@each_way
def test_progress_is_told_in_the_thread_that_iterates(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]
) -> None:
    threads: set[int] = set()
    run(vambe_emulator, map(record, range(20)), on_progress=lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@each_way
def test_what_on_progress_raises_ends_the_batch(
    vambe_emulator: Emulator, run: Callable[..., list[vambe.Outcome]]
) -> None:
    def stop(_: vambe.Progress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        run(vambe_emulator, map(record, itertools.count()), on_progress=stop)


def test_closing_the_iterator_ends_the_calls_in_flight(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client()
    outcomes = client.upsert_many(map(record, itertools.count()), pacing="off")
    assert next(outcomes).ok
    vambe_emulator.fault("stall", times=1000)
    del outcomes
    gc.collect()
    with vambe_emulator.client() as other:
        vambe_emulator.reset()
        assert other.upsert(record(0)).id


def test_leaving_an_async_loop_early_ends_the_calls_in_flight(vambe_emulator: Emulator) -> None:
    async def main() -> None:
        async with vambe_emulator.async_client() as client:
            async for outcome in client.upsert_many(map(record, itertools.count()), pacing="off"):
                assert outcome.ok
                break

    asyncio.run(main())


def test_a_slow_async_source_does_not_hold_up_outcomes(vambe_emulator: Emulator) -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def source() -> AsyncIterator[object]:
            yield record(0)
            await more.wait()
            yield record(1)

        async with vambe_emulator.async_client() as client:
            indices = []
            async for outcome in client.upsert_many(source(), pacing="off"):
                indices.append(outcome.index)
                # The second record comes only after the first outcome.
                more.set()
            assert indices == [0, 1]

    asyncio.run(main())


def test_a_batch_whose_outcomes_were_left_waiting_goes_on(vambe_emulator: Emulator) -> None:
    async def main() -> None:
        taken = itertools.count()

        async def source() -> AsyncIterator[object]:
            for number in range(200):
                next(taken)
                yield record(number)

        async with vambe_emulator.async_client() as client:
            outcomes = client.upsert_many(source(), pacing="off", max_concurrency=4)
            await outcomes.__anext__()
            # Nothing is left to do but to take outcomes: there are too many for another record to be read.
            while len(vambe_emulator.contacts()) < int(repr(taken)[6:-1]) or int(repr(taken)[6:-1]) < 64:
                await asyncio.sleep(0)
            assert len([outcome async for outcome in outcomes]) == 199

    asyncio.run(asyncio.wait_for(main(), 20))


def test_the_pace_is_kept(vambe_emulator: Emulator) -> None:
    outcomes = list(vambe_emulator.client().upsert_many(map(record, range(11)), max_rate=50))
    received = [request["received_at"] for request in vambe_emulator.requests()]
    assert len(outcomes) == 11
    assert len(set(received)) > 5
