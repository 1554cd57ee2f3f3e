"""The runner: what each batch needs, what is silent for too long, and a queue that knows no answers."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
import waiting
from clinic import Clinic
from serving import psoas

from api.batch.queueing import Run
from api.batch.runner import Pace, Runner, Turns, Watch, choose_step
from api.logs import open_log
from api.storage.batches import find_batch, take_batch, write_batch
from api.storing import now

Storage = dict[str, Any]
ONE, OTHER = UUID(int=1), UUID(int=2)
CANARY = "canary-4711"
QUICK = Pace(look=0.05, silence=2.0, leave=10)


@contextmanager
def running(clinic: Clinic, pace: Pace = QUICK) -> Iterator[io.BytesIO]:
    """A runner in this process, for as long as it is needed; gives its log."""
    parts, log = clinic.app.state.parts, io.BytesIO()
    spool = parts.batches.spool
    runner = Runner(parts.database, spool, parts.rules, now, open_log("info", log), pace=pace)
    parts.batches.poke = runner.poke
    runner.start()
    try:
        yield log
    finally:
        runner.stop()


wait_for = partial(waiting.wait_until, seconds=30.0)
"""Waits until something is so."""


@pytest.fixture
def clinic(storage: Storage) -> Clinic:
    assert psoas(storage, "migrate").exit_code == 0
    return Clinic(storage)


@pytest.mark.parametrize(
    ("is_wanted", "run", "idle", "step"),
    [
        (True, None, False, "enqueue"),
        (False, None, True, None),
        (True, Run("ENQUEUED", "rules"), True, None),
        (True, Run("PENDING", "rules"), False, None),
        (True, Run("PENDING", "rules"), True, "resume"),
        (True, Run("PENDING", "other"), False, None),
        (True, Run("PENDING", "other"), True, "forget"),
        (True, Run("ENQUEUED", "other"), True, "forget"),
        (True, Run("SUCCESS", "rules"), False, "forget"),
        (True, Run("ERROR", "rules"), False, "forget"),
        (False, Run("SUCCESS", "rules"), False, "forget"),
        (False, Run("PENDING", "rules"), False, None),
        (False, Run("PENDING", "rules"), True, "forget"),
    ],
)
def test_what_a_batch_needs(is_wanted: bool, run: Run | None, idle: bool, step: str | None) -> None:
    assert choose_step(is_wanted, run, "rules", idle=idle) == step


def test_what_stays_as_it_is_for_too_long_is_idle() -> None:
    moment = 100.0
    watch = Watch(10, lambda: moment)
    assert not watch.is_idle(ONE, 1)
    moment += 11
    assert watch.is_idle(ONE, 1)
    assert not watch.is_idle(ONE, 2)
    assert not watch.is_idle(OTHER, 1)
    moment += 11
    watch.keep_only([OTHER])
    assert not watch.is_idle(ONE, 2)
    assert watch.is_idle(OTHER, 1)


def test_who_must_be_alone_waits_for_those_who_have_not_got_on_and_others_for_it() -> None:
    turns, begun = Turns(lambda: None), Queue[UUID]()
    leave = {one: Event() for one in (ONE, OTHER)}

    def work(one: UUID, alone: bool) -> None:
        with turns.taking(one, alone=alone) as turn:
            begun.put(one)
            leave[one].wait(10)
            turns.share_after(turn, lambda: None)

    with turns.taking(UUID(int=3), alone=False) as first:
        threads = [Thread(target=work, args=(ONE, True))]
        threads[0].start()
        with pytest.raises(Empty):
            begun.get(timeout=0.3)
        turns.share_after(first, lambda: None)
        assert begun.get(timeout=5) == ONE
        threads.append(Thread(target=work, args=(OTHER, False)))
        threads[1].start()
        with pytest.raises(Empty):
            begun.get(timeout=0.3)
        assert set(turns.held) == {ONE, OTHER, UUID(int=3)}
        leave[ONE].set()
        assert begun.get(timeout=5) == OTHER
        leave[OTHER].set()
        for thread in threads:
            thread.join()
    assert turns.held == []


def test_a_batch_is_scored_and_its_run_forgotten(clinic: Clinic) -> None:
    with running(clinic):
        sent = clinic.send("who,sitting_hours_per_day\nAda,9\nBob,99\n")
        place = sent.headers["location"]
        wait_for(lambda: clinic.call("GET", place).json()["state"] == "done")
        wait_for(lambda: not rows_of_queue(clinic))
    assert clinic.call("GET", f"{place}/scores").text.splitlines()[1].startswith("Ada,9,1,")


def test_the_queue_holds_no_answers(clinic: Clinic) -> None:
    with running(clinic, QUICK._replace(look=2.0)):
        sent = clinic.send(f"{CANARY},sitting_hours_per_day\n{CANARY},7.123456\n{CANARY},77.5\n")
        place = sent.headers["location"]
        wait_for(lambda: clinic.call("GET", place).json()["state"] == "done")
        rows = rows_of_queue(clinic)
        assert place.rpartition("/")[2] in rows
        for told in (CANARY, "7.123456", "77.5", "sitting", "out_of_range"):
            assert told not in rows


def rows_of_queue(clinic: Clinic) -> str:
    """Everything that the queue knows of runs."""
    if "database_url" not in clinic.storage:
        folder: Path = clinic.storage["data_dir"]
        with closing(sqlite3.connect(folder / "psoas.queue.sqlite3")) as connection:
            return _read(connection, "SELECT name FROM sqlite_master WHERE type = 'table'", "")
    with psycopg.connect(clinic.storage["database_url"]) as connection:
        names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'dbos'"
        return _read(connection, names, "dbos.")


def _read(connection: Any, names: str, schema: str) -> str:
    rows = []
    for (name,) in connection.execute(names).fetchall():
        if name.startswith(("workflow", "operation", "notifications", "streams")):
            rows += connection.execute(f'SELECT * FROM {schema}"{name}"').fetchall()  # noqa: S608
    return str(rows) if rows else ""


def test_what_is_erased_while_it_waits_is_forgotten(clinic: Clinic) -> None:
    place = clinic.send("sitting_hours_per_day\n9\n").headers["location"]
    clinic.call("DELETE", place)
    with running(clinic) as log:
        other = clinic.send("sitting_hours_per_day\n9\n").headers["location"]
        wait_for(lambda: clinic.call("GET", other).json()["state"] == "done")
        wait_for(lambda: not rows_of_queue(clinic))
    assert b"failed" not in log.getvalue()


def test_a_run_that_was_lost_is_begun_again(clinic: Clinic) -> None:
    """As after the queue was restored from nothing, or a process died before it put the batch there."""
    place = clinic.send("sitting_hours_per_day\n9\n").headers["location"]
    database = clinic.app.state.parts.database
    with running(clinic):
        wait_for(lambda: clinic.call("GET", place).json()["state"] == "done")
    found = database.look_up(
        lambda session: find_batch(session, clinic.tenant, UUID(place.rpartition("/")[2]))
    )
    assert (found.takes, found.fruitless) == (1, 1)


def test_what_other_rules_did_is_told_no_longer(clinic: Clinic) -> None:
    place = clinic.send("sitting_hours_per_day\n9\n").headers["location"]
    batch = UUID(place.rpartition("/")[2])
    database = clinic.app.state.parts.database

    def take(digest: str) -> tuple[int, int, int]:
        row = database.change(lambda connection: take_batch(connection, batch, now(), "v", digest))
        told = clinic.call("GET", place).json()
        assert (told["rows_done"], told["rows_rejected"]) == (row.rows_done, row.rows_rejected)
        return row.rows_done, row.rows_when_taken, row.fruitless

    def get_on(rows: int) -> None:
        done = {"rows_done": rows, "rows_rejected": 1, "share_done": 0.5}
        takes = database.look_up(lambda session: find_batch(session, clinic.tenant, batch)).takes
        assert database.change(lambda connection: write_batch(connection, batch, takes, done))

    assert take("old") == (0, 0, 1)
    assert take("old") == (0, 0, 2)
    get_on(500)
    assert take("old") == (500, 500, 1)
    assert take("old") == (500, 500, 2)
    assert take("new") == (0, 0, 1)
    get_on(500)
    assert take("new") == (500, 500, 1)


def test_without_the_queues_tables_it_waits_and_says_so(storage: Storage) -> None:
    if "database_url" not in storage:
        pytest.skip("SQLite's are made by themselves")
    clinic = Clinic(storage)
    with running(clinic) as log:
        place = clinic.send("sitting_hours_per_day\n9\n").headers["location"]
        wait_for(lambda: b"batches wait" in log.getvalue())
        assert clinic.call("GET", place).json()["state"] == "waiting"
        assert psoas(storage, "migrate").exit_code == 0
        wait_for(lambda: clinic.call("GET", place).json()["state"] == "done")
