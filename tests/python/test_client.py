"""The blocking client against the emulator."""

from __future__ import annotations

import copy
import logging
import pickle
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from vambe.testing import Emulator

SAMPLE: dict[str, Any] = {
    "channel": "whatsapp",
    "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56 9 1234 5678",
}
KEY = "emulator_canary_5f3a"


def test_a_customer_is_created_and_then_updated(vambe_emulator: Emulator) -> None:
    with vambe_emulator.client() as client:
        created = client.upsert(SAMPLE, contact_name="Maria Rodriguez")
        updated = client.upsert(**SAMPLE, contact_name="Maria R.")
    assert (created.id, created.phone, created.platform) == (updated.id, "+56912345678", "whatsapp")
    assert (updated.name, updated.status, updated.attempts, updated.blocked) == ("Maria R.", 200, 1, False)
    assert 0 < updated.elapsed < 10
    assert updated.raw.startswith("{")
    assert vambe_emulator.requests()[0]["body"] == body(contact_name="Maria Rodriguez")


def test_a_request_names_this_package_and_the_program(vambe_emulator: Emulator) -> None:
    vambe_emulator.client().upsert(SAMPLE)
    vambe_emulator.client(app_info="shop/1.2").upsert(SAMPLE)
    ours = f"vambe-python/{vambe.__version__}"
    assert [request["headers"]["user-agent"] for request in vambe_emulator.requests()] == [ours, f"{ours} shop/1.2"]


def body(**fields: Any) -> str:
    return vambe.prepare({**SAMPLE, **fields}).body


def test_a_field_given_twice_is_refused() -> None:
    client = vambe.Client(KEY, base_url="http://127.0.0.1:9")
    with pytest.raises(vambe.ValidationError) as caught:
        client.upsert(SAMPLE, channel="webchat")
    assert [(found.path, found.code) for found in caught.value.violations] == [(["channel"], "duplicate_field")]


def test_defaults_of_the_client_fill_in(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client(channel="whatsapp", channel_phone_number="+56987654321", default_region="CL")
    assert client.upsert(contact_phone_number="9 8765 4321").phone == "+56987654321"
    assert client.validate(contact_phone_number="9 8765 4321").is_valid
    assert [change.action for change in client.prepare(contact_phone_number="9 8765 4321").changes] == [
        "filled",
        "filled",
        "normalized",
        "added",
    ]


def test_the_environment_is_read(vambe_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAMBE_API_KEY", vambe_emulator.api_key)
    monkeypatch.setenv("VAMBE_BASE_URL", vambe_emulator.url)
    monkeypatch.setenv("VAMBE_CHANNEL_PHONE", "+56987654321")
    assert vambe.Client().upsert(channel="whatsapp", contact_phone_number="+56912345678").id


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"api_key": "a\nb"},
        {"api_key": "k", "base_url": "ftp://x"},
        {"api_key": "k", "timeout": -1},
        {"api_key": "k", "timeout": float("nan")},
        {"api_key": "k", "timeout": "soon"},
        {"api_key": "k", "max_retries": -1},
        {"api_key": "k", "max_concurrency": 0},
        {"api_key": "k", "default_region": "Chile"},
        {"api_key": 1},
    ],
    ids=str,
)
def test_an_option_that_is_wrong_is_a_config_error(options: dict[str, Any]) -> None:
    with pytest.raises(vambe.ConfigError) as caught:
        vambe.Client(**options)
    assert caught.value.code == "config"
    assert "b" not in str(options.get("api_key")) or "a\nb" not in str(caught.value)


def test_a_batch_option_that_is_wrong_is_a_config_error_at_once() -> None:
    client = vambe.Client(KEY, base_url="http://127.0.0.1:9")
    for options in ({"max_concurrency": 0}, {"max_rate": 0}, {"pacing": "hasty"}):
        with pytest.raises(vambe.ConfigError):
            client.upsert_many([], **options)
    with pytest.raises(TypeError):
        vambe.Client(KEY, tiemout=1)  # type: ignore[call-arg]


def test_a_closed_client_refuses(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client()
    other = client.with_options(max_retries=0)
    with client:
        client.upsert(SAMPLE)
    client.close()
    refused: list[Callable[[], object]] = [
        lambda: client.upsert(SAMPLE),
        lambda: other.upsert(SAMPLE),
        lambda: client.upsert_many([]),
        lambda: client.validate(SAMPLE),
    ]
    for call in refused:
        with pytest.raises(vambe.ConfigError, match="the client is closed"):
            call()


def test_closing_reaches_the_connections_of_every_thread() -> None:
    answers = [{"status": 200}] * 4
    with ScriptedServer(answers) as server:
        client = vambe.Client(KEY, base_url=server.url)
        together = threading.Barrier(4)

        def call() -> None:
            together.wait()
            client.upsert(SAMPLE)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
        for connection in server.threads:
            connection.join(5)
            assert not connection.is_alive()


def test_a_connection_that_was_closed_while_idle_costs_nothing() -> None:
    """The server ends each connection after one answer, although it promised to keep it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(20):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"id":"a"}')

    thread = threading.Thread(target=serve)
    thread.start()
    client = vambe.Client(KEY, base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", max_retries=0)
    for _ in range(20):
        assert client.upsert(SAMPLE).attempts <= 2
    thread.join()
    listener.close()


def test_options_for_a_few_calls(vambe_emulator: Emulator) -> None:
    vambe_emulator.fault("stall", times=2)
    client = vambe_emulator.client()
    hasty = client.with_options(timeout=0.1).with_options(max_retries=0)
    with pytest.raises(vambe.ApiTimeoutError) as caught:
        hasty.upsert(SAMPLE)
    assert (caught.value.phase, caught.value.delivery, caught.value.attempts) == ("wait", "unknown", 1)
    assert isinstance(caught.value, TimeoutError)
    assert str(caught.value) == "the time was over after 0.1 s, while waiting for the answer"
    with pytest.raises(vambe.ConfigError):
        client.with_options(timeout=0)


def test_missing_custom_fields_are_named(vambe_emulator: Emulator) -> None:
    with pytest.raises(vambe.BadRequestError) as caught:
        vambe_emulator.client().upsert(SAMPLE, custom_field_values={"nope": 1})
    assert caught.value.missing_custom_fields == ["nope"]
    assert (caught.value.status, caught.value.retryable, caught.value.delivery) == (400, False, "rejected")


def test_a_refused_connection_tells_its_cause() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    with pytest.raises(vambe.ApiConnectionError) as caught:
        vambe.Client(KEY, base_url=url, max_retries=0).upsert(SAMPLE)
    assert isinstance(caught.value, ConnectionError)
    assert isinstance(caught.value.__cause__, OSError)
    assert "refused" in str(caught.value.__cause__).lower()


def test_a_client_is_copied_as_itself_and_never_pickled() -> None:
    for client in (
        vambe.Client(KEY, base_url="http://127.0.0.1:9"),
        vambe.AsyncClient(KEY, base_url="http://127.0.0.1:9"),
    ):
        assert copy.copy(client) is client
        assert copy.deepcopy(client) is client
        with pytest.raises(TypeError, match="holds an API key"):
            pickle.dumps(client)
        assert KEY not in repr(client)


def test_contacts_and_outcomes_are_values(vambe_emulator: Emulator) -> None:
    contact = vambe_emulator.client().upsert(SAMPLE)
    for copied in (pickle.loads(pickle.dumps(contact)), copy.deepcopy(contact)):
        assert copied == contact
        assert (copied.elapsed, copied.request_id, hash(copied)) == (contact.elapsed, contact.request_id, hash(contact))
    assert "5678" not in repr(contact)
    outcome = next(vambe_emulator.client().upsert_many([SAMPLE]))
    again = pickle.loads(pickle.dumps(outcome))
    assert (again.index, again.contact, again.key, again.ok) == (0, outcome.contact, outcome.key, True)
    made = vambe.Contact('{"id": "c1", "new": [1.5, null]}')
    assert (made.id, made.extra, made.status) == ("c1", {"new": [1.5, None]}, 200)
    with pytest.raises(ValueError, match="with an id"):
        vambe.Contact("{}")


def test_what_happens_is_logged_without_personal_data(
    vambe_emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    client = vambe_emulator.client(backoff=0.001)
    with caplog.at_level(logging.DEBUG, "vambe"):
        client.upsert(SAMPLE)
        vambe_emulator.fault(status=503)
        client.upsert(SAMPLE)
        with pytest.raises(vambe.BadRequestError):
            client.upsert(SAMPLE, custom_field_values={"nope": 1})
    ends = [record.levelname for record in caplog.records if record.name == "vambe"]
    assert ends == ["DEBUG", "INFO", "WARNING"]
    assert "5678" not in caplog.text
    assert vambe_emulator.api_key not in caplog.text


def test_the_environment_turns_logging_on(vambe_emulator: Emulator) -> None:
    program = f"import vambe; vambe.Client().upsert({SAMPLE!r})"
    settings = {"VAMBE_API_KEY": vambe_emulator.api_key, "VAMBE_BASE_URL": vambe_emulator.url}
    for level, lines in (("debug", 3), ("info", 0), ("warn", 0), ("off", 0), ("", 0)):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**settings, "VAMBE_LOG": level},
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(done.stderr.splitlines()) == lines, done.stderr


def test_importing_starts_nothing_and_brings_little() -> None:
    program = (
        "import sys, threading; before = set(sys.modules); import vambe; new = set(sys.modules) - before\n"
        "import os; print(len(os.listdir('/proc/self/task')) if os.path.exists('/proc/self/task') else 1)\n"
        "print(*sorted(name for name in new if not name.startswith('vambe')))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    threads, modules = done.stdout.splitlines()
    assert threads == "1"
    assert set(modules.split()) <= {"__future__"}
