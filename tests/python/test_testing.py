"""`vambe.testing` itself, and the command inside the package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import vambe
from vambe.testing import Emulator

pytest_plugins = ["pytester"]

SAMPLE = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}


def test_an_emulator_begins_with_nothing_and_forgets_on_reset() -> None:
    with Emulator() as emulator, emulator.client() as client:
        assert (emulator.requests(), emulator.contacts()) == ([], [])
        contact = client.upsert(SAMPLE, custom_field_values={"company_name": "Acme"})
        [stored] = emulator.contacts()
        assert (stored["id"], stored["custom_field_values"]) == (contact.id, {"company_name": "Acme"})
        assert emulator.requests()[0]["status"] == 200
        emulator.reset()
        assert (emulator.requests(), emulator.contacts()) == ([], [])
        other = emulator.new_api_key()
        emulator.client(api_key=other).upsert(SAMPLE)
        assert emulator.contacts() == []


def test_faults_come_in_the_order_given(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client(max_retries=0)
    vambe_emulator.fault(status=503)
    vambe_emulator.fault(status=429, headers={"retry-after": "0"})
    for kind in (vambe.ServerError, vambe.RateLimitError):
        with pytest.raises(kind):
            client.upsert(SAMPLE)
    assert client.upsert(SAMPLE).id
    with pytest.raises(ValueError, match="fault"):
        vambe_emulator.fault(status=99)


SEED = """
keys: [emulator_seeded]
custom_fields: [{ key: size, type: options, options: [S, M] }]
customers:
  - { channel: webchat, channel_id: a1b2c3d4-e5f6-7890-abcd-ef1234567890, external_user_id: ana }
"""


def test_an_emulator_starts_as_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(SEED)
    options: dict[str, Any] = {"random_seed": 7, "clock": datetime(2024, 9, 30, 10, tzinfo=timezone.utc)}
    found = []
    for seed in (file, SEED, {"keys": ["emulator_seeded"], "custom_fields": [{"key": "size", "type": "text"}]}):
        with Emulator(seed=seed, faults=["429-bare"], **options) as emulator, emulator.client() as client:
            assert emulator.api_key == "emulator_seeded"
            contact = client.upsert(SAMPLE, custom_field_values={"size": "M"})
            assert contact.attempts == 2
            found.append((contact.id, contact.created_at, len(emulator.contacts())))
    assert found[0] == found[1]
    assert (found[0][0], [count for _, _, count in found]) == (found[2][0], [2, 2, 1])
    assert found[0][1] == "2024-09-30T10:00:00.000Z"


def test_what_cannot_be_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    wrong: list[dict[str, Any]] = [{"seed": "stages: 5"}, {"rules": ["fast"]}, {"faults": ["x"]}, {"api_key": "live"}]
    for options in [*wrong, {"metadata": "never"}, {"clock": "noon"}]:
        with pytest.raises(ValueError):  # noqa: PT011
            Emulator(**options)
    with pytest.raises(OSError, match="data folder"):
        Emulator(data=file)


def test_a_folder_keeps_the_state(tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        with Emulator(data=tmp_path / "data", api_key="emulator_kept") as emulator, emulator.client() as client:
            ids.append(client.upsert(SAMPLE).id)
    assert ids[0] == ids[1]


def test_metadata_is_processed_when_the_test_says_so() -> None:
    with Emulator(metadata="manual") as emulator, emulator.client() as client:
        contact = client.upsert(SAMPLE, meta_data={"companyName": "Acme", "colour": "red"})
        assert emulator.metadata(contact.id)[0]["state"] == "waiting"
        assert emulator.drain() == 1
        assert emulator.contacts()[0]["custom_field_values"] == {"company_name": "Acme"}
        [written, raw] = emulator.metadata(contact.id)[0]["trace"]
        assert (written["value"], raw["reason"]) == ("Acme", "no custom field has this name")
        with pytest.raises(ValueError, match="no contact"):
            emulator.metadata("x")


def test_requests_can_be_waited_for(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client()
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(client.upsert, SAMPLE)
        [request] = vambe_emulator.wait_for_requests()
        assert request["status"] == 200
        sent.result()
    with pytest.raises(TimeoutError, match="0 of 1"):
        vambe_emulator.wait_for_requests(since=1, timeout=0.01)


def test_the_clock_a_rate_limit_and_faults_by_name(vambe_emulator: Emulator) -> None:
    client = vambe_emulator.client(max_retries=0)
    vambe_emulator.set_clock("2024-09-30T10:00:00Z")
    vambe_emulator.advance_clock(1.5)
    assert client.upsert(SAMPLE).created_at == "2024-09-30T10:00:01.500Z"
    # A Retry-After would hold back all clients of this key.
    vambe_emulator.rate_limit(0.01, retry_after="none")
    client.upsert(SAMPLE)
    with pytest.raises(vambe.RateLimitError):
        client.upsert(SAMPLE)
    vambe_emulator.rate_limit(None)
    vambe_emulator.fault(preset="html-502", contains=None)
    vambe_emulator.fault(status=503, times=None)
    for _ in range(3):
        with pytest.raises(vambe.ServerError):
            vambe_emulator.client(max_retries=0).upsert(SAMPLE)
    vambe_emulator.clear_faults()
    vambe_emulator.client().upsert(SAMPLE)
    with pytest.raises(ValueError, match="nothing else"):
        vambe_emulator.fault(preset="outage", times=3)


def test_a_state_is_taken_and_restored(vambe_emulator: Emulator) -> None:
    contact = vambe_emulator.client().upsert(SAMPLE)
    state = vambe_emulator.state()
    other = vambe_emulator.fresh()
    assert other.contacts() == []
    other.restore(state)
    assert other.client().upsert(SAMPLE).id == contact.id


def test_an_emulator_that_is_closed_is_gone() -> None:
    emulator = Emulator()
    client = emulator.client(max_retries=0)
    client.upsert(SAMPLE)
    emulator.close()
    emulator.close()
    with pytest.raises(vambe.ApiConnectionError):
        client.upsert(SAMPLE)


def test_the_fixture_is_registered_and_safe_under_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        SAMPLE = dict(
            channel="whatsapp", channel_phone_number="+56987654321", contact_phone_number="+56912345678"
        )

        @pytest.mark.parametrize("number", range(12))
        def test_it_is_empty(vambe_emulator, number):
            assert vambe_emulator.contacts() == []
            vambe_emulator.client().upsert(**SAMPLE)
            assert len(vambe_emulator.contacts()) == 1
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=12)


def test_a_project_gives_its_own_seed_to_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def vambe_emulator_options():
            return {"seed": {"custom_fields": [{"key": "size", "type": "text"}]}}
        """
    )
    pytester.makepyfile(
        """
        def test_it_knows_the_field(vambe_emulator):
            vambe_emulator.client().upsert(
                channel="whatsapp",
                channel_phone_number="+56987654321",
                contact_phone_number="+56912345678",
                custom_field_values={"size": "M"},
            )
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def command(*arguments: str, text: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vambe", *arguments],
        input=text,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_runs_in_this_package(vambe_emulator: Emulator) -> None:
    settings = {"VAMBE_API_KEY": vambe_emulator.api_key, "VAMBE_BASE_URL": vambe_emulator.url}
    done = command("upsert", text=json.dumps(SAMPLE), **settings)
    assert done.returncode == 0, done.stderr
    assert len(vambe_emulator.contacts()) == 1
    assert command("no-such-command").returncode == 2


def test_the_script_is_installed() -> None:
    script = Path(sys.executable).with_name("vambe")
    done = subprocess.run([script, "phone", "+56 9 1234 5678"], capture_output=True, text=True, check=True)
    assert "+56912345678" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_command(number: signal.Signals, code: int) -> None:
    with subprocess.Popen([sys.executable, "-m", "vambe", "emulator"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert "url" in child.stdout.readline()
        child.send_signal(number)
        assert child.wait(20) in (0, code)
