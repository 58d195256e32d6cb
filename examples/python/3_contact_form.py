"""Use case 3 of the API's page: a contact form, handled by FastAPI."""

from __future__ import annotations

import asyncio
import datetime
from uuid import UUID

import vambe
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
client = vambe.AsyncClient(channel="whatsapp", channel_phone_number="+56987654321", default_region="CL", timeout=5)


class Form(BaseModel):
    """What the form sends."""

    name: str
    phone: str
    email: str | None = None
    message: str = ""
    assign_to_agent: UUID | None = None
    utm_source: str | None = None


@app.post("/contact")
async def submit(form: Form) -> dict[str, str]:
    """Tells the visitor what is wrong with the number, and hides what is wrong with us."""
    try:
        contact = await client.upsert(
            contact_name=form.name,
            contact_phone_number=form.phone,
            contact_email=form.email,
            agent_id=form.assign_to_agent,
            meta_data={
                "submittedAt": datetime.datetime.now(datetime.timezone.utc),
                "message": form.message,
                "source": form.utm_source,
            },
        )
    except vambe.ValidationError as error:
        raise HTTPException(422, [str(violation) for violation in error.violations]) from error
    except vambe.VambeError as error:
        raise HTTPException(503 if error.retryable else 502, "please try again later") from error
    return {"id": contact.id}


if __name__ == "__main__":
    print(asyncio.run(submit(Form(name="Ana Pérez", phone="9 1234 5678"))))
