"""Data frames, tables and cursors as the rows of an import: every library's own missing values, dates and numbers."""

from __future__ import annotations

import datetime
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import vambe

if TYPE_CHECKING:
    from collections.abc import Callable

    from vambe.testing import Emulator

DAY = datetime.date(2024, 9, 30)
MOMENT = datetime.datetime(2024, 9, 30, 10, 0, tzinfo=datetime.timezone.utc)
# One row with everything, and one with nothing that may be missing.
COLUMNS: dict[str, list[Any]] = {
    "contact_phone_number": ["+56911111111", "+56922222222"],
    "contact_name": ["Ana", None],
    "meta_data.score": [2.5, None],
    "meta_data.visits": [3, None],
    "meta_data.vip": [True, None],
    "meta_data.spent": [Decimal("1.50"), None],
    "meta_data.since": [DAY, None],
    "meta_data.seen": [MOMENT, None],
    "city": ["Lima", None],
}
EXPECTED = {
    "+56911111111": (
        "Ana",
        {
            "score": 2.5,
            "visits": 3,
            "vip": True,
            "spent": "1.50",
            "since": "2024-09-30",
            "seen": "2024-09-30T10:00:00.000Z",
            "city": "Lima",
        },
    ),
    "+56922222222": (None, {}),
}
SCHEMA = pa.schema(
    [
        ("contact_phone_number", pa.string()),
        ("contact_name", pa.string()),
        ("meta_data.score", pa.float64()),
        ("meta_data.visits", pa.int64()),
        ("meta_data.vip", pa.bool_()),
        ("meta_data.spent", pa.decimal128(10, 2)),
        ("meta_data.since", pa.date32()),
        ("meta_data.seen", pa.timestamp("us", tz="UTC")),
        ("city", pa.string()),
    ]
)


def table() -> pa.Table:
    return pa.table(COLUMNS, schema=SCHEMA)


def of_pandas() -> pd.DataFrame:
    """None where it stays, NaN among the numbers, NaT among the times, as `DataFrame` makes them."""
    return pd.DataFrame(COLUMNS)


def of_pandas_with_its_own_types() -> pd.DataFrame:
    """`pd.NA` everywhere."""
    return pd.DataFrame(COLUMNS).convert_dtypes()


def of_pandas_on_arrow() -> pd.DataFrame:
    return table().to_pandas(types_mapper=pd.ArrowDtype)


def of_polars() -> pl.DataFrame:
    return pl.DataFrame(table())


def of_duckdb() -> object:
    return duckdb.from_arrow(table()).filter("true")


def of_a_query_of_duckdb() -> object:
    given = table()
    assert given.num_rows == 2
    return duckdb.connect().execute("SELECT * FROM given")


def of_a_table() -> pa.Table:
    return table()


def of_a_batch() -> object:
    return table().to_batches()[0]


def of_batches() -> object:
    return table().to_reader(max_chunksize=1)


class Stream:
    """A table of a library that nobody has heard of."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return table().__arrow_c_stream__(requested_schema)


EACH = [
    of_pandas,
    of_pandas_with_its_own_types,
    of_pandas_on_arrow,
    of_polars,
    of_duckdb,
    of_a_query_of_duckdb,
    of_a_table,
    of_a_batch,
    of_batches,
    Stream,
]


def contacts(emulator: Emulator) -> dict[str, tuple[str | None, dict[str, Any]]]:
    return {contact["phone"]: (contact["name"], contact["meta_data"]) for contact in emulator.contacts()}


def imported(emulator: Emulator, rows: Any, **options: Any) -> vambe.ImportReport:
    with emulator.client(channel="whatsapp", channel_phone_number="+56987654321") as client:
        return vambe.import_rows(rows, client=client, pacing="off", **options)


@pytest.mark.parametrize("make", EACH, ids=lambda make: make.__name__)
def test_values_come_as_they_are_and_missing_ones_not_at_all(
    vambe_emulator: Emulator, make: Callable[[], object]
) -> None:
    report = imported(vambe_emulator, make())
    assert (report.accepted, report.codes) == (2, {})
    assert contacts(vambe_emulator) == EXPECTED


def test_the_cursor_of_a_database_gives_its_rows_by_the_names_of_its_columns(vambe_emulator: Emulator) -> None:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE customer (phone TEXT, name TEXT)")
        database.executemany("INSERT INTO customer VALUES (?, ?)", [("+56911111111", "Ana"), ("+56922222222", None)])
        query = "SELECT phone AS contact_phone_number, name AS contact_name FROM customer"
        assert imported(vambe_emulator, database.execute(query)).ok
    assert {phone: name for phone, (name, _) in contacts(vambe_emulator).items()} == {
        "+56911111111": "Ana",
        "+56922222222": None,
    }
    with pytest.raises(TypeError, match="execute a query first"):
        imported(vambe_emulator, sqlite3.connect(":memory:").cursor())


def test_a_frame_is_read_a_slice_at_a_time(vambe_emulator: Emulator) -> None:
    many = pl.DataFrame({"contact_name": ["x"] * 5000})
    for frame in (many, many.to_arrow(), many.to_pandas(), duckdb.from_arrow(many.to_arrow())):
        assert imported(vambe_emulator, frame, limit=3000).codes == {"required": 3000}


def test_columns_without_a_name_of_their_own_are_refused(vambe_emulator: Emulator) -> None:
    with pytest.raises(vambe.ConfigError, match="the name of column 1 is a int: rename it to text"):
        imported(vambe_emulator, pd.DataFrame([["+56911111111"]]))
    twice = pd.DataFrame([["a", "b"]], columns=["contact_name", "contact_name"])
    with pytest.raises(vambe.ConfigError, match='two columns are named "contact_name"'):
        imported(vambe_emulator, twice)
    with pytest.raises(vambe.ConfigError, match='two columns are named "contact_name"'):
        imported(vambe_emulator, pa.table([["a"], ["b"]], names=["contact_name", "contact_name"]))


def test_a_lazy_frame_is_refused_with_the_way_out(vambe_emulator: Emulator) -> None:
    with pytest.raises(TypeError, match=r"collect\(\)"):
        imported(vambe_emulator, of_polars().lazy())


def test_naive_times_are_rejected_by_row(vambe_emulator: Emulator) -> None:
    frame = of_pandas()
    frame["meta_data.seen"] = frame["meta_data.seen"].dt.tz_localize(None)
    assert imported(vambe_emulator, frame).codes == {"naive_datetime": 1}
