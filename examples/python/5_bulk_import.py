"""Use case 5 of the API's page: many customers, at the pace of the service, every one accounted for."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import vambe

if TYPE_CHECKING:
    from collections.abc import Iterator


def customers(file: Path) -> Iterator[dict[str, object]]:
    """Reads the customers one by one; `prefix.name` columns become objects."""
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            yield {
                "channel": "whatsapp",
                "channel_phone_number": "+56987654321",
                "contact_phone_number": row["contact_phone_number"],
                "contact_name": row["contact_name"],
                "contact_email": row["contact_email"],
                "meta_data": {"source": row["meta_data.source"]},
            }


def main(file: Path, max_rate: float | None = None) -> int:
    """Imports a file, and lists the rows that were not accepted."""
    accepted = 0
    with vambe.Client() as client:
        for outcome in client.upsert_many(customers(file), max_rate=max_rate):
            if outcome.error is None:
                accepted += 1
            else:
                print(f"row {outcome.index + 1}: {outcome.error.code}", file=sys.stderr)
    print(f"{accepted} accepted")
    return accepted


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None)
