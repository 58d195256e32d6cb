"""Use case 2 of the API's page: a user who has signed in to a webchat."""

from __future__ import annotations

import os
from dataclasses import dataclass

import vambe

client = vambe.Client(channel="webchat", channel_id=os.environ["VAMBE_WEBCHAT_CHANNEL"])


@dataclass
class User:
    """A user as the web site knows them."""

    id: int
    display_name: str
    email: str
    plan: str


def create_webchat_contact(user: User) -> vambe.Contact:
    """Creates or updates the contact of a signed-in user."""
    return client.upsert(
        external_user_id=user.id,
        contact_name=user.display_name,
        contact_email=user.email,
        custom_field_values={"plan": user.plan},
    )


if __name__ == "__main__":
    print(create_webchat_contact(User(12345, "Ana Pérez", "ana@example.com", "premium")).id)
