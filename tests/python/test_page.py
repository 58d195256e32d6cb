"""The curls of the API's page, through the package."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import vambe

if TYPE_CHECKING:
    from vambe.testing import Emulator

PAGE = Path(__file__).parents[2] / "examples" / "api-page"


def body_of(name: str) -> dict[str, Any]:
    data = (PAGE / name).read_text().split("--data")[1]
    body: dict[str, Any] = json.loads(data[data.index("'") + 1 : data.rindex("'")])
    return body


@pytest.mark.parametrize("name", ["whatsapp.sh", "webchat.sh"])
def test_a_curl_of_the_page_gives_the_same_contact_through_the_package(vambe_emulator: Emulator, name: str) -> None:
    request = urllib.request.Request(
        f"{vambe_emulator.url}/api/public/customer/upsert/info",
        data=json.dumps(body_of(name)).encode(),
        headers={"content-type": "application/json", "x-api-key": vambe_emulator.api_key},
    )
    with urllib.request.urlopen(request) as answer:
        raw = json.load(answer)
    with vambe_emulator.client() as client:
        assert json.loads(client.upsert(body_of(name)).raw) == raw


def test_the_first_curl_of_the_page_is_refused_as_it_stands(vambe_emulator: Emulator) -> None:
    with vambe_emulator.client() as client, pytest.raises(vambe.ValidationError) as refused:
        client.upsert(body_of("overview.sh"))
    assert [list(violation.path) for violation in refused.value.violations] == [
        ["channel_phone_number"],
        ["contact_phone_number"],
    ]
