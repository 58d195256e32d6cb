"""`vambe.testing` itself, and the command inside the package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

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
