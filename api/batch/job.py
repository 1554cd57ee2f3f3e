"""One batch, scored in segments from where it was left to its results, whatever happens on the way."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, partial
from typing import Any, NoReturn, TypeVar

import polars as pl
from structlog.typing import FilteringBoundLogger

from api.batch.chunks import FileRefused
from api.batch.formats import Format, find_usual
from api.batch.joining import Joining
from api.batch.ledger import Ledger, Stopped
from api.batch.place import Place
from api.batch.running import Order, tell_refusal
from api.batch.scoring import Rules
from api.batch.segments import Segment, Segments, put_whole
from api.batch.spool import Spool
from api.batch.store import SpoolUnavailable
from api.batch.tally import put_summary
from api.batch.whole import FileBusy, NoPlace, has_no_room
from api.envelope import describe_failure
from api.storage.batches import State
from api.storage.tables import StoredBatch

MOST_FRUITLESS = 5
"""How often in a row a batch is taken up without a row being scored, before it is given up."""
LONGEST_REASON = 1000
NO_ROOM = "There is no room on the disk at the moment. It goes on by itself once there is."
STORE_AWAY = "The files cannot be reached at the moment. It goes on by itself once they can."
FRUITLESS = (
    f"It was begun {MOST_FRUITLESS} times, and each time something went wrong before it got on. "
    "The file may need more memory than there is; sent in smaller pieces it may do."
)
TRIED_AGAIN = "Something went wrong on our side; it is tried again in a moment."
Numbers = list[Any]
Keep = Callable[[Callable[[], Numbers | None]], Numbers | None]
"""Does some work once and keeps what it gives, so that a run that goes on has it without doing it again."""
T = TypeVar("T")


class Opened:
    """What a run has open."""

    def __init__(self) -> None:
        self.segments: Segments | None = None
        self.joining: Joining | None = None

    def close(self) -> None:
        """Close what is open; results that are not whole go."""
        segments, self.segments = self.segments, None
        joining, self.joining = self.joining, None
        with ExitStack() as stack:
            if joining:
                stack.callback(joining.give_up)
            if segments:
                stack.callback(segments.close)


class Job:
    """One run over a batch that was taken up."""

    def __init__(
        self,
        rules: Rules,
        spool: Spool,
        ledger: Ledger,
        log: FilteringBoundLogger,
        batch: StoredBatch,
    ) -> None:
        self._rules, self._spool, self._ledger = rules, spool, ledger
        self._batch, self._log = batch, log.bind(batch=str(batch.id))
        self._kept: list[Segment] = []
        self._open = Opened()
        self._place: Place

    @property
    def _target(self) -> Format:
        """The kind of file that the results are."""
        return find_usual(self._batch.format)

    @cached_property
    def _order(self) -> Order:
        return self._place.order(self._target, self._rules.model)

    def run(self, keep: Keep) -> None:
        """Score what has not been scored, and put everything together.

        Raises:
            Stopped: where the work is left to others.
        """
        if self._batch.fruitless > MOST_FRUITLESS:
            self._finish_as("failed", FRUITLESS)
            return
        with self._spool.working(self._batch) as self._place:
            try:
                self._score_all(keep)
            finally:
                self._open.close()
                self._place.settle(lambda: self._ledger.look(self._batch.id))

    def _score_all(self, keep: Keep) -> None:
        is_finished = False
        while not is_finished:
            while not self._is_scored:
                numbers = keep(lambda: self._attempt(self._score_next))
                if numbers is None:
                    return
                self._keep(Segment(*numbers))
            is_finished = self._attempt(self._finish) is not False

    @property
    def _is_scored(self) -> bool:
        """Whether all segments are kept."""
        return bool(self._kept) and self._kept[-1].is_last

    def _keep(self, segment: Segment) -> None:
        """Remember a segment; one whose files were lost has been scored anew, and all behind it will be."""
        del self._kept[segment.number - 1 :]
        self._kept.append(segment)

    def _attempt(self, work: Callable[[], T]) -> T | None:
        """Do some work, as often as it takes; none where the file turned out to be of no use.

        Raises:
            Stopped: where something went wrong that may not do so again: the batch is taken up
                again after a while of silence, but not for ever.
        """
        while True:
            try:
                return work()
            except FileBusy:  # whoever had the batch before is still about to leave
                pass
            except Exception as failure:  # noqa: BLE001  # one batch must not end the others
                self._open.close()
                if has_no_room(failure):
                    self._ledger.note_waiting(self._batch, NO_ROOM)
                elif isinstance(failure, FileRefused) and not isinstance(failure, NoPlace):
                    self._ledger.check(self._batch)  # the files of an erased batch are gone
                    told = tell_refusal(failure, self._order)[:LONGEST_REASON]
                    self._finish_as("failed", told)
                    return None
                else:
                    self._give_up(failure)
            except pl.exceptions.PanicException as failure:
                self._give_up(failure)
            self._open.close()
            self._ledger.pause()

    def _reach(self, work: Callable[[], T]) -> T:
        """Do what needs the place where files are kept; while that is away it is waited for."""
        while True:
            try:
                return work()
            except SpoolUnavailable as unavailable:
                self._log.warning("batch waits", reason=str(unavailable))
                self._ledger.note_waiting(self._batch, STORE_AWAY)
            self._ledger.pause()

    def _give_up(self, failure: BaseException) -> NoReturn:
        """Leave the batch to whoever takes it up next."""
        self._ledger.note_waiting(self._batch, TRIED_AGAIN)
        self._log.error("batch left", **describe_failure(failure))
        raise Stopped

    def _finish_as(self, state: State, reason: str | None = None) -> None:
        """Tell that the batch is finished; what was kept on the way is of no use any more."""
        self._ledger.finish(self._batch, state, reason)
        self._open.close()
        self._clear()

    def _clear(self) -> None:
        """Erase what was kept on the way; nothing more can be told of a batch that is finished."""
        while True:
            try:
                return self._spool.clear(self._batch.id)
            except SpoolUnavailable as unavailable:
                self._log.warning("batch not tidied", reason=str(unavailable))
            self._ledger.pause()

    def _score_next(self) -> Numbers:
        """Score a segment, and tell of it."""
        self._join()
        segments = self._open.segments
        if segments is None:
            last = self._kept[-1] if self._kept else None
            segments = Segments(self._rules, self._order, self._place.parts, last)
            self._open.segments = segments
        scored = segments.score_next(self._ledger.check_patience)
        segment = scored._replace(take=self._batch.takes)
        self._reach(partial(self._place.keep_segment, segment))
        rejected = sum(one.rejected for one in self._kept) + segment.rejected
        self._ledger.note_segment(self._batch, segment, rejected)
        return list(segment)

    def _join(self) -> Joining:
        """The results so far, begun anew where that has to be."""
        self._ledger.check_stopping()
        self._reach(self._place.prepare)
        self._place.make_parts()
        self._drop_lost()
        joining = self._open.joining
        if joining is None:
            joining = self._open.joining = Joining(self._rules, self._order, self._place.parts)
        for segment in self._kept[joining.segments :]:
            self._ledger.check_stopping()
            if not self._reach(partial(self._place.bring_segment, segment)):
                self._drop(segment)
                return self._join()
            joining.add(segment)
            self._place.put_away(segment)
        return joining

    def _drop_lost(self) -> None:
        """Forget the segments from the first one on whose files are not there, as after the power went."""
        joined = self._open.joining.segments if self._open.joining else 0
        for segment in self._kept[joined:]:
            if not self._place.has_segment(segment):
                self._drop(segment)
                return

    def _drop(self, segment: Segment) -> None:
        """Forget a segment, and all behind it."""
        del self._kept[segment.number - 1 :]
        self._open.close()

    def _finish(self) -> bool:
        """Put the results in their places, and tell that they are there; false where segments are missing."""
        started = self._batch.started_at or self._ledger.clock()
        seconds = max(0.0, (self._ledger.clock() - started).total_seconds())
        joining = self._join()
        if not self._is_scored:
            return False
        summary = joining.finish(seconds)
        put_whole(self._place.summary, put_summary(summary))
        self._reach(lambda: self._place.keep_results(self._target))
        self._finish_as("done")
        self._log.info("batch done", rows=summary.rows, rejected=summary.rejected)
        return True
