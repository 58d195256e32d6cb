"""A web application that uses its client before the workers are forked, and in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import vambe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}

client = vambe.Client()
client.upsert(RECORD)


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    contact = client.upsert(RECORD)
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{os.getpid()} {contact.id}".encode()]
