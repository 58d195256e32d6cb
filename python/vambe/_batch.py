"""`upsert_many` without asyncio, and what its asyncio sibling shares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._native import Batch, Outcome
    from ._types import RecordLike


class Progress(NamedTuple):
    """How far a batch has come."""

    accepted: int
    """How many records the server has accepted."""
    rejected: int
    """How many records have failed, for whatever reason."""


class Count:
    """Counts and logs outcomes, and tells whoever wants to know."""

    __slots__ = ("_accepted", "_rejected", "_tell")

    def __init__(self, tell: Callable[[Progress], object] | None) -> None:
        self._accepted = 0
        self._rejected = 0
        self._tell = tell

    def add(self, outcome: Outcome) -> None:
        """Counts and logs one outcome."""
        _logs.outcome(outcome)
        if self._tell is None:
            return
        if outcome.ok:
            self._accepted += 1
        else:
            self._rejected += 1
        self._tell(Progress(self._accepted, self._rejected))


def outcomes(
    batch: Batch, records: Iterable[RecordLike], on_progress: Callable[[Progress], object] | None
) -> Iterator[Outcome]:
    """Feeds a batch, and yields what comes out of it."""
    count = Count(on_progress)
    failure: Exception | None = None
    try:
        source = iter(records)
        while not batch.is_finished():
            if failure is None and batch.wants_records():
                failure = feed(batch, source)
            ready = batch.take()
            for outcome in ready:
                count.add(outcome)
                yield outcome
            if not ready:
                batch.wait()
    finally:
        batch.close()
    if failure is not None:
        raise failure


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
