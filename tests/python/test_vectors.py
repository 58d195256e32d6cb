"""Runs every file of `tests/vectors`: the contract as data, the same in every language."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import itertools
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from scripted_server import ScriptedServer
from vambe import _errors, _native

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parents[1] / "vectors"
FILES = {"bodies.json", "customers.json", "events.json", "phones.json", "responses.json", "retries.json"}
CHECK_OPTIONS = {
    "channel",
    "channel_phone_number",
    "channel_id",
    "default_region",
    "strict_email",
    "send_empty_meta_data",
}
CALL_OPTIONS = {"max_retries", "timeout", "attempt_timeout", "backoff", "backoff_cap"}
PHONES = {"channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}
SAMPLE = {"channel": "whatsapp", **PHONES}

Case = dict[str, Any]


def test_every_vector_file_has_a_runner() -> None:
    assert {path.name for path in VECTORS.glob("*.json")} == FILES


def cases(file: str, keys: set[str]) -> list[Case]:
    found: list[Case] = json.loads((VECTORS / file).read_text())["cases"]
    assert len({case["name"] for case in found}) == len(found)
    for case in found:
        assert case.keys() <= {"name", "languages", *keys}, case["name"]
    return [case for case in found if "python" in case.get("languages", ["python"])]


def run(file: str, keys: set[str], check: Callable[[Case], None], threads: int = 1) -> None:
    def failure(case: Case) -> str | None:
        try:
            check(case)
        except Exception as error:
            return f"{case['name']}:\n    {type(error).__name__}: {error}"
        return None

    with ThreadPoolExecutor(threads) as pool:
        failures = [failed for failed in pool.map(failure, cases(file, keys)) if failed]
    assert not failures, f"{len(failures)} cases of {file} fail:\n" + "\n".join(failures)


def expect(what: str, found: object, expected: object) -> None:
    assert found == expected, f"{what} is {found!r}, not {expected!r}"


def untag(value: Any) -> Any:
    if isinstance(value, list):
        return [untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$type" in value:
        return TAGS[value["$type"]](value)
    return {key: untag(item) for key, item in value.items()}


def cyclic(_: Case) -> dict[str, Any]:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    return cycle


def deep(tag: Case) -> Any:
    value: Any = None
    for _ in range(tag["levels"]):
        value = [value]
    return value


TAGS: dict[str, Callable[[Case], Any]] = {
    "nan": lambda _: float("nan"),
    "infinity": lambda _: float("inf"),
    "-infinity": lambda _: float("-inf"),
    "bigint": lambda tag: int(tag["value"]),
    "decimal": lambda tag: decimal.Decimal(tag["value"]),
    "uuid": lambda tag: uuid.UUID(tag["value"]),
    "date": lambda tag: datetime.date.fromisoformat(tag["value"]),
    "datetime": lambda tag: date_time(tag["value"]),
    "surrogate": lambda _: "\ud800",
    "bytes": lambda _: b"bytes",
    "function": lambda _: print,
    "cycle": cyclic,
    "non_text_key": lambda _: {1: "one"},
    "deep": deep,
    "long_text": lambda tag: "x" * tag["length"],
}


def date_time(text: str) -> datetime.datetime:
    text = text.replace("Z", "+00:00")
    for form in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S"):
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(text)


def options(case: Case, known: set[str]) -> dict[str, Any]:
    given: dict[str, Any] = case.get("options") or {}
    assert given.keys() <= known
    return given


def codes(found: list[vambe.Violation]) -> list[str]:
    return [violation.code for violation in found]


def test_phones() -> None:
    keys = {"input", "clean", "code", "warnings", "region", "normalized", "variants_of", "variants"}
    run("phones.json", keys, check_phone)


def check_phone(case: Case) -> None:
    if "variants_of" in case:
        found = [variant.as_dict() for variant in vambe.phone_variants(case["variants_of"])]
        return expect("variants", found, case["variants"])
    number, region = case["input"], case.get("region")
    if region is None:
        expect("clean", vambe.clean_phone(number), case["clean"])
    else:
        normalized, code = None, None
        try:
            normalized = vambe.normalize_phone(number, region)
        except vambe.ValidationError as error:
            code = error.violations[0].code
        expect("normalized", (normalized, code), (case.get("normalized"), case.get("code")))
        if case.get("warnings") is None:
            return None
    found_by_check = vambe.validate({**SAMPLE, "contact_phone_number": number}, default_region=region)
    expect("violations", codes(found_by_check.violations), [case["code"]] if case.get("code") else [])
    return expect("warnings", codes(found_by_check.warnings), [] if case.get("code") else case["warnings"])


def test_customers() -> None:
    run("customers.json", {"record", "json", "options", "expect"}, check_customer)


def check_customer(case: Case) -> None:
    found = vambe.validate(untag(case["record"]), **options(case, CHECK_OPTIONS))
    expected = case["expect"]
    assert expected.keys() <= {"violations", "warnings", "truncated"}
    compare_violations("violations", found.violations, expected["violations"])
    compare_violations("warnings", found.warnings, expected.get("warnings", []))
    expect("truncated", found.truncated, expected.get("truncated", False))
    expect("is_valid", found.is_valid, not expected["violations"])


def compare_violations(what: str, found: list[vambe.Violation], expected: list[Case]) -> None:
    shown = [
        {
            name: value
            for name, value in violation.as_dict().items()
            if name in ("path", "code") or (name == "suggestion" and place < len(expected) and name in expected[place])
        }
        for place, violation in enumerate(found)
    ]
    expect(what, shown, expected)


def test_bodies() -> None:
    run("bodies.json", {"record", "note", "options", "body", "changes", "key"}, check_body)


def check_body(case: Case) -> None:
    record: object = vambe.from_note(untag(case["note"])) if case.get("note") else untag(case["record"])
    prepared = vambe.prepare(record, **options(case, CHECK_OPTIONS))
    expect("body", prepared.body, case["body"])
    if "changes" in case:
        changes = [{"path": change.path, "action": change.action} for change in prepared.changes]
        expect("changes", changes, case["changes"])
    if "key" in case:
        expect("key", prepared.key, case["key"])


def upsert(is_async: bool, server: ScriptedServer, given: dict[str, Any]) -> vambe.Contact | vambe.VambeError:
    """Upserts the sample once, and gives the contact or the error."""

    async def in_a_loop() -> vambe.Contact:
        async with vambe.AsyncClient("emulator_vectors", base_url=server.url, **given) as client:
            return await client.upsert(SAMPLE)

    try:
        if is_async:
            return asyncio.run(in_a_loop())
        with vambe.Client("emulator_vectors", base_url=server.url, **given) as client:
            return client.upsert(SAMPLE)
    except vambe.VambeError as error:
        return error


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_responses(is_async: bool) -> None:
    run("responses.json", {"status", "headers", "body", "expect"}, partial(check_response, is_async), threads=8)


def check_response(is_async: bool, case: Case) -> None:
    with ScriptedServer([case]) as server:
        found = upsert(is_async, server, {"max_retries": 0})
    kind = "contact" if isinstance(found, vambe.Contact) else "error"
    assert kind in case["expect"], f"unexpected {found!r}"
    for name, expected in case["expect"][kind].items():
        if name == "body_contains":
            assert isinstance(found, vambe.VambeError)
            assert expected in (found.body or "")
        else:
            expect(name, getattr(found, name), expected)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_retries(is_async: bool) -> None:
    run("retries.json", {"options", "answers", "expect"}, partial(check_retries, is_async), threads=24)


def check_retries(is_async: bool, case: Case) -> None:
    expected = case["expect"]
    assert expected.keys() <= {"attempts", "waits", "outcome", "phase", "delivery", "retry_after"}
    given = options(case, CALL_OPTIONS)
    # A wait may be next to nothing: whether the server began to listen before its end shows only
    # afterwards, and else the case has not been run.
    for _ in range(10):
        with ScriptedServer(case["answers"]) as server:
            serves_later = 0 < server.refusals < expected["attempts"]
            found = (upsert_when_served if serves_later else upsert)(is_async, server, given)
        attempts = server.attempts
        if not serves_later or found.attempts - len(attempts) == server.refusals:
            break
    expect("outcome", found.code if isinstance(found, vambe.VambeError) else "contact", expected["outcome"])
    expect("attempts", found.attempts, expected["attempts"])
    for name in ("phase", "delivery"):
        if name in expected:
            expect(name, getattr(found, name), expected[name])
    expect("retry_after", getattr(found, "retry_after", None), expected.get("retry_after"))
    if not server.refusals:
        compare_waits(attempts, case, given.get("attempt_timeout", 10.0))


def upsert_when_served(
    is_async: bool, server: ScriptedServer, given: dict[str, Any]
) -> vambe.Contact | vambe.VambeError:
    """Upserts while a server begins to listen, once the call waits after as many refusals as the script has."""
    retries = itertools.count(1)

    def listen(_: vambe.CallEvent) -> None:
        if next(retries) == server.refusals:
            server.listen()

    return upsert(is_async, server, {**given, "backoff": 1, "backoff_cap": 1, "on_retry": listen})


def compare_waits(attempts: list[list[float]], case: Case, limit: float) -> None:
    waits = case["expect"].get("waits") or []
    expect("number of waits", len(attempts) - 1 if attempts else 0, len(waits))
    for place, (least, most) in enumerate(waits):
        began, ended = attempts[place]
        if case["answers"][place].get("fault", "").startswith("stall"):
            ended = began + limit
        wait = attempts[place + 1][0] - ended
        # Allows for the clock, and for a machine that is busy.
        assert least - 0.05 <= wait <= most + 2.0, f"wait {place} is {wait:.3f}, not in [{least}, {most}]"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_events(is_async: bool) -> None:
    run("events.json", {"options", "answers", "events"}, partial(check_events, is_async), threads=8)


def check_events(is_async: bool, case: Case) -> None:
    told: list[vambe.CallEvent] = []
    hooks = {"on_attempt": told.append, "on_answer": told.append, "on_retry": told.append}
    with ScriptedServer(case["answers"]) as server:
        upsert(is_async, server, {**options(case, CALL_OPTIONS), **hooks})
    expect("number of events", len(told), len(case["events"]))
    for event, expected in zip(told, case["events"], strict=True):
        assert expected.keys() <= {"kind", "attempt", "status", "code", "request_id", "wait"}
        for name in ("kind", "attempt", "status", "code", "request_id"):
            expect(name, getattr(event, name), expected.get(name))
        assert (event.call_id, event.index) == (told[0].call_id, None)
        assert (event.elapsed is not None) == (event.kind == "answer")
        assert (event.wait is None) == ("wait" not in expected)
        if event.wait is not None:
            least, most = expected["wait"]
            assert least <= event.wait <= most, event.wait


def test_every_code_of_an_error_has_a_class() -> None:
    # Only imports fail like that, of which the core knows nothing.
    assert {*_native.error_codes(), "import_failed"} == set(_errors.CLASSES)
    assert all(kind.code == code for code, kind in _errors.CLASSES.items())


def test_every_violation_code_is_raised_by_a_vector() -> None:
    text = "".join((VECTORS / file).read_text() for file in ("phones.json", "customers.json"))
    assert [code for code in _native.violation_codes() if f'"{code}"' not in text] == []
