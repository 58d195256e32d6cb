"""Rows of data frames, tables and cursors, a few at a time, by the methods that they have themselves.

Nothing is imported that the caller has not: each kind is known by the name of its module or by what it offers.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SLICE = 1024


def rows_of(source: Any) -> Iterator[Any]:
    """Returns the rows of anything that has rows, made as they are asked for.

    Raises:
        ConfigError: if columns have no name of their own.
        TypeError: if there are no rows in it.
    """
    library = type(source).__module__.partition(".")[0]
    if library == "pandas" and hasattr(source, "itertuples"):
        return _named(source.columns, source.itertuples(index=False, name=None))
    if library == "polars" and hasattr(source, "iter_slices"):
        return (row for part in source.iter_slices(_SLICE) for row in part.iter_rows(named=True))
    if library == "polars" and hasattr(source, "collect"):
        raise TypeError("a lazy frame has no rows yet: pass what its collect() gives")
    # DuckDB's relations, and the cursors of databases.
    if hasattr(source, "fetchmany") and hasattr(source, "description"):
        return _fetched(source)
    if hasattr(source, "to_batches"):
        return _of_batches(source.to_batches())
    if hasattr(source, "read_next_batch"):
        return _of_batches(source)
    if hasattr(source, "__arrow_c_stream__"):
        return _of_arrow(source)
    if type(source) in (str, bytes, dict) or not hasattr(source, "__iter__"):
        raise TypeError(f"a {type(source).__name__} has no rows: pass an iterable of mappings, or a data frame")
    return iter(source)


def _fetched(cursor: Any) -> Iterator[dict[str, Any]]:
    names = [column[0] for column in cursor.description or ()]
    if not names:
        raise TypeError("the cursor has no rows: execute a query first")
    return _named(names, (row for rows in iter(lambda: cursor.fetchmany(_SLICE), []) for row in rows))


def _of_batches(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for first in range(0, batch.num_rows, _SLICE):
            part = batch.slice(first, _SLICE)
            yield from _named(part.schema.names, zip(*(column.to_pylist() for column in part.columns), strict=True))


def _of_arrow(source: Any) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(ImportError):
        return _of_batches(import_module("pyarrow").RecordBatchReader.from_stream(source))
    with contextlib.suppress(ImportError):
        return rows_of(import_module("polars").DataFrame(source))
    raise TypeError(f"a {type(source).__name__} is read through Arrow: install pyarrow or polars")


def _named(names: Iterable[Any], rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Puts names to the values of rows. A generator would raise only when the import is under way."""
    own = list(names)
    for position, name in enumerate(own):
        if not isinstance(name, str):
            raise ConfigError(f"the name of column {position + 1} is a {type(name).__name__}: rename it to text")
        if name in own[:position]:
            raise ConfigError(f'two columns are named "{name}": rename one of them')
    return (dict(zip(own, row, strict=True)) for row in rows)
