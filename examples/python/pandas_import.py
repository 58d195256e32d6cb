"""A data frame: missing cells are left out, numbers and times are taken as they are, and every row is accounted for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import vambe


def import_frame(frame: pd.DataFrame, folder: Path) -> vambe.ImportReport:
    """Sends the rows that are new or have changed since the last time; those that are refused go to a file."""
    with vambe.Client(channel="whatsapp", channel_phone_number="+56987654321", default_region="CL") as client:
        return vambe.import_rows(
            frame,
            name="nightly CRM export",
            client=client,
            journal=folder / "customers.journal",
            rejects=folder / "customers.rejects.ndjson",
            source="CRM",
        )


if __name__ == "__main__":
    customers = pd.DataFrame(
        {
            "contact_phone_number": ["9 1234 5678", "9 8765 4321", "unknown"],
            "contact_name": ["Ana Pérez", None, "Luis"],
            "meta_data.visits": [1, None, 3],
            "city": ["Lima", "Santiago", None],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        first = import_frame(customers, Path(folder))
        print(first.accepted, "accepted,", first.rejected, "rejected:", first.codes)
        second = import_frame(customers, Path(folder))
        print(second.unchanged, "unchanged")
