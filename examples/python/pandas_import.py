"""A data frame: missing cells are left out, NumPy's numbers and pandas' times are taken as they are."""

from __future__ import annotations

import pandas as pd
import vambe


def import_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Upserts every row, and returns the frame with the ids and the reasons."""
    with vambe.Client(channel="whatsapp", channel_phone_number="+56987654321", default_region="CL") as client:
        outcomes = sorted(client.upsert_many(frame.to_dict("records"), max_rate=50), key=lambda outcome: outcome.index)
    return frame.assign(
        id=[outcome.contact.id if outcome.contact else None for outcome in outcomes],
        problem=[str(outcome.error) if outcome.error else None for outcome in outcomes],
    )


if __name__ == "__main__":
    customers = pd.DataFrame(
        {
            "contact_phone_number": ["9 1234 5678", "9 8765 4321", "unknown"],
            "contact_name": ["Ana Pérez", None, "Luis"],
            "external_user_id": [1, None, 3],
        }
    )
    print(import_frame(customers)[["id", "problem"]])
