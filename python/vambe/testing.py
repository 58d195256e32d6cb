"""The API on your machine, for tests: an emulator that keeps state and knows no other server.

>>> with Emulator() as emulator, emulator.client() as client:
...     contact = client.upsert(
...         channel="whatsapp", channel_phone_number="+56987654321", contact_phone_number="+56912345678"
...     )
...     emulator.contacts()[0]["id"] == contact.id
True
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlencode, urlsplit

from . import _native
from ._client import AsyncClient, Client

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

__all__ = ["Emulator"]


class Emulator:
    """A running emulator of the API, on a free port of the loopback address.

    It answers as the API's public page says. Each API key has contacts, faults and a log of
    its own, so tests that run at the same time share one emulator.
    """

    def __init__(self) -> None:
        """Starts the emulator."""
        self._native = _native.Emulator()
        self.url: str = self._native.url
        """Where it listens, such as `http://127.0.0.1:40123`."""
        self.api_key: str = self._native.api_key
        """The key whose contacts, faults and requests the methods speak of."""

    @classmethod
    def _sharing(cls, other: Emulator) -> Self:
        shared = cls.__new__(cls)
        shared._native = other._native
        shared.url = other.url
        shared.api_key = other.new_api_key()
        return shared

    def new_api_key(self) -> str:
        """Draws the key of a user who shares nothing with others."""
        return self._native.new_api_key()

    def client(self, **options: Any) -> Client:
        """Returns a client of this emulator; options are those of `Client`."""
        return Client(**self._options(options))

    def async_client(self, **options: Any) -> AsyncClient:
        """Returns a client of this emulator; options are those of `AsyncClient`."""
        return AsyncClient(**self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"api_key": self.api_key, "base_url": self.url, **options}

    def requests(self) -> list[dict[str, Any]]:
        """Returns what arrived, oldest first, the last 500 at most.

        Each has `method`, `path`, `headers`, `body`, `status`, `problems` (why it was refused) and `fault`.
        """
        requests: list[dict[str, Any]] = self._control("GET", "requests")["requests"]
        return requests

    def contacts(self) -> list[dict[str, Any]]:
        """Returns every contact that was made, with its customer's `customer_id` and `custom_field_values`."""
        contacts: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self._control("GET", f"customers?{urlencode({'after': after, 'limit': 10_000})}")
            for customer in page["customers"]:
                values = {value["key"]: value["value"] for value in customer["custom_field_values"]}
                shared = {"customer_id": customer["id"], "custom_field_values": values}
                contacts += [{**contact, **shared} for contact in customer["contacts"]]
            after = page["next"]
        return contacts

    def fault(self, action: str = "answer", *, times: int = 1, contains: str | None = None, **details: Any) -> None:
        """Makes something go wrong with the next call, after the faults that still wait.

        Args:
            action: `answer`, `stall`, `stall_body`, `slow_body`, `truncate_body`,
                `close_before_read`, `close_after_read` or `reset`.
            times: How many calls it hits.
            contains: Hits only calls with this text in their body.
            details: `status`, `headers`, `body`, `delay_ms`, `apply` (processes the call for real
                first), `after_bytes`, `bytes_per_second`.

        Raises:
            ValueError: if there is no such fault.
        """
        fault = {"action": action, "times": times, **details}
        if contains is not None:
            fault["match"] = {"contains": contains}
        waiting = self._control("GET", "faults")["faults"]
        self._control("PUT", "faults", [*waiting, fault])

    def reset(self) -> None:
        """Forgets contacts, faults and requests."""
        self._control("POST", "reset")

    def close(self) -> None:
        """Stops it: idle connections close at once, requests in flight have a second."""
        self._native.close()

    def _control(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            headers: Mapping[str, str] = {"x-api-key": self.api_key, "content-type": "application/json"}
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/_emulator/{path}", text, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 300:
            raise ValueError(answer["message"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<vambe.testing.Emulator at {self.url}>"
