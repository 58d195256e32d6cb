"""Hooks, logging and traces: in the caller's thread and context, and nothing of the customer in them."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from opentelemetry import propagate, trace

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from vambe.testing import Emulator

SAMPLE: dict[str, Any] = {
    "channel": "whatsapp",
    "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56 9 1234 5678",
    "contact_name": "Maria Canary",
    "contact_email": "canary@example.com",
}
NUMBER: contextvars.ContextVar[int] = contextvars.ContextVar("NUMBER", default=0)

Told = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def _no_trace_of_the_test_before() -> None:
    NUMBER.set(0)


def traceparent(number: int) -> str:
    return f"00-4bf92f3577b34da6a3ce929d0e0e4736-{number:016x}-01"


def inject(carrier: MutableMapping[str, str]) -> None:
    """What a tracer does: writes down where the caller is."""
    if number := NUMBER.get():
        carrier["traceparent"] = traceparent(number)


def sent_traces(emulator: Emulator) -> list[str | None]:
    return [request["headers"].get("traceparent") for request in emulator.requests()]


def upsert(emulator: Emulator, record: dict[str, Any] = SAMPLE, **options: Any) -> None:
    with emulator.client(backoff=0.001, **options) as client:
        client.upsert(record)


def upsert_async(emulator: Emulator, record: dict[str, Any] = SAMPLE, **options: Any) -> None:
    async def main() -> None:
        async with emulator.async_client(backoff=0.001, **options) as client:
            await client.upsert(record)

    asyncio.run(main())


def upsert_many(emulator: Emulator, record: dict[str, Any] = SAMPLE, **options: Any) -> None:
    with emulator.client(backoff=0.001, **options) as client:
        for outcome in client.upsert_many([record], pacing="off"):
            outcome.contact or pytest.fail(str(outcome.error))


def upsert_many_async(emulator: Emulator, record: dict[str, Any] = SAMPLE, **options: Any) -> None:
    async def main() -> None:
        async with emulator.async_client(backoff=0.001, **options) as client:
            async for outcome in client.upsert_many([record], pacing="off"):
                outcome.contact or pytest.fail(str(outcome.error))

    asyncio.run(main())


each_way = pytest.mark.parametrize("way", [upsert, upsert_async, upsert_many, upsert_many_async])


@each_way
def test_hooks_are_called_in_order_in_the_callers_thread_and_context(
    vambe_emulator: Emulator, way: Callable[..., None]
) -> None:
    told: Told = []

    def hook(event: vambe.CallEvent) -> None:
        told.append((event.kind, event.attempt, NUMBER.get(), threading.get_ident()))

    vambe_emulator.fault(status=503)
    NUMBER.set(7)
    way(vambe_emulator, on_attempt=hook, on_answer=hook, on_retry=hook)
    expected = [("attempt", 1), ("answer", 1), ("retry", 1), ("attempt", 2), ("answer", 2)]
    assert told == [(*event, 7, threading.get_ident()) for event in expected]


@each_way
def test_a_hook_that_raises_changes_nothing(
    vambe_emulator: Emulator, way: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: ignored.append(repr(raised.exc_value)))
    told: list[vambe.CallEvent] = []

    def broken(event: vambe.CallEvent) -> None:
        raise ValueError("a hook of a test")

    way(vambe_emulator, on_attempt=broken, on_answer=told.append)
    assert ignored == ["ValueError('a hook of a test')"]
    assert [event.status for event in told] == [200]


@each_way
def test_what_a_hook_sets_in_its_context_stays_there(vambe_emulator: Emulator, way: Callable[..., None]) -> None:
    NUMBER.set(1)
    way(vambe_emulator, on_attempt=lambda event: NUMBER.set(event.attempt + 100))
    assert NUMBER.get() == 1


def test_a_hook_may_make_calls_of_its_own(vambe_emulator: Emulator) -> None:
    with vambe_emulator.client() as other:
        ids: list[str] = []
        upsert(vambe_emulator, on_answer=lambda event: ids.append(other.upsert(SAMPLE).id))
    assert len(ids) == 1
    assert len(vambe_emulator.requests()) == 2


def test_ctrl_c_in_a_hook_ends_the_call(vambe_emulator: Emulator) -> None:
    def interrupt(event: vambe.CallEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upsert(vambe_emulator, on_attempt=interrupt)


def test_hooks_of_with_options_replace_only_those_that_they_name(vambe_emulator: Emulator) -> None:
    clients: list[vambe.CallEvent] = []
    own: list[vambe.CallEvent] = []
    with vambe_emulator.client(on_attempt=clients.append, on_answer=clients.append) as client:
        client.with_options(timeout=5).with_options(on_attempt=own.append).upsert(SAMPLE)
        client.upsert(SAMPLE)
    assert [event.kind for event in own] == ["attempt"]
    assert [event.kind for event in clients] == ["answer", "attempt", "answer"]
    assert len({event.call_id for event in clients}) == 2


def test_records_of_a_batch_are_told_apart(vambe_emulator: Emulator) -> None:
    told: list[vambe.CallEvent] = []
    records = [{**SAMPLE, "contact_phone_number": f"+569{10_000_000 + number}"} for number in range(20)]
    vambe_emulator.fault(status=503, contains="+56910000003")
    answered: list[int] = []
    with vambe_emulator.client(backoff=0.001, on_answer=told.append) as client:
        for outcome in client.upsert_many(records, pacing="off"):
            # What happened is told before what it came to.
            answered = [event.index for event in told if event.status == 200 and event.index is not None]
            assert outcome.index in answered
    assert sorted(answered) == list(range(20))
    assert [event.index for event in told if event.status == 503] == [3]


@each_way
def test_a_trace_is_sent_with_every_attempt_and_only_if_there_is_one(
    vambe_emulator: Emulator, way: Callable[..., None]
) -> None:
    way(vambe_emulator, trace_context=inject)
    NUMBER.set(5)
    vambe_emulator.fault(status=503)
    way(vambe_emulator, trace_context=inject)
    way(vambe_emulator, trace_context={"traceparent": traceparent(6), "tracestate": "a=b", "baggage": "c=d"})
    way(vambe_emulator, trace_context={"traceparent": None})
    assert sent_traces(vambe_emulator) == [None, traceparent(5), traceparent(5), traceparent(6), None]
    headers = vambe_emulator.requests()[3]["headers"]
    assert headers["tracestate"] == "a=b"
    assert "baggage" not in headers


def test_tasks_and_threads_at_the_same_time_carry_their_own_traces_and_contexts(vambe_emulator: Emulator) -> None:
    seen: set[tuple[int, int]] = set()

    def record(number: int) -> dict[str, Any]:
        return {**SAMPLE, "contact_phone_number": f"+569{10_000_000 + number}", "meta_data": {"number": number}}

    def hooks(number: int) -> dict[str, Any]:
        return {"on_answer": lambda event: seen.add((number, NUMBER.get()))}

    async def main() -> None:
        async with vambe_emulator.async_client(trace_context=inject) as client:

            async def call(number: int) -> None:
                NUMBER.set(number)
                await client.with_options(**hooks(number)).upsert(record(number))

            await asyncio.gather(*(call(number) for number in range(1, 31)))

    def in_thread(number: int) -> None:
        NUMBER.set(number)
        with vambe_emulator.client(trace_context=inject, **hooks(number)) as client:
            client.upsert(record(number))

    asyncio.run(main())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(in_thread, range(31, 61)))
    requests = vambe_emulator.requests()
    assert len(requests) == 60
    for request in requests:
        number = json.loads(request["body"])["meta_data"]["number"]
        assert request["headers"]["traceparent"] == traceparent(number)
    assert seen == {(number, number) for number in range(1, 61)}


@each_way
def test_opentelemetry_needs_one_option(vambe_emulator: Emulator, way: Callable[..., None]) -> None:
    place = trace.SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(place)):
        way(vambe_emulator, trace_context=propagate.inject)
    assert sent_traces(vambe_emulator) == [f"00-{0xABC:032x}-{0xDEF:016x}-01"]


def test_the_trace_of_with_options_replaces_the_clients(vambe_emulator: Emulator) -> None:
    NUMBER.set(5)
    fixed = {"traceparent": traceparent(6)}
    with vambe_emulator.client(trace_context=inject) as asking, vambe_emulator.client(trace_context=fixed) as given:
        asking.with_options(trace_context=fixed).upsert(SAMPLE)
        asking.with_options(trace_context={}).upsert(SAMPLE)
        given.with_options(trace_context=inject).upsert(SAMPLE)
        NUMBER.set(0)
        given.with_options(trace_context=inject).upsert(SAMPLE)
        given.upsert(SAMPLE)
    expected = [traceparent(6), None, traceparent(5), None, traceparent(6)]
    assert sent_traces(vambe_emulator) == expected


@pytest.mark.parametrize("wrong", ["00-CANARY", "", "0" * 55, 5])
def test_a_trace_of_another_form_is_a_config_error(vambe_emulator: Emulator, wrong: Any) -> None:
    with pytest.raises(vambe.ConfigError) as raised:
        vambe_emulator.client(trace_context={"traceparent": wrong})
    assert "CANARY" not in str(raised.value)

    def writes(carrier: MutableMapping[str, Any]) -> None:
        carrier["traceparent"] = wrong

    for way in (upsert, upsert_async, upsert_many, upsert_many_async):
        with pytest.raises(vambe.ConfigError):
            way(vambe_emulator, trace_context=writes)
    assert vambe_emulator.requests() == []


def test_options_of_another_kind_are_config_errors(vambe_emulator: Emulator) -> None:
    for name in ("on_attempt", "on_answer", "on_retry"):
        with pytest.raises(vambe.ConfigError, match=f"{name} must be a function"):
            vambe_emulator.client(**{name: "print"})
    with pytest.raises(vambe.ConfigError, match="trace_context must be a mapping"):
        vambe_emulator.client(trace_context=traceparent(1))


@each_way
def test_attempts_are_logged_in_the_callers_context_and_nothing_of_the_customer(
    vambe_emulator: Emulator, way: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    threads: set[int | None] = set()
    numbers: set[int] = set()

    def note(record: logging.LogRecord) -> bool:
        threads.add(record.thread)
        numbers.add(NUMBER.get())
        return True

    vambe_emulator.fault(status=503, body="Maria Canary +56912345678")
    NUMBER.set(9)
    logger = logging.getLogger("vambe.http")
    logger.addFilter(note)
    try:
        with caplog.at_level(logging.DEBUG, "vambe"):
            way(vambe_emulator)
    finally:
        logger.removeFilter(note)
    http = [record for record in caplog.records if record.name == "vambe.http"]
    assert [record.levelname for record in http] == ["DEBUG", "DEBUG", "INFO", "DEBUG", "DEBUG"]
    assert [record.vambe_event.kind for record in http] == ["attempt", "answer", "retry", "attempt", "answer"]  # type: ignore[attr-defined]
    assert threads == {threading.get_ident()}
    assert numbers == {9}
    shown = "".join(repr(vars(record)) + record.getMessage() for record in caplog.records)
    for canary in ("anary", "12345678", "1234 5678", "87654321", vambe_emulator.api_key):
        assert canary not in shown


def test_only_what_is_logged_is_asked_for(vambe_emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    vambe_emulator.fault(status=503)
    with caplog.at_level(logging.INFO, "vambe"):
        upsert(vambe_emulator)
    assert [(record.name, record.levelname) for record in caplog.records] == [("vambe.http", "INFO"), ("vambe", "INFO")]


def test_logging_of_many_threads_holds_up_none_of_them(
    vambe_emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    def work(number: int) -> None:
        with vambe_emulator.client() as client:
            for _ in range(10):
                client.upsert(SAMPLE)

    with caplog.at_level(logging.DEBUG), ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8), timeout=60))
    assert len([record for record in caplog.records if record.name == "vambe.http"]) == 160


def test_a_cancelled_call_tells_nothing_more(vambe_emulator: Emulator) -> None:
    told: list[str] = []

    async def main() -> None:
        hooks: dict[str, Any] = {f"on_{kind}": lambda event: told.append(event.kind) for kind in ("attempt", "answer")}
        async with vambe_emulator.async_client(**hooks) as client:
            call = asyncio.create_task(client.upsert(SAMPLE))
            while not (told and vambe_emulator.requests()):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await client.upsert(SAMPLE)

    vambe_emulator.fault("stall")
    asyncio.run(main())
    assert told == ["attempt", "attempt", "answer"]
