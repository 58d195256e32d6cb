"""`upsert_many` without asyncio, and what its asyncio sibling shares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _logs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from typing_extensions import Self

    from ._native import Batch, Outcome
    from ._types import RecordLike


class Progress(NamedTuple):
    """How far a batch has come."""

    accepted: int
    """How many records the server has accepted."""
    rejected: int
    """How many records have failed, for whatever reason."""
    in_flight: int
    """How many records were taken and have no outcome yet."""
    rate: float
    """Outcomes a second, over the last ones."""
    learned_limit: float | None
    """What the server allows, in calls per second, as far as it was learned."""


class UpsertMany:
    """The outcomes of a batch, as they complete: an iterator, and the way to end it early."""

    __slots__ = ("__weakref__", "_batch", "_outcomes")

    def __init__(
        self, batch: Batch, records: Iterable[RecordLike], on_progress: Callable[[Progress], object] | None
    ) -> None:
        self._batch = batch
        self._outcomes = _outcomes(batch, records, on_progress)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        return next(self._outcomes)

    def finish(self, timeout: float) -> None:
        """Reads no more records, and gives those that were taken so many seconds.

        Returns at once: iterate on for their outcomes. What is not done by then failed with an
        `ApiTimeoutError`. Another thread or a signal handler may call this.

        Raises:
            ConfigError: if `timeout` is no number of seconds.
        """
        self._batch.finish(timeout)

    def close(self) -> None:
        """Ends the calls in flight; there are no more outcomes."""
        self._outcomes.close()
        # What never began has nothing to clean up after it.
        self._batch.close()


def told(
    taken: tuple[Outcome, tuple[int, int, int, float, float | None] | None],
    on_progress: Callable[[Progress], object] | None,
) -> Outcome:
    """Logs one outcome, and tells the progress that it made to whoever wants to know."""
    outcome, progress = taken
    _logs.outcome(outcome)
    if on_progress is not None and progress is not None:
        on_progress(Progress(*progress))
    return outcome


def conclude(batch: Batch, failure: Exception | None) -> None:
    """Raises why a batch has ended before its records did, if it has."""
    stopped = batch.stopped()
    if stopped is not None:
        raise stopped from failure
    if failure is not None:
        raise failure


def _outcomes(
    batch: Batch, records: Iterable[RecordLike], on_progress: Callable[[Progress], object] | None
) -> Generator[Outcome, None, None]:
    """Feeds a batch, and yields what comes out of it."""
    failure: Exception | None = None
    try:
        source = iter(records)
        while not batch.is_finished():
            if failure is None and batch.wants_records():
                failure = feed(batch, source)
            ready = batch.take()
            for taken in ready:
                yield told(taken, on_progress)
            if not ready:
                batch.wait()
        conclude(batch, failure)
    finally:
        batch.close()


def feed(batch: Batch, source: Iterator[RecordLike]) -> Exception | None:
    """Hands over records while there is room; gives what the source raised, if it did."""
    try:
        while batch.wants_records():
            try:
                record = next(source)
            except StopIteration:
                batch.end()
                return None
            batch.push(record)
    except Exception as error:
        # What was handed over before is still carried to its end.
        batch.end()
        return error
    return None
