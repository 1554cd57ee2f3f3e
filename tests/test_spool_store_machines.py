"""Machines that share nothing but a database and a store: one is killed, another goes on, and no row is lost."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from conftest import SOAK
from postgres import new_database
from sending import (
    SLOWLY,
    STARTS,
    People,
    Sender,
    Storage,
    assert_assesses,
    assert_problem,
    is_begun,
    make_people,
    migrated,
    wait_until,
)
from serving import Serving, serving, working
from stores import SECRET, Gate, Stored, list_scratch

pytest_plugins = ["sent_people"]
HASTY = """
from functools import partialmethod
from api.batch.runner import Pace, Runner
Runner.__init__ = partialmethod(Runner.__init__, pace=Pace(silence=2.0))
"""
"""Makes a process take up soon what another one left without a word."""
ENDING = """
import os, signal
from api.batch.store import Store
Store.put_note = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
"""
"""Makes a process end when a file lies in the store and it is not known yet that it does."""
STRICT = """
import api.batches
api.batches.LEFT = -60.0
"""
"""Makes a process erase at once what belongs to no batch."""
BREAKS = """
import os, pathlib
from api.batch.store import SpoolUnavailable, StoredFile
read = StoredFile.read
async def read_or_break(self, start, end):
    if start > 1_000_000 and pathlib.Path(os.environ["PSOAS_DATA_DIR"]).with_name("broken").exists():
        raise SpoolUnavailable("away")
    return await read(self, start, end)
StoredFile.read = read_or_break
"""
"""Makes the store go away in the middle of a download, for as long as there is such a file."""
TIDY = 10.0
"""Seconds within which nothing lies in the store any more that nobody needs."""
WHOLE = ["input.csv", "received", "rejects.csv", "scores.csv", "summary.json"]


@pytest.fixture
def shared(postgres: str, tmp_path: Path, store: Stored) -> Iterator[Storage]:
    """Settings that all machines share, with the data folder of the first."""
    with new_database(postgres) as address:
        yield migrated({"data_dir": tmp_path / "data", "database_url": address, **store.settings})


def name_machine(shared: Storage, number: int) -> Storage:
    """The settings of another machine: it has a data folder of its own."""
    return {**shared, "data_dir": shared["data_dir"].with_name(f"data-{number}")}


def assert_same_stored(
    service: Serving, sender: Sender, sent: str, people: People, store: Stored
) -> None:
    """See that a batch is done, no row is lost, nothing is left over, and the results are those of an undisturbed run."""
    summary = sender.call(service, "GET", f"/batches/{sent}/summary").json()
    assert summary["rows"] == summary["scored"] + summary["rejected"] == people.rows
    for what, expected in (("scores", people.scores), ("rejects", people.rejects)):
        answer = sender.call(service, "GET", f"/batches/{sent}/{what}")
        assert answer.status_code == 200, answer.text
        assert answer.content == expected.read_bytes(), what
    take = sender.look(sent).takes
    wanted = sorted(
        f"{sent}/{take}/{name}" if name[0] in "ps" or name == "rejects.csv" else f"{sent}/{name}"
        for name in WHOLE
    )
    wait_until(lambda: [one for one in store.list_keys() if sent in one] == wanted, seconds=TIDY)


def assert_quiet(folder: Path) -> None:
    """See that no process failed, or told what nobody may know."""
    for log in folder.glob("log*"):
        said = log.read_text()
        assert "Traceback" not in said
        assert SECRET not in said


def find_scoring(
    workers: dict[int, subprocess.Popen[bytes]], shared: Storage
) -> tuple[int, subprocess.Popen[bytes]]:
    """The worker that has something at hand of a batch."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [
            number
            for number in workers
            if any("parts-" in name for name in list_work(name_machine(shared, number)["data_dir"]))
        ]
        return bool(found)

    wait_until(look, seconds=STARTS)
    return found[0], workers[found[0]]


def list_work(folder: Path) -> list[str]:
    """What lies in the scratch folders of a machine, all the way down."""
    return [str(path) for path in (folder / "scratch").rglob("*")]


def count_kept(store: Stored) -> int:
    """How many segments are kept in the store."""
    return sum(name.endswith(".counts.json") for name in store.list_names())


@pytest.mark.parametrize("seed", range(6 if SOAK else 1))
def test_a_machine_that_is_killed_leaves_its_batch_to_another_which_goes_on_from_what_is_kept(
    shared: Storage, tmp_path: Path, some: People, store: Stored, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same moments every time
    with closing(Sender(shared)) as sender, ExitStack() as stack:
        workers = {
            number: stack.enter_context(
                working(
                    name_machine(shared, number), tmp_path / f"log-{number}", first=SLOWLY + HASTY
                )
            )
            for number in (1, 2)
        }
        service = stack.enter_context(serving(shared, tmp_path / "log", jobs=False))
        sent = sender.send(service, some.file)
        sender.wait(sent, lambda row: is_begun(row) and count_kept(store) >= 2, STARTS)
        time.sleep(chance.uniform(0, 2))
        number, killed = find_scoring(workers, shared)
        killed.kill()
        killed.wait()
        kept = sender.look(sent).rows_done
        assert sender.look(sent).state == "running"
        row = sender.wait_done(sent, 90)
        assert row.takes == 2
        assert row.rows_when_taken >= kept > 0
        assert_same_stored(service, sender, sent, some, store)
        (other,) = set(workers) - {number}
        wait_until(
            lambda: list_scratch(name_machine(shared, other)["data_dir"]) == [], seconds=TIDY
        )
        assert workers[other].poll() is None
        # The machine comes back, and what lay there goes.
        assert list_scratch(name_machine(shared, number)["data_dir"]) != []
        with working(name_machine(shared, number), tmp_path / f"log-{number}", first=STRICT):
            wait_until(
                lambda: list_scratch(name_machine(shared, number)["data_dir"]) == [], seconds=STARTS
            )
        assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
        assert store.list_keys() == []
    assert_quiet(tmp_path)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="long: make soak")
def test_a_worker_that_ends_leaves_its_batch_to_another_machine_at_once(
    shared: Storage, tmp_path: Path, some: People, store: Stored
) -> None:
    with closing(Sender(shared)) as sender, ExitStack() as stack:
        first = stack.enter_context(
            working(name_machine(shared, 1), tmp_path / "log-1", first=SLOWLY)
        )
        service = stack.enter_context(serving(shared, tmp_path / "log", jobs=False))
        sent = sender.send(service, some.file)
        sender.wait(sent, is_begun, STARTS)
        first.terminate()
        assert first.wait(30) == 0
        assert list((name_machine(shared, 1)["data_dir"] / "scratch").iterdir()) == []
        kept = sender.look(sent).rows_done
        stack.enter_context(working(name_machine(shared, 2), tmp_path / "log-2"))
        row = sender.wait_done(sent, 60)
        assert (row.takes, row.rows_when_taken >= kept > 0) == (2, True)
        assert_same_stored(service, sender, sent, some, store)
    assert_quiet(tmp_path)


def test_a_service_that_is_killed_while_it_takes_a_file_in_leaves_nothing(
    tmp_path: Path, few: People, store: Stored
) -> None:
    storage = {"data_dir": tmp_path / "data", **store.settings}
    with closing(Sender(storage)) as sender:
        with serving(storage, tmp_path / "log", first=ENDING) as service:
            with pytest.raises(Exception, match="disconnected"):
                sender.send(service, few.file)
            assert service.process.wait(30) == -signal.SIGKILL
        assert store.list_names() == ["input.csv"]
        assert list_scratch(tmp_path / "data") != []
        with serving(storage, tmp_path / "log", first=STRICT) as service:
            wait_until(lambda: store.list_keys() == [], seconds=STARTS)
            wait_until(lambda: list_scratch(tmp_path / "data") == [], seconds=STARTS)
            assert sender.call(service, "GET", "/batches").json()["items"] == []
            sent = sender.send(service, few.file)
            sender.wait_done(sent)
            assert_same_stored(service, sender, sent, few, store)
    assert_quiet(tmp_path)


def test_a_download_that_breaks_off_is_not_taken_for_whole_and_goes_on(
    tmp_path: Path, some: People, store: Stored
) -> None:
    storage = {"data_dir": tmp_path / "data", **store.settings}
    with (
        closing(Sender(storage)) as sender,
        serving(storage, tmp_path / "log", first=BREAKS) as service,
    ):
        sent = sender.send(service, some.file)
        sender.wait_done(sent)
        (tmp_path / "broken").touch()
        address, got = f"{service.address}/batches/{sent}/scores", bytearray()
        with httpx.stream("GET", address, headers=sender.headers) as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                take_all(answer, got)
        assert 0 < len(got) < some.scores.stat().st_size
        lines = (tmp_path / "log").read_text().splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        cut = [one for one in told if one["event"] == "cut off"]
        assert [(one["level"], one["reason"]) for one in cut] == [("warning", "away")]
        assert [one for one in told if one["level"] == "error"] == []
        (tmp_path / "broken").unlink()
        going_on = {"Range": f"bytes={len(got)}-", "If-Range": answer.headers["etag"]}
        rest = sender.call(service, "GET", f"/batches/{sent}/scores", headers=going_on)
        assert rest.status_code == 206
        assert bytes(got) + rest.content == some.scores.read_bytes()
    assert_quiet(tmp_path)


def take_all(answer: httpx.Response, got: bytearray) -> None:
    """Take what comes, as far as it comes."""
    for piece in answer.iter_raw():
        got += piece


@pytest.mark.parametrize("moment", ["scoring", "joining"] if SOAK else ["joining"])
def test_a_batch_outlives_a_store_that_is_away(
    tmp_path: Path, some: People, store: Stored, gate: Gate, moment: str
) -> None:
    storage = {"data_dir": tmp_path / "data", **store.settings}
    first = SLOWLY if moment == "scoring" else SLOWLY + BEFORE_RESULTS
    with closing(Sender(storage)) as sender, ExitStack() as stack:
        service = stack.enter_context(serving(storage, tmp_path / "log", first=first))
        sent = sender.send(service, some.file)
        sender.wait(sent, is_begun, STARTS)
        if moment == "joining":
            wait_until((tmp_path / "joined").exists, seconds=60)
        gate.shut()
        sender.wait(sent, lambda row: row.reason is not None, 40)
        told = sender.call(service, "GET", f"/batches/{sent}").json()
        assert told["state"] == "running"
        assert "goes on by itself" in told["reason"]
        began = time.monotonic()
        assert_problem(sender.call(service, "GET", f"/batches/{sent}/scores"), 409)
        headers = {"Content-Type": "text/csv"}
        answer = sender.call(service, "POST", "/batches", content=b"runs\nno\n", headers=headers)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]
        assert_assesses(service)
        assert time.monotonic() - began < STARTS
        gate.open()
        row = sender.wait_done(sent, 90)
        assert (row.takes, row.reason) == (1, None)
        assert_same_stored(service, sender, sent, some, store)
    assert_quiet(tmp_path)


BEFORE_RESULTS = """
import os, pathlib, time
from api.batch.shared import SharedPlace
def wait_and_keep(self, target, keep=SharedPlace.keep_results):
    mark = pathlib.Path(os.environ["PSOAS_DATA_DIR"]).with_name("joined")
    if not mark.exists():
        mark.touch()
        time.sleep(2)
    return keep(self, target)
SharedPlace.keep_results = wait_and_keep
"""
"""Makes a process say that it is about to keep results, and wait a little."""


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="long: make soak")
def test_a_large_file_goes_through_the_store_in_parts(
    shared: Storage, tmp_path: Path, store: Stored
) -> None:
    people = make_people(tmp_path, 600_000)
    with closing(Sender(shared)) as sender, ExitStack() as stack:
        workers = [
            stack.enter_context(
                working(name_machine(shared, number), tmp_path / f"log-{number}", first=HASTY)
            )
            for number in (1, 2)
        ]
        service = stack.enter_context(serving(shared, tmp_path / "log", jobs=False))
        sent = sender.send(service, people.file)
        sender.wait(sent, is_begun, 120)
        _, killed = find_scoring(dict(enumerate(workers, 1)), shared)
        killed.kill()
        killed.wait()
        assert sender.wait_done(sent, 300).takes == 2
        assert_same_stored(service, sender, sent, people, store)
        assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
        assert store.list_keys() == []
        assert (
            store.count_begun() <= 4
        )  # of the one that was killed; the bucket's own rule ends them
    assert_quiet(tmp_path)
