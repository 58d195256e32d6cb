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
import os
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from . import _native
from ._client import AsyncClient, Client

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

__all__ = ["Emulator"]


class Emulator:
    """A running emulator of the API, on a free port of the loopback address.

    It answers as the API's public page says. Each API key has contacts, faults and a log of
    its own, so tests that run at the same time share one emulator.
    """

    def __init__(
        self,
        *,
        seed: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        api_key: str | None = None,
        rules: Iterable[str] = (),
        data: str | os.PathLike[str] | None = None,
        random_seed: int | None = None,
        clock: datetime | str | None = None,
        metadata: Literal["auto", "manual", "off"] = "auto",
        metadata_delay: float | None = None,
        faults: Iterable[str | Mapping[str, Any]] = (),
    ) -> None:
        """Starts the emulator.

        Args:
            seed: What a user knows and has: a mapping, YAML or JSON text, or a path to a file.
            api_key: The key to begin with. Default: the seed's first, or a fresh one.
            rules: Choices to turn, such as `strict-schema`.
            data: A folder that keeps the state. Default: in memory.
            random_seed: Makes the same ids each time.
            clock: Stops the clock at this time.
            metadata: When `meta_data` is processed: by itself, by `drain`, or never.
            metadata_delay: How many seconds after the answer, with `auto`.
            faults: What every user begins with, by name or as what `fault` takes.

        Raises:
            ValueError: if an option is impossible.
            OSError: if no port or the folder can be had.
        """
        mode = {"mode": metadata}
        delay = {} if metadata_delay is None else {"delay_ms": round(metadata_delay * 1000)}
        options = {
            "seed": Path(seed).read_text("utf-8") if isinstance(seed, os.PathLike) else seed,
            "api_key": api_key,
            "rules": list(rules),
            "data": None if data is None else os.fspath(data),
            "random_seed": random_seed,
            "clock": _moment(clock),
            "metadata": {**mode, **delay},
            "faults": list(faults),
        }
        self._native = _native.Emulator(json.dumps(options))
        self.url: str = self._native.url
        """Where it listens, such as `http://127.0.0.1:40123`."""
        self.api_key: str = self._native.api_key
        """The key whose contacts, faults and requests the methods speak of."""

    def fresh(self) -> Self:
        """Returns the same emulator, seen by a user of their own who shares nothing with others."""
        shared = type(self).__new__(type(self))
        shared._native = self._native
        shared.url = self.url
        shared.api_key = self.new_api_key()
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

    def wait_for_requests(self, count: int = 1, *, since: int = 0, timeout: float = 10) -> list[dict[str, Any]]:
        """Waits until so many requests have been answered, and returns what arrived.

        Args:
            count: How many to wait for.
            since: Counts those after the one with this `sequence` only.
            timeout: How many seconds to wait at most, 60 at the very most.

        Raises:
            TimeoutError: if fewer have been answered by then.
        """
        query = {"since": since, "count": count, "wait_ms": round(timeout * 1000)}
        requests: list[dict[str, Any]] = self._control("GET", f"requests?{urlencode(query)}")["requests"]
        answered = sum(request["basis"] is not None for request in requests)
        if answered < count:
            raise TimeoutError(f"{answered} of {count} requests were answered within {timeout} s")
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

    def fault(
        self,
        action: str = "answer",
        *,
        preset: str | None = None,
        times: int | None = 1,
        contains: str | None = None,
        **details: Any,
    ) -> None:
        """Makes something go wrong with the next call, after the faults that still wait.

        Args:
            action: `answer`, `stall`, `stall_body`, `slow_body`, `truncate_body`,
                `close_before_read`, `close_after_read`, `reset_before_read` or `reset`.
            preset: The name of a fault, such as `flaky-429`, instead of a description.
            times: How many calls it hits; None: all of them.
            contains: Hits only calls with this text in their body.
            details: `status`, `headers`, `body`, `delay_ms`, `apply` (processes the call for real
                first), `after_bytes`, `bytes_per_second`, `probability`, `seed`, `match`.

        Raises:
            ValueError: if there is no such fault.
        """
        if contains is not None:
            details["match"] = {**details.get("match", {}), "contains": contains}
        named = preset is not None and action == "answer" and times == 1 and not details
        fault = preset if named else {"action": action, "times": times, **details}
        if preset is not None and not named:
            raise ValueError("a preset takes nothing else")
        self._control("POST", "faults", [fault])

    def clear_faults(self) -> None:
        """Lets nothing go wrong any more."""
        self._control("DELETE", "faults")

    def rate_limit(self, rate: float | None, *, burst: int = 1, retry_after: str = "seconds") -> None:
        """Lets only so many calls per second through; None takes the limit away.

        Args:
            rate: Calls per second.
            burst: The most calls at once after a pause.
            retry_after: What a refusal says: `seconds`, `date` or `none`.

        Raises:
            ValueError: if there is no such limit.
        """
        if rate is None:
            self._control("DELETE", "rate-limit")
        else:
            limit = {"kind": "bucket", "rate": rate, "burst": burst, "retry_after": retry_after}
            self._control("PUT", "rate-limit", limit)

    def drain(self) -> int:
        """Processes the `meta_data` that waits, due or not, and returns how many there were."""
        processed: int = self._control("POST", "drain")["processed"]
        return processed

    def metadata(self, contact_id: str) -> list[dict[str, Any]]:
        """Returns what became of a contact's `meta_data`: `state`, `meta_data`, and for each value a `trace`.

        Raises:
            ValueError: if there is no such contact.
        """
        found: list[dict[str, Any]] = self._control("GET", f"contacts/{contact_id}/metadata")["metadata"]
        return found

    def set_clock(self, now: datetime | str) -> None:
        """Stops the clock at this time, which needs an offset."""
        self._control("POST", "clock", {"now": _moment(now)})

    def advance_clock(self, seconds: float) -> None:
        """Moves the clock ahead."""
        self._control("POST", "clock", {"advance_ms": round(seconds * 1000)})

    def state(self) -> dict[str, Any]:
        """Returns all the user knows and has, for `restore`."""
        state: dict[str, Any] = self._control("GET", "state")
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replaces all the user knows and has by what `state` returned."""
        self._control("PUT", "state", state)

    def reset(self) -> None:
        """Forgets contacts, faults and requests, and goes back to the seed."""
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


def _moment(time: datetime | str | None) -> str | None:
    return time if time is None or isinstance(time, str) else time.isoformat()
