"""A Celery application on a broker of files, whose client is used before the workers are forked."""

from __future__ import annotations

import os

import vambe
from celery import Celery

RECORD = {"channel": "whatsapp", "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678"}

folder = os.environ["BROKER_FOLDER"]
app = Celery("celery_app", broker="filesystem://", backend=f"file://{folder}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{folder}/queue",
    "data_folder_out": f"{folder}/queue",
    "control_folder": f"{folder}/control",
}

client = vambe.Client()
client.upsert(RECORD)


@app.task
def upsert(phone: str) -> str:
    return client.upsert(RECORD, contact_name=phone).id
