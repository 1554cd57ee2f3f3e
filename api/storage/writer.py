"""Writes of many requests in one commit, each acknowledged only after it.

A commit costs far more than a row. While one is under way others wait, and all that wait are
written together by the next; nobody waits for company that is not there yet. Requests that are
worked on in one turn of the event loop are company: none of them could be answered before its end.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase

from api.storage.database import Database
from api.storage.failures import Clash, StorageUnavailable

MOST = 256
"""Requests whose writes go into one commit at most."""


TRIES = 5
"""How often a request's writes are tried that are in the way of another process's."""


class Write(NamedTuple):
    """One row to write by a statement; the statement is a constant, so that rows for it go together."""

    statement: UpdateBase
    row: Mapping[str, Any]


class _Waiting(NamedTuple):
    """One request's writes, all of them or none, and who waits for them."""

    writes: Sequence[Write]
    done: "asyncio.Future[None]"


class Writer:
    """One thread that writes for all requests of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None

    async def write(self, writes: Sequence[Write]) -> None:
        """Write all of these or none; returns once they are committed.

        Raises:
            Conflict: when a row is there already.
            StorageUnavailable: when it cannot be done now. The writes may be there all the same if
                the database went away during the commit.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        loop.call_soon(self._hand_over, _Waiting(writes, done))
        await done

    def close(self) -> None:
        """Write what waits, and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread:
            self._queue.put(None)
            thread.join()

    def _hand_over(self, waiting: _Waiting) -> None:
        self._start()
        self._queue.put(waiting)

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="psoas-writer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ends = [first], False
            while len(group) < MOST and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    ends = True
                    break
                group.append(following)
            self._settle(group)
            if ends:
                return

    def _settle(self, group: Sequence[_Waiting], tries: int = TRIES) -> None:
        """Write a group in one commit; if it may be one of it that keeps it from that, each by itself."""
        error: Exception | None = None
        try:
            self._commit(group)
        except Exception as failure:  # noqa: BLE001  # the thread must live on; who waits is told
            clashes = isinstance(failure, Clash)
            if len(group) > 1 and (clashes or not isinstance(failure, StorageUnavailable)):
                for one in group:
                    self._settle([one])
                return
            if clashes and tries > 1:
                self._settle(group, tries - 1)
                return
            error = failure
        _tell(group, error)

    def _commit(self, group: Sequence[_Waiting]) -> None:
        with self._database.writing() as connection:
            put_rows(connection, [write for one in group for write in one.writes])


def put_rows(connection: Connection, writes: Sequence[Write]) -> None:
    """Run writes, those of one statement together."""
    rows: dict[int, list[Mapping[str, Any]]] = {}
    statements: dict[int, UpdateBase] = {}
    for statement, row in writes:
        statements[id(statement)] = statement
        rows.setdefault(id(statement), []).append(row)
    for name, statement in statements.items():
        connection.execute(statement, rows[name])


def _tell(group: Sequence[_Waiting], error: Exception | None) -> None:
    """Tell all of a group at once: waking a loop costs as much as a row."""
    for loop in {one.done.get_loop() for one in group}:
        waiting = [one.done for one in group if one.done.get_loop() is loop]
        with suppress(RuntimeError):  # its loop has ended
            loop.call_soon_threadsafe(_settle_all, waiting, error)


def _settle_all(waiting: Sequence["asyncio.Future[None]"], error: Exception | None) -> None:
    for done in waiting:
        if not done.done():  # whoever asked may have gone
            done.set_exception(error) if error else done.set_result(None)
