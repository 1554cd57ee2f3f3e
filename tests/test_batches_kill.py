"""Processes that end while they score a batch, whether killed or asked to: another goes on, to the same bytes."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from conftest import SOAK
from postgres import new_database
from sending import People, Sender, Storage, assert_same, holds, make_people, migrated
from serving import serving, working

pytest_plugins = ["sent_people"]
ROWS = 500_000 if SOAK else 300_000
KINDS = ["sqlite", "postgresql"]
MOMENTS = {
    "parts-*/.000001.scores.csv.part": 1.0,
    "parts-*/000001.counts.json": 0.3,
    "rejects.csv": 0.0,
    "parts-*": 1.5,
    "scores.csv": 0.0,
    "summary.json": 0.0,
}
"""Files of a run behind whose appearance a process may be killed, and seconds in which that happens by chance."""
AT_ONCE = 6.0
"""Seconds within which a batch that was left is taken up again, far less than it takes where nobody left it."""
LEAVES = 15.0
"""Seconds within which a process that is asked to ends."""


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return make_people(tmp_path_factory.mktemp("people"), ROWS)


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Settings for a database of each kind, with the tables of the queue."""
    if request.param == "sqlite":
        yield {"data_dir": tmp_path / "data"}
        return
    with new_database(request.getfixturevalue("postgres")) as address:
        yield migrated({"data_dir": tmp_path / "data", "database_url": address})


def wait_for(sender: Sender, id: str, pattern: str, takes: int = 1) -> None:
    """Wait until a batch was taken up so often, and until there is such a file of it."""
    sender.wait(id, lambda row: row.takes >= takes, 40)
    end = time.monotonic() + 40
    while not any(sender.folder(id).glob(pattern)):
        assert time.monotonic() < end
        time.sleep(0.001)


def find_scoring(workers: list[subprocess.Popen[bytes]], folder: Path) -> subprocess.Popen[bytes]:
    """The one worker that has files of a batch open."""
    while True:
        found = [worker for worker in workers if holds(worker.pid, folder)]
        if found:
            (one,) = found
            return one


def choose_moment(seed: int) -> tuple[str, float]:
    chance = random.Random(seed)  # noqa: S311  # the same moments every time
    pattern, most = list(MOMENTS.items())[seed % len(MOMENTS)]
    return pattern, chance.uniform(0, most)


# Killed


@pytest.mark.parametrize("seed", range(10 if SOAK else 1))
def test_a_service_that_is_killed_goes_on_by_itself_once_it_is_started_again(
    tmp_path: Path, people: People, seed: int
) -> None:
    """In `make soak` one of them is killed twice."""
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    pattern, seconds = choose_moment(seed)
    kills = 2 if seed == 1 else 1
    with closing(Sender(storage)) as sender:
        for turn in range(1, kills + 1):
            with serving(storage, log) as service:
                if turn == 1:
                    sent = sender.send(service, people.file)
                wait_for(sender, sent, pattern, takes=turn)
                time.sleep(seconds)
                service.kill()
        was_done = sender.look(sent).state == "done"
        assert not was_done or pattern == "summary.json"
        with serving(storage, log) as service:
            row = sender.wait_done(sent)
            assert row.takes == kills + (not was_done)
            assert_same(service, sender, sent, people)
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("seed", range(5 if SOAK else 1))
def test_a_worker_that_is_killed_leaves_its_batch_to_another(
    postgres: str, tmp_path: Path, people: People, seed: int
) -> None:
    pattern, seconds = choose_moment(seed)
    with new_database(postgres) as address, ExitStack() as stack:
        storage = migrated({"data_dir": tmp_path / "data", "database_url": address})
        sender = stack.enter_context(closing(Sender(storage)))
        workers = [stack.enter_context(working(storage, tmp_path / f"log-{n}")) for n in range(3)]
        service = stack.enter_context(serving(storage, tmp_path / "log", jobs=False))
        sent = sender.send(service, people.file)
        wait_for(sender, sent, pattern)
        time.sleep(seconds)
        killed = find_scoring(workers, sender.folder(sent))
        killed.kill()
        killed.wait()
        assert sender.look(sent).state == "running"
        workers.remove(killed)
        wait_for(sender, sent, "parts-*", takes=2)
        row = sender.wait_done(sent)
        assert row.takes in {2, 3}  # both of the others may notice at the same moment
        assert_same(service, sender, sent, people)
        assert [worker.poll() for worker in workers] == [None, None]
    assert not any("Traceback" in log.read_text() for log in tmp_path.glob("log*"))


# Asked to end


@pytest.mark.parametrize(
    ("storage", "sign"),
    [("sqlite", signal.SIGTERM), ("sqlite", signal.SIGINT), ("postgresql", signal.SIGTERM)],
    indirect=["storage"],
)
def test_a_service_that_ends_leaves_its_batch_to_the_next_one_at_once(
    storage: Storage, tmp_path: Path, people: People, sign: signal.Signals
) -> None:
    log = tmp_path / "log"
    with closing(Sender(storage)) as sender:
        with serving(storage, log) as service:
            sent = sender.send(service, people.file)
            wait_for(sender, sent, "parts-*/.000001.scores.csv.part")
            os.killpg(service.process.pid, sign)  # as a terminal does
            service.process.wait(LEAVES)
        left = sender.look(sent)
        assert (left.state, left.takes, left.fruitless) == ("running", 1, 0)
        with serving(storage, log) as service:
            sender.wait(sent, lambda row: row.takes > 1, AT_ONCE)
            assert sender.wait_done(sent).takes == 2
            assert_same(service, sender, sent, people)
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
def test_a_worker_that_ends_leaves_its_batch_to_another_at_once(
    storage: Storage, tmp_path: Path, people: People
) -> None:
    with closing(Sender(storage)) as sender, ExitStack() as stack:
        workers = [stack.enter_context(working(storage, tmp_path / f"log-{n}")) for n in range(2)]
        service = stack.enter_context(serving(storage, tmp_path / "log", jobs=False))
        sent = sender.send(service, people.file)
        wait_for(sender, sent, "parts-*/.000001.scores.csv.part")
        ending = find_scoring(workers, sender.folder(sent))
        ending.terminate()
        assert ending.wait(LEAVES) == 0
        sender.wait(sent, lambda row: row.takes > 1, AT_ONCE)
        assert sender.wait_done(sent).takes == 2
        assert_same(service, sender, sent, people)
    assert not any("Traceback" in log.read_text() for log in tmp_path.glob("log*"))


def test_the_segment_that_is_under_way_is_kept_when_a_service_ends(
    tmp_path: Path, people: People
) -> None:
    storage = {"data_dir": tmp_path / "data"}
    with closing(Sender(storage)) as sender:
        with serving(storage, tmp_path / "log") as service:
            sent = sender.send(service, people.file)
            wait_for(sender, sent, "parts-*/.000001.scores.csv.part")
            service.process.terminate()
            service.process.wait(LEAVES)
        assert any(sender.folder(sent).glob("parts-*/000001.counts.json"))
        assert sender.look(sent).rows_done > 0


# Nobody there at first


@pytest.mark.parametrize("storage", KINDS if SOAK else ["sqlite"], indirect=True)
def test_a_worker_scores_what_waits_while_no_service_is_there(
    storage: Storage, tmp_path: Path, people: People
) -> None:
    log = tmp_path / "log"
    with closing(Sender(storage)) as sender:
        with serving(storage, log, jobs=False) as service:
            sent = sender.send(service, people.file)
        assert sender.look(sent).state == "waiting"
        with working(storage, log):
            assert sender.wait_done(sent).takes == 1
        with serving(storage, log, jobs=False) as service:
            assert_same(service, sender, sent, people)
    assert "Traceback" not in log.read_text()
