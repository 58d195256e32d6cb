"""The errors: classes, attributes, pickles, and what they never show."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from vambe import _errors

if TYPE_CHECKING:
    from vambe.testing import Emulator

KEY = "emulator_canary_5f3a"
SAMPLE: dict[str, Any] = {
    "channel": "whatsapp",
    "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56 9 1234 5678",
    "contact_name": "Ana Pérez",
    "contact_email": "ana@example.com",
}
DETAILS: dict[str, Any] = {
    "message": "something happened",
    "status": 400,
    "violations": [
        {"path": ["a", 1], "code": "type", "message": "a[1] is wrong", "severity": "error", "hint": "mend it"}
    ],
    "warnings": [{"path": ["b"], "code": "unused_field", "message": "b is unused", "severity": "warning"}],
    "truncated": True,
    "missing_custom_fields": ["nope"],
    "retry_after": 1.5,
    "retryable": True,
    "delivery": "rejected",
    "request_id": "r-1",
    "attempts": 3,
    "phase": "wait",
    "body": "{}",
}


@pytest.mark.parametrize("code", sorted(_errors.CLASSES))
def test_pickle_copy_and_deepcopy_keep_every_attribute(code: str) -> None:
    error = _errors.from_details({"code": code, **DETAILS})
    assert type(error) is _errors.CLASSES[code]
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
        assert copied.details() == error.details()
        assert str(copied) == str(error)
        assert copied.args == error.args
    assert error.violations[0].path == ["a", 1]
    assert str(error.violations[0]) == "a[1] is wrong (mend it)"


def test_the_classes_are_what_a_python_programmer_catches() -> None:
    assert issubclass(vambe.ValidationError, ValueError)
    assert issubclass(vambe.ApiTimeoutError, TimeoutError)
    assert issubclass(vambe.ApiConnectionError, ConnectionError)
    for name in ("BadRequest", "Authentication", "PermissionDenied", "NotFound", "RateLimit", "Server"):
        assert issubclass(getattr(vambe, f"{name}Error"), vambe.ApiError)
    assert all(issubclass(kind, vambe.VambeError) for kind in _errors.CLASSES.values())


def test_a_traceback_shows_the_name_that_a_program_imports() -> None:
    kinds: list[type[vambe.VambeError]] = [vambe.VambeError, *_errors.CLASSES.values()]
    for kind in kinds:
        assert f"{kind.__module__}.{kind.__qualname__}" == f"vambe.{kind.__name__}"
        assert getattr(vambe, kind.__name__) is kind


def test_a_code_that_is_newer_than_this_package_is_kept() -> None:
    error = _errors.from_details({"code": "teapot", "message": "no coffee"})
    assert (type(error), error.code, pickle.loads(pickle.dumps(error)).code) == (vambe.VambeError, "teapot", "teapot")


def test_a_validation_error_has_one_readable_line_for_each_violation() -> None:
    with pytest.raises(vambe.ValidationError) as caught:
        vambe.prepare({"chanel": "whatsapp", "channel": "whatsap", "stageId": "lead"})
    first, *lines = str(caught.value).splitlines()
    assert first == "the record was not sent:"
    assert len(lines) == len(caught.value.violations) == 3
    assert lines[0].startswith('- channel is not a channel; did you mean "whatsapp"?')
    assert (caught.value.delivery, caught.value.attempts, caught.value.status) == ("not_sent", 0, None)


def shown(error: BaseException) -> str:
    return f"{error} {error!r} {''.join(traceback.format_exception(error))}"


def test_nothing_shows_the_key_and_no_text_shows_personal_data(vambe_emulator: Emulator) -> None:
    emulator = vambe_emulator
    emulator.api_key = KEY
    client = emulator.client(max_retries=0)
    echo = f'{{"message": "key {KEY} may not write Ana Pérez ana@example.com +56912345678"}}'
    errors: list[vambe.VambeError] = []
    for status in (200, 302, 400, 401, 403, 404, 418, 429, 500):
        emulator.fault(status=status, body=echo, headers={"retry-after": "0"})
        with pytest.raises(vambe.VambeError) as caught:
            client.upsert(SAMPLE)
        errors.append(caught.value)
    wrong = {**SAMPLE, "stageId": "Ana", "contact_phone_number": "+56912345678.0"}
    with pytest.raises(vambe.ValidationError) as broken:
        client.upsert(wrong)
    outcomes = list(client.upsert_many([SAMPLE, wrong], pacing="off"))
    for error in [*errors, broken.value]:
        for secret in (KEY, "Ana", "ana@", "912345678"):
            assert secret not in shown(error)
        assert KEY.encode() not in pickle.dumps(error)
    for thing in (client, outcomes, client.prepare(SAMPLE), client.validate(SAMPLE), *broken.value.violations):
        for secret in (KEY, "Ana", "ana@", "912345678"):
            assert secret not in repr(thing)
    assert KEY not in str(vars(type(client)))


@pytest.mark.parametrize("key", [f"{KEY}\ninside", f"{KEY}é", f"{KEY} inside"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(vambe.ConfigError) as caught:
        vambe.Client(key, base_url="http://127.0.0.1:9")
    assert "canary" not in shown(caught.value).replace(f"vambe.Client({key!r}", "")


def test_a_line_break_at_the_end_of_the_key_is_no_harm(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client(api_key=f"{vambe_emulator.api_key}\n")
    assert client.upsert(SAMPLE).id
