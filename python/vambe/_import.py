"""Files, data frames and rows of a program, imported: what `vambe import` does, with Python's signatures around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import _native
from ._client import AsyncClient, Client

if TYPE_CHECKING:
    import datetime
    import os
    from collections.abc import Callable, Mapping

    from ._errors import VambeError
    from ._types import Duplicates, FileFormat, Pacing, Rows, UnknownColumns

    _Path = str | os.PathLike[str]


class ImportProgress(NamedTuple):
    """How far an import is."""

    reading: bool
    """Whether the file is read to see which customers come again; nothing is sent yet."""
    accepted: int
    """Rows accepted so far."""
    rejected: int
    """Rows rejected so far."""
    skipped: int
    """Rows that need not be sent, so far."""
    rows: int | None
    """All rows, where that is known."""
    bytes: int
    """Bytes of the file that these rows and those before them take."""
    in_flight: int
    """Rows on their way."""
    rate: float
    """Answers a second, over the last ones."""
    learned_limit: float | None
    """What the server allows, in calls per second, as far as it was learned."""
    stopping: bool
    """Whether no more rows are taken, and those in flight are waited for."""


class ImportReport:
    """What became of the rows: `rows` is `accepted + rejected + skipped + not_sent`, where all are known."""

    __slots__ = (  # noqa: RUF023 -- the order of the command's object
        "rows",
        "accepted",
        "rejected",
        "skipped",
        "unchanged",
        "superseded",
        "not_sent",
        "codes",
        "warnings",
        "elapsed_seconds",
        "rejects",
        "ending",
        "message",
    )

    rows: int
    """Rows that were looked at, or counted because they no longer could be sent."""
    accepted: int
    """Rows that the server answered with success."""
    rejected: int
    """Rows that were refused, by the checks or by the server, or that failed."""
    skipped: int
    """Rows that needed not be sent: `unchanged` and `superseded` together."""
    unchanged: int
    """Rows that an earlier run had accepted just so."""
    superseded: int
    """Rows whose customer a later row is about too; that one is sent."""
    not_sent: int | None
    """Rows left when the run was stopped; `None` where nobody can know."""
    codes: dict[str, int]
    """Rejected rows by code."""
    warnings: dict[str, int]
    """Rows with warnings by code."""
    elapsed_seconds: float
    """How long it took."""
    rejects: str | None
    """The file of rejected rows, if there is one."""
    ending: str
    """How the run ended: `finished`, `canary`, `interrupted`, `guard` or `failed`."""
    message: str | None
    """Why it did not come to its end, if it did not."""

    def __init__(self, details: Mapping[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, details[name])

    @property
    def ok(self) -> bool:
        """Whether the run came to its end, and no row was rejected."""
        return self.ending == "finished" and self.rejected == 0

    def to_dict(self) -> dict[str, Any]:
        """Returns every attribute by its name, as in the object that `vambe import --json` prints."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImportReport) and other.to_dict() == self.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return ImportReport, (self.to_dict(),)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={getattr(self, name)!r}" for name in ("accepted", "rejected", "skipped", "ending"))
        return f"<vambe.ImportReport: {counts}>"


def import_file(
    path: _Path,
    *,
    client: Client | None = None,
    mapping: _Path | None = None,
    journal: _Path | bool | None = None,
    rejects: _Path | None = None,
    events: _Path | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 -- as the command has it
    unknown: UnknownColumns | None = None,
    limit: int | None = None,
    force: bool = False,
    max_age: float | datetime.timedelta | None = None,
    canary: int | None = None,
    source: str | None = None,
    duplicates: Duplicates | None = None,
    format: FileFormat | None = None,  # noqa: A002 -- as the command has it
    sheet: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    quote: str | None = None,
    max_concurrency: int | None = None,
    max_rate: float | None = None,
    reserve: float | None = None,
    pacing: Pacing | None = None,
    on_progress: Callable[[ImportProgress], object] | None = None,
) -> ImportReport:
    """Imports a file of customers, as `vambe import` does; `docs/import.md` tells all of it.

    Blocks until the import has ended, with the GIL released; under asyncio use `asyncio.to_thread`. The first
    Ctrl-C takes no more rows, finishes what is in flight, writes the journal, and raises `KeyboardInterrupt`; a
    second one ends at once. Rejected rows are no exception: look at the report.

    Args:
        path: CSV, TSV, XLSX, NDJSON or JSON; text may be packed with gzip or zstd.
        client: Sends the rows. Default: `Client()`, closed at the end.
        mapping: TOML file that says which column fills what. Default: the names of the columns say so.
        journal: Remembers what was accepted, so that only new and changed customers are sent. `False`: none.
            Default: beside the file, its name with `.journal` added.
        rejects: Where rejected rows go. Default: beside the file, its name with `.rejects.csv` (or
            `.rejects.ndjson`) added.
        events: File that gets a line of JSON for each row. Default: none.
        set: Values of fields, `meta_data.<key>` or `custom.<key>` for rows that have none.
        unknown: Sends columns that are no field as metadata (`meta`), leaves them out (`skip`), or raises
            (`error`). Default: what the mapping says, or `meta`.
        limit: Most rows to take. Default: all.
        force: Whether customers that are unchanged since the last run are sent too.
        max_age: After how many seconds, or which timedelta, unchanged customers are sent again. Default: never.
        canary: After how many rows sent to stop, to look at them first. Default: none.
        source: Where the customers come from: sets `source`, `importedAt` and `importedBy` in `meta_data` where a
            row does not.
        duplicates: Sends the last row of a customer who comes twice (`last`), or nothing at all (`error`).
            Default: `last`.
        format: Kind of file. Default: found out from its content.
        sheet: Sheet of a workbook. Default: the first that is visible.
        delimiter: `comma`, `semicolon`, `tab`, `pipe` or a character. Default: found out.
        encoding: Such as `utf-8` or `windows-1252`. Default: found out.
        quote: The quote around cells, or `none`. Default: found out.
        max_concurrency: How many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32 without
            pacing.
        max_rate: Calls per second, a ceiling. Default: the client's, or none.
        reserve: Share of the server's limit that is left to others, 0 to 0.9. Default: 0.
        pacing: `learned` finds the server's limit and keeps just below it; `off` is for servers without a limit.
            Default: `learned`.
        on_progress: Called with an `ImportProgress` in this thread, at most ten times a second and once at the end.
            What it raises ends the import as Ctrl-C does.

    Raises:
        ConfigError: for what cannot be done as it was asked for: an option, the header, the mapping, a file that
            is no journal.
        ImportFailedError: if a file cannot be read or written, from the start or half-way.
        VambeError: what stopped the import: the key is refused (`AuthenticationError`), or nothing can succeed.
    """
    options = dict(locals())
    del options["path"], options["client"], options["on_progress"]
    options["set"] = set if set is None else dict(set)
    return _imported(client, lambda own: _native.import_file(own._native, path, options, _told(on_progress)))


def import_rows(
    rows: Rows,
    *,
    name: str = "rows",
    client: Client | None = None,
    mapping: _Path | None = None,
    journal: _Path | bool | None = None,
    rejects: _Path | None = None,
    events: _Path | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 -- as the command has it
    unknown: UnknownColumns | None = None,
    limit: int | None = None,
    force: bool = False,
    max_age: float | datetime.timedelta | None = None,
    canary: int | None = None,
    source: str | None = None,
    max_concurrency: int | None = None,
    max_rate: float | None = None,
    reserve: float | None = None,
    pacing: Pacing | None = None,
    on_progress: Callable[[ImportProgress], object] | None = None,
) -> ImportReport:
    """Imports rows of a program: mappings, records, a data frame, a table, or what a database gives.

    Takes an iterable of mappings (or dataclasses, attrs or pydantic objects, or what `from_note` gives), a DataFrame of
    pandas or polars, a relation of DuckDB, a table or reader of pyarrow, the cursor of a database after its query, and
    anything that gives an Arrow stream if pyarrow or polars is installed. Columns go by the names that the header of
    a file would have: `contact_name`, `meta_data.source`, `custom.rut`. Rows are made as they are needed, a few hundred
    ahead. They are sent in order; of those of one customer the last one counts.

    All else is as `import_file` has it, but nothing is written that is not named, and when the rows themselves
    raise, what they gave before is sent first, and then their exception is raised.

    Args:
        rows: Where the rows come from. The index of a DataFrame is not sent.
        name: Names the rows in messages and in the journal. Default: `rows`.
        client: Sends the rows. Default: `Client()`, closed at the end.
        mapping: TOML file that says which column fills what. Default: the names of the columns say so.
        journal: Remembers what was accepted, so that only new and changed customers are sent. Default: none.
        rejects: Where rejected rows go, as NDJSON. Default: none, they are only counted.
        events: File that gets a line of JSON for each row. Default: none.
        set: Values of fields, `meta_data.<key>` or `custom.<key>` for rows that have none.
        unknown: Sends columns that are no field as metadata (`meta`), leaves them out (`skip`), or rejects the row
            (`error`). Default: what the mapping says, or `meta`.
        limit: Most rows to take. Default: all.
        force: Whether customers that are unchanged since the last run are sent too.
        max_age: After how many seconds, or which timedelta, unchanged customers are sent again. Default: never.
        canary: After how many rows sent to stop, to look at them first. Default: none.
        source: Where the customers come from: sets `source`, `importedAt` and `importedBy` in `meta_data` where a
            row does not.
        max_concurrency: How many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32 without
            pacing.
        max_rate: Calls per second, a ceiling. Default: the client's, or none.
        reserve: Share of the server's limit that is left to others, 0 to 0.9. Default: 0.
        pacing: `learned` finds the server's limit and keeps just below it; `off` is for servers without a limit.
            Default: `learned`.
        on_progress: Called with an `ImportProgress` in this thread, at most ten times a second and once at the end.
            What it raises ends the import as Ctrl-C does.

    Raises:
        TypeError: if there are no rows in what was passed.
        ConfigError: for what cannot be done as it was asked for: an option, the names of columns, the mapping, a
            file that is no journal.
        ImportFailedError: if a file cannot be read or written, from the start or half-way.
        VambeError: what stopped the import: the key is refused (`AuthenticationError`), or nothing can succeed.
    """
    options = dict(locals())
    del options["rows"], options["name"], options["client"], options["on_progress"]
    options["set"] = set if set is None else dict(set)
    from ._frames import rows_of

    made = rows_of(rows)
    return _imported(client, lambda own: _native.import_rows(own._native, made, name, options, _told(on_progress)))


def _imported(
    client: Client | None, run: Callable[[Client], tuple[dict[str, Any] | None, VambeError | None]]
) -> ImportReport:
    """Runs an import with the client that was passed, or with one that is closed at its end."""
    if isinstance(client, AsyncClient):
        raise TypeError("an import blocks: pass a vambe.Client, and call it with asyncio.to_thread")
    if client is None:
        with Client() as own:
            return _imported(own, run)
    details, error = run(client)
    report = None if details is None else ImportReport(details)
    if error is not None:
        error.report = report
        raise error
    if report is None:
        raise RuntimeError("the import ended without a report, which is a mistake in vambe: please report it")
    return report


def _told(on_progress: Callable[[ImportProgress], object] | None) -> Callable[..., object] | None:
    return None if on_progress is None else lambda *numbers: on_progress(ImportProgress(*numbers))
