"""Batches scored by this process, from a queue that it shares with others, and those taken up that another one left.

What is asked of a batch, and what is told of it, stands in its row alone: a batch whose row is there
and not finished is to be scored. The queue is derived from that, again and again; it neither
notices by itself that a process died, nor throws away what is finished.
"""

import os
import sys
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import Condition, Event, Thread, get_native_id
from typing import Literal, NamedTuple, TypeVar
from uuid import UUID

import polars as pl
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from api.batch.job import Job, Numbers
from api.batch.ledger import Ledger, Stopped
from api.batch.queueing import BatchQueue, Run, keep_result
from api.batch.scoring import Rules
from api.batch.spool import Spool
from api.envelope import describe_failure
from api.storage.batches import beat, list_signs
from api.storage.database import Database
from api.storage.failures import StorageUnavailable

AT_ONCE = 2
"""Batches that a process scores at a time, so that a small one need not wait for the end of a large one."""
PATIENT = 10
"""How nice threads are that give way; on Linux each thread is so by itself, and those that it begins are, too."""
TURN_LOOK = 0.2
"""Seconds after which somebody who waits for a turn looks whether to go on waiting."""
Step = Literal["enqueue", "resume", "forget"]
"""What may be needed to get a batch going, or to clean up behind it."""


class Pace(NamedTuple):
    """How often the runner looks, in seconds."""

    look: float = 1.0
    """From one look to the next."""
    silence: float = 15.0
    """How long a batch shows no sign of life before another process takes it up."""
    leave: int = 20
    """How long a process that ends waits for its segments."""


USUAL = Pace()
T = TypeVar("T")


class Runner:
    """Scores batches in threads of this process, until it is stopped."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        rules: Rules,
        clock: Callable[[], datetime],
        log: FilteringBoundLogger,
        *,
        gives_way: bool = False,
        pace: Pace = USUAL,
    ) -> None:
        """Connects to nothing yet; one that gives way takes the time that the rest of its process leaves."""
        self._gives_way = gives_way
        self._database, self._spool, self._rules = database, spool, rules
        self._log, self._pace = log, pace
        self._queue = BatchQueue(database.url, rules.model.digest, log)
        self._stopping, self._poked = Event(), Event()
        self._ledger = Ledger(database, rules.model, clock, self._stopping, log)
        self._watch = Watch(pace.silence)
        self._turns = Turns(self._ledger.check_stopping)
        self._left: set[UUID] = set()
        self._troubled = False
        self._thread = Thread(target=self._run, name="psoas-runner", daemon=True)

    def start(self) -> None:
        """Begin; a database that is away is waited for."""
        self._thread.start()

    def poke(self) -> None:
        """Look at once: there is a new batch."""
        self._poked.set()

    def stop(self) -> None:
        """Leave what is being scored to others, behind the segments that are under way."""
        self._stopping.set()
        self._poked.set()
        if self._thread.is_alive():
            self._thread.join(self._pace.leave)
        self._queue.close(self._pace.leave if self._turns.held else 0, self._left)

    # The loop

    def _run(self) -> None:
        if self._gives_way:
            give_way()
        while not self._stopping.is_set():
            try:
                self._look()
                self._troubled = False
            except StorageUnavailable as unavailable:
                self._tell_trouble({"reason": str(unavailable)})
            except SQLAlchemyError as unavailable:  # what it says may hold a row
                self._tell_trouble({"reason": type(unavailable).__name__})
            except Exception as failure:  # noqa: BLE001  # the loop must live on
                self._tell_trouble(describe_failure(failure))
            self._poked.wait(self._pace.look)
            self._poked.clear()

    def _tell_trouble(self, trouble: Mapping[str, object]) -> None:
        self._watch.keep_only(())  # nobody could show a sign of life either
        if not self._troubled:
            self._log.warning("batches wait", **trouble)
        self._troubled = True

    def _look(self) -> None:
        """See what each batch needs, and do it."""
        if not self._queue.is_open:
            self._open()
        if held := self._turns.held:
            self._database.change(lambda connection: beat(connection, held))
        signs = self._database.look_up(list_signs)
        runs = self._queue.list_runs()
        self._watch.keep_only({**signs, **runs})
        for batch in {**signs, **runs}:
            run = runs.get(batch)
            idle = self._watch.is_idle(batch, (signs.get(batch), run))
            step = choose_step(batch in signs, run, self._rules.model.digest, idle=idle)
            if step == "resume":
                self._log.info("batch taken up again", batch=str(batch))
                self._queue.resume(batch)
            elif step == "forget":
                self._queue.forget(batch)
            elif step == "enqueue":
                self._queue.enqueue(batch)

    def _open(self) -> None:
        """Clear what was kept of batches that are finished, and begin to take others from the queue."""
        self._database.prepare()
        kept = self._spool.list_kept()
        unfinished = self._database.look_up(list_signs)
        for batch in set(kept) - set(unfinished):
            self._spool.clear(batch)
        self._queue.open(self._score, AT_ONCE, self._pace.look / 4)

    # The work

    def _score(self, id: UUID) -> None:
        """Score one batch that was taken from the queue."""
        found = self._ledger.look(id)
        if found is None:
            return
        # It may be what ended its process; then nothing else should have to end with it.
        is_suspect = found.fruitless > 0 and found.rows_done == found.rows_when_taken
        try:
            with self._turns.taking(id, alone=is_suspect) as turn:
                self._run_job(id, turn)
        except (Stopped, KeyboardInterrupt) as end:  # the engine tells every thread of the latter
            if self._stopping.is_set() or not isinstance(end, Stopped):
                self._left.add(id)
            raise

    def _run_job(self, id: UUID, turn: "Turn") -> None:
        batch = self._ledger.take(id)
        if batch is None:
            return

        def keep(work: Callable[[], Numbers | None]) -> Numbers | None:
            return keep_result(lambda: self._turns.share_after(turn, work))

        try:
            Job(self._rules, self._spool, self._ledger, self._log, batch).run(keep)
        except (Stopped, KeyboardInterrupt):
            if self._stopping.is_set():
                with suppress(StorageUnavailable):  # else the attempt counts
                    self._ledger.release(batch)
            raise


def give_way() -> None:
    """Let this thread, and all that are begun by it, wait for others: its own and those of the engine."""
    if sys.platform == "linux":  # elsewhere there is only one such number for a whole process
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), PATIENT)
    pl.LazyFrame({"": [0]}).collect(engine="streaming")  # begins them


def choose_step(is_wanted: bool, run: Run | None, digest: str, *, idle: bool) -> Step | None:
    """What a batch needs, by whether it is to be scored and what there is of a run; `idle` without a sign of life."""
    if run is None:
        return "enqueue" if is_wanted else None
    if run.has_ended:
        return "forget"  # if it is wanted all the same, it is begun anew
    if not idle:
        return None
    if not is_wanted or run.version != digest:
        return "forget"  # a run by other rules cannot be gone on with
    return "resume" if run.is_taken else None


class Turn:
    """Somebody at work, alone or beside others."""

    def __init__(self, id: UUID, *, alone: bool) -> None:
        self.id, self.alone = id, alone
        self.got_on = False
        """Whether some of the work was done; then little is lost if it has to be begun again."""


class Turns:
    """Says who may work now; beside one that must be alone are only those who have got on already."""

    def __init__(self, go_on: Callable[[], None]) -> None:
        """`go_on` is called while somebody waits, and may raise what ends that."""
        self._go_on, self._changed = go_on, Condition()
        self._waiting: list[UUID] = []
        self._running: list[Turn] = []

    @property
    def held(self) -> list[UUID]:
        """Those that work, and those that wait for that."""
        with self._changed:
            return [*(turn.id for turn in self._running), *self._waiting]

    @contextmanager
    def taking(self, id: UUID, *, alone: bool) -> Iterator[Turn]:
        """Work, when it is one's turn."""
        turn = Turn(id, alone=alone)
        with self._changed:
            self._waiting.append(id)
            try:
                self._go_on()
                while any(other.alone or (alone and not other.got_on) for other in self._running):
                    self._changed.wait(TURN_LOOK)
                    self._go_on()
            finally:
                self._waiting.remove(id)
            self._running.append(turn)
        try:
            yield turn
        finally:
            with self._changed:
                self._running.remove(turn)
                self._changed.notify_all()

    def share_after(self, turn: Turn, work: Callable[[], T]) -> T:
        """Do some work; whoever did some need not be alone any more."""
        done = work()
        with self._changed:
            turn.alone, turn.got_on = False, True
            self._changed.notify_all()
        return done


class Watch:
    """Notices what stays as it is. It asks no clock but its own, so those of other machines may differ."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._seen: dict[UUID, tuple[Hashable, float]] = {}

    def is_idle(self, id: UUID, sign: Hashable) -> bool:
        """Whether a sign of life has been the same for too long."""
        now = self._clock()
        seen, since = self._seen.get(id, (None, now))
        if seen != sign:
            since = now
        self._seen[id] = (sign, since)
        return now - since > self._seconds

    def keep_only(self, ids: Collection[UUID]) -> None:
        """Forget all others."""
        self._seen = {one: seen for one, seen in self._seen.items() if one in ids}
