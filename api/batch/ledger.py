"""What is told of a batch while it is scored, by the one process that took it up last and by no other."""

import time
from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection
from sqlmodel import col
from structlog.typing import FilteringBoundLogger

from api.batch.segments import Segment
from api.storage.batches import State, look_at, release_batch, take_batch, write_batch
from api.storage.database import Database
from api.storage.deliveries import announce_end
from api.storage.failures import StorageUnavailable
from api.storage.tables import StoredBatch
from rules.definitions import Model

PAUSE = 2.0
"""Seconds after which what did not work is tried again."""
PATIENCE = 5.0
"""Seconds that a process which ends gives to the segment that is under way."""
T = TypeVar("T")


class Stopped(BaseException):
    """The work ends here: the process does, the batch was erased, or another one has taken it up.

    Not an `Exception`, so that whoever keeps account of the run does not take it for a failure.
    """


class Ledger:
    """Writes how far batches are; a database that is away is waited for."""

    def __init__(
        self,
        database: Database,
        model: Model,
        clock: Callable[[], datetime],
        stopping: Event,
        log: FilteringBoundLogger,
        pause: float = PAUSE,
    ) -> None:
        self.clock = clock
        self._database, self._model = database, model
        self._stopping, self._log, self._pause = stopping, log, pause
        self._ends: float | None = None

    def look(self, id: UUID) -> StoredBatch | None:
        """A batch as it is; none where it was erased."""
        return self._try(lambda: self._database.look_up(lambda session: look_at(session, id)))

    def take(self, id: UUID) -> StoredBatch | None:
        """Take up a batch; none where it was erased or is finished."""
        model = self._model
        return self._write(
            lambda connection: take_batch(connection, id, self.clock(), model.version, model.digest)
        )

    def note_segment(self, batch: StoredBatch, segment: Segment, rejected: int) -> None:
        """Tell that a segment was scored, and how many rows were rejected by now."""
        self._change(
            batch,
            rows_done=segment.row,
            rows_rejected=rejected,
            share_done=segment.done,
            updated_at=self.clock(),
            reason=None,
        )

    def note_waiting(self, batch: StoredBatch, reason: str) -> None:
        """Tell what a batch waits for."""
        self._change(batch, reason=reason)

    def finish(self, batch: StoredBatch, state: State, reason: str | None = None) -> None:
        """Tell that a batch is finished, and in the same transaction what webhooks are to be told of it."""
        moment = self.clock()
        changed = {"state": state, "reason": reason, "finished_at": moment, "updated_at": moment}
        share = {"share_done": 1.0} if state == "done" else {}

        def end(connection: Connection) -> bool:
            is_ours = write_batch(connection, batch.id, batch.takes, {**changed, **share})
            if is_ours:
                announce_end(connection, batch.id, moment)
            return is_ours

        if not self._write(end):
            raise Stopped

    def release(self, batch: StoredBatch) -> None:
        """Leave a batch to others, because this process ends; waits for nothing."""
        self._database.change(lambda connection: release_batch(connection, batch.id, batch.takes))

    def check(self, batch: StoredBatch) -> None:
        """See that a batch is still that of this run.

        Raises:
            Stopped: when it is not, or the process ends.
        """
        self.check_stopping()
        self._change(batch, beats=col(StoredBatch.beats) + 1)

    def pause(self) -> None:
        """Wait a little before something is tried again.

        Raises:
            Stopped: when the process ends meanwhile.
        """
        self.check_stopping(self._pause)

    def check_patience(self) -> None:
        """See that there is still time for the segment that is under way.

        Raises:
            Stopped: when the process has been about to end for too long.
        """
        if self._stopping.is_set():
            self._ends = self._ends or time.monotonic() + PATIENCE
            if time.monotonic() > self._ends:
                raise Stopped

    def check_stopping(self, seconds: float = 0.0) -> None:
        """See that the process goes on, for so long.

        Raises:
            Stopped: when it ends.
        """
        if self._stopping.wait(seconds) if seconds else self._stopping.is_set():
            raise Stopped

    def _change(self, batch: StoredBatch, **changed: Any) -> None:
        if not self._write(
            lambda connection: write_batch(connection, batch.id, batch.takes, changed)
        ):
            raise Stopped

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._try(lambda: self._database.change(work))

    def _try(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except StorageUnavailable as unavailable:
                self._log.warning("batch waits", reason=str(unavailable))
            self.pause()
