"""Use case 4 of the API's page: the customer of an order, from a Celery task."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import vambe
from celery import Celery, Task

app = Celery("shop", broker="memory://")
# Made once, before the workers are forked: each of them has its own connections.
client = vambe.Client(channel="whatsapp", channel_phone_number="+56987654321")


@app.task(bind=True, max_retries=5)
def sync_customer(self: Task[..., str], order: dict[str, Any]) -> str:
    """Upserts the customer of an order; comes back later if that may help."""
    customer = order["customer"]
    try:
        contact = client.upsert(
            contact_name=f"{customer['first_name']} {customer['last_name']}",
            contact_phone_number=customer["phone"],
            contact_email=customer.get("email"),
            meta_data={
                "orderId": order["id"],
                "orderTotal": order["total_price"],
                "products": ", ".join(item["title"] for item in order["line_items"]),
            },
        )
    except vambe.VambeError as error:
        if error.retryable:
            raise self.retry(exc=error, countdown=error.retry_after or 60) from error
        raise
    return contact.id


if __name__ == "__main__":
    order = {
        "id": 1001,
        "total_price": Decimal("59.90"),
        "customer": {"first_name": "Ana", "last_name": "Pérez", "phone": "+56 9 1234 5678"},
        "line_items": [{"title": "Mug"}, {"title": "Tea"}],
    }
    print(sync_customer.apply(args=[order]).get())
