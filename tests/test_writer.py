"""The group writer: one commit for many requests, yet each request's rows whole, in order, and its own affair."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from api.settings import Settings
from api.storage.assessments import add_retry
from api.storage.audit import NewEntry, add_entry
from api.storage.database import Database
from api.storage.failures import Clash, Conflict, StorageFull, StorageUnavailable
from api.storage.tables import Retry
from api.storage.writer import MOST, TRIES, Write, Writer
from api.storing import open_database

Storage = dict[str, Any]
AT = datetime(2026, 8, 1, tzinfo=UTC)


class Gate:
    """A database that lets its first commit wait, so that what comes meanwhile is one group; it may fail as told."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.opened, self.reached = threading.Event(), threading.Event()
        self.commits = 0
        self.failures: list[Exception] = []
        """What the commits after the first fail with, the next one first."""

    def writing(self) -> AbstractContextManager[Connection]:
        return self._write()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        self.commits += 1
        if self.commits == 1:
            self.reached.set()
            assert self.opened.wait(10)
        elif self.failures:
            raise self.failures.pop(0)
        with self._database.writing() as connection:
            yield connection


@pytest.fixture
def database(storage: Storage) -> Iterator[Database]:
    database = open_database(Settings(**storage))
    yield database
    database.close()


@pytest.fixture
def gate(database: Database) -> Gate:
    return Gate(database)


@pytest.fixture
def writer(gate: Gate) -> Iterator[Writer]:
    writer = Writer(gate)  # type: ignore[arg-type]
    yield writer
    gate.opened.set()
    writer.close()


def request(number: int, key: str | None = None, **changed: Any) -> list[Write]:
    """The writes of one request: an entry in the trail, and a key of its own or one that is given."""
    entry: dict[str, Any] = {
        "id": UUID(int=number),
        "tenant": "clinic",
        "at": AT,
        "actor": "service",
        "action": "store",
        "person_hash": None,
        "records": number,
        **changed,
    }
    retry = Retry(
        tenant="clinic",
        key=key or f"k-{number}",
        fingerprint=b"",
        assessment_id=UUID(int=number),
        created_at=AT,
    )
    return [add_entry(NewEntry(**entry)), add_retry(retry)]


def write_together(
    gate: Gate, writer: Writer, requests: list[list[Write]], meanwhile: Callable[[], object] = str
) -> list[Any]:
    """What each request is told; all but the first are one group."""

    async def write() -> list[Any]:
        first = asyncio.create_task(writer.write(request(1)))
        await asyncio.to_thread(gate.reached.wait, 10)
        others = [asyncio.create_task(writer.write(one)) for one in requests]
        await asyncio.to_thread(wait_until_queued, writer, len(others))
        meanwhile()
        gate.opened.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    told: list[Any] = asyncio.run(write())
    assert told[0] is None
    return told[1:]


def wait_until_queued(writer: Writer, requests: int) -> None:
    for _ in range(10_000):
        if writer._queue.qsize() == requests:
            return
        time.sleep(0.001)
    raise TimeoutError


def read(database: Database) -> list[int]:
    """Numbers of the requests that are there, in their order, each with its key."""
    with database.reading() as session:
        connection = session.connection()
        entries = connection.execute(text("SELECT records FROM audit ORDER BY id")).scalars().all()
        kept = connection.execute(text("SELECT assessment_id FROM retry")).scalars().all()
    assert sorted(UUID(str(one)).int for one in kept) == sorted(entries)
    return list(entries)


def test_all_that_wait_are_one_commit(gate: Gate, writer: Writer, database: Database) -> None:
    told = write_together(gate, writer, [request(n) for n in range(2, 52)])
    assert told == [None] * 50
    assert gate.commits == 2
    assert read(database) == list(range(1, 52))


def test_a_group_has_an_end(gate: Gate, writer: Writer, database: Database) -> None:
    write_together(gate, writer, [request(n) for n in range(2, MOST + 4)])
    assert gate.commits == 3
    assert len(read(database)) == MOST + 3


def test_the_conflict_of_one_is_no_affair_of_the_others(
    gate: Gate, writer: Writer, database: Database
) -> None:
    """The first with a key has it; the other rows of a request that comes too late are not written either."""
    requests = [request(2), request(3, "k-2"), request(4), request(5, "k-1"), request(6)]
    told = write_together(gate, writer, requests)
    assert [type(one) for one in told] == [type(None), Conflict, type(None), Conflict, type(None)]
    assert read(database) == [1, 2, 4, 6]


@pytest.mark.parametrize(
    "bad",
    [{"at": datetime(2026, 8, 1)}, {"tenant": None}, {"actor": "\0", "records": 1 << 70}],  # noqa: DTZ001
    ids=["naive", "missing", "too large"],
)
def test_a_row_that_cannot_be_written_fails_by_itself(
    gate: Gate, writer: Writer, database: Database, bad: dict[str, Any]
) -> None:
    told = write_together(gate, writer, [request(2), request(3, **bad), request(4)])
    assert isinstance(told[1], Exception)
    assert not isinstance(told[1], StorageUnavailable)  # trying again would not help
    assert (told[0], told[2]) == (None, None)
    assert read(database) == [1, 2, 4]


@pytest.mark.parametrize("failure", [StorageUnavailable("away"), StorageFull("full")])
def test_a_failure_is_told_to_each(
    gate: Gate, writer: Writer, database: Database, failure: Exception
) -> None:
    gate.failures.append(failure)
    told = write_together(gate, writer, [request(n) for n in range(2, 7)])
    assert [type(one) for one in told] == [type(failure)] * 5
    assert read(database) == [1]
    asyncio.run(writer.write(request(7)))
    assert read(database) == [1, 7]


def test_what_clashes_is_tried_again(gate: Gate, writer: Writer, database: Database) -> None:
    gate.failures += [Clash("busy")] * TRIES
    assert write_together(gate, writer, [request(2), request(3)]) == [None, None]
    assert read(database) == [1, 2, 3]


def test_what_always_clashes_is_told_at_last(
    gate: Gate, writer: Writer, database: Database
) -> None:
    gate.failures += [Clash("busy")] * TRIES
    (told,) = write_together(gate, writer, [request(2)])
    assert isinstance(told, Clash)
    assert read(database) == [1]


def test_who_goes_away_harms_nobody(gate: Gate, writer: Writer, database: Database) -> None:
    async def write() -> list[Any]:
        first = asyncio.create_task(writer.write(request(1)))
        await asyncio.to_thread(gate.reached.wait, 10)
        others = [asyncio.create_task(writer.write(request(n))) for n in range(2, 6)]
        await asyncio.to_thread(wait_until_queued, writer, len(others))
        first.cancel()
        others[1].cancel()
        gate.opened.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    told = asyncio.run(write())
    gone = asyncio.CancelledError
    assert [type(one) for one in told] == [gone, type(None), gone, type(None), type(None)]
    assert read(database) == [
        1,
        2,
        3,
        4,
        5,
    ]  # written all the same: that was not known to be unwanted


def test_whose_loop_has_ended_harms_nobody(gate: Gate, writer: Writer, database: Database) -> None:
    async def leave() -> None:
        task = asyncio.create_task(writer.write(request(1)))
        await asyncio.to_thread(gate.reached.wait, 10)
        task.cancel()

    asyncio.run(leave())
    gate.opened.set()
    asyncio.run(writer.write(request(2)))
    assert read(database) == [1, 2]


def test_closing_writes_what_waits(gate: Gate, writer: Writer, database: Database) -> None:
    closing = threading.Thread(target=writer.close)
    before = set(threading.enumerate())
    told = write_together(gate, writer, [request(n) for n in range(2, 5)], closing.start)
    closing.join(10)
    assert not closing.is_alive()
    assert not any(thread.name == "psoas-writer" for thread in set(threading.enumerate()) - before)
    assert told == [None] * 3
    assert read(database) == [1, 2, 3, 4]
    writer.close()  # again does nothing


def test_a_writer_that_never_wrote_closes(database: Database) -> None:
    Writer(database).close()


def test_an_error_that_nobody_expected_is_told_and_survived(
    gate: Gate, writer: Writer, database: Database
) -> None:
    gate.failures += [RuntimeError("all"), RuntimeError("one"), RuntimeError("the other")]
    told = write_together(gate, writer, [request(2), request(3)])
    assert [str(one) for one in told] == ["one", "the other"]
    asyncio.run(writer.write(request(4)))
    assert read(database) == [1, 4]
