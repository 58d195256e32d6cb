"""Use case 1 of the API's page: a customer from another CRM."""

from __future__ import annotations

from typing import Any

import vambe

client = vambe.Client(channel="whatsapp", channel_phone_number="+56987654321")


def import_crm_customer(crm: dict[str, Any]) -> vambe.Contact:
    """Creates or updates the contact of a CRM's customer; values that are missing are left out."""
    contact = client.upsert(
        contact_name=crm["full_name"],
        contact_phone_number=crm["phone"],
        contact_email=crm.get("email"),
        stage_id=crm.get("stage_id"),
        custom_field_values={
            "company_name": crm.get("company_name"),
            "industry": crm.get("industry_sector"),
            "lead_score": crm.get("qualification_score"),
        },
        meta_data={"source": crm.get("lead_source"), "notes": crm.get("internal_notes")},
    )
    print(f"imported {contact.id} after {contact.attempts} attempt(s)")
    return contact


if __name__ == "__main__":
    import_crm_customer(
        {"full_name": "Maria Rodriguez", "phone": "+56 9 1234 5678", "company_name": "Acme", "qualification_score": 85}
    )
