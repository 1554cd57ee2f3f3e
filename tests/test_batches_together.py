"""Batches that end their process, run beside others, or are gone on with by other rules: each for itself."""

import shutil
import signal
import time
from contextlib import closing
from pathlib import Path

from batches import RULES, read_csv
from sending import (
    SLOWLY,
    STARTS,
    People,
    Sender,
    assert_problem,
    assert_same,
    get_when_made,
    holds,
    is_begun,
    list_spool,
    wait_until,
)
from serving import serving, working

from api.batch.job import MOST_FRUITLESS
from api.batch.running import Order, score_file
from rules.loading import PACKAGED_MODEL, load_model

pytest_plugins = ["sent_people"]
HASTY = """
from functools import partialmethod
from api.batch.runner import Pace, Runner
Runner.__init__ = partialmethod(Runner.__init__, pace=Pace(silence=1.0))
"""
"""Makes a process take up soon what another one left without a word."""
POISONED = f"""{HASTY}
import os, signal
from api.batch.segments import Segments
def end_or_score(self, *given, score=Segments.score_next):
    if os.environ["PSOAS_POISON"] in str(self._folder):
        os.kill(os.getpid(), signal.SIGKILL)
    return score(self, *given)
Segments.score_next = end_or_score
"""
"""Makes a process end as soon as it scores one batch."""
ENDING = """
import os, signal
from api.batch.spool import Spool
Spool.clear = lambda self, id: os.kill(os.getpid(), signal.SIGKILL)
"""
"""Makes a process end when a batch is done, before it tidies up."""


# Files that end the process


def test_a_file_that_ends_the_process_each_time_is_given_up(tmp_path: Path, few: People) -> None:
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    with closing(Sender(storage)) as sender, serving(storage, log, jobs=False) as service:
        poison = sender.send(service, few.file)
        ended = 0
        while sender.look(poison).state != "failed":
            with working(storage, log, first=POISONED, poison=poison) as worker:
                wait_until(
                    lambda: worker.poll() is not None or is_over(sender, poison), seconds=STARTS
                )
                ended += worker.poll() == -signal.SIGKILL
            assert ended <= MOST_FRUITLESS
        assert ended == MOST_FRUITLESS
        told = sender.call(service, "GET", f"/batches/{poison}").json()
        assert f"begun {MOST_FRUITLESS} times" in told["reason"]
        assert_problem(
            sender.call(service, "GET", f"/batches/{poison}/scores"), 409, told["reason"]
        )
        with working(storage, log, first=HASTY):
            sent = sender.send(service, few.file)
            assert sender.wait_done(sent).takes == 1
            assert_same(service, sender, sent, few)
        assert sender.look(poison).state == "failed"


def test_what_is_scored_beside_such_a_file_is_done_all_the_same(
    tmp_path: Path, some: People, few: People
) -> None:
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    with closing(Sender(storage)) as sender, serving(storage, log, jobs=False) as service:
        sent, poison = sender.send(service, some.file), sender.send(service, few.file)
        for _ in range(2 * MOST_FRUITLESS + 2):
            with working(storage, log, first=SLOWLY + POISONED, poison=poison) as worker:
                wait_until(
                    lambda: worker.poll() is not None or is_over(sender, sent, poison),
                    seconds=STARTS,
                )
            if is_over(sender, sent, poison):
                break
        assert sender.look(poison).state == "failed"
        assert sender.look(sent).state == "done"


def is_over(sender: Sender, *sent: str) -> bool:
    """Whether batches are finished."""
    return all(sender.look(one).state in {"done", "failed"} for one in sent)


def test_nothing_is_left_over_where_a_process_ends_just_when_a_batch_is_done(
    tmp_path: Path, few: People
) -> None:
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    with closing(Sender(storage)) as sender:
        with serving(storage, log, first=ENDING) as service:
            sent = sender.send(service, few.file)
            assert service.process.wait(30) == -signal.SIGKILL
        assert sender.look(sent).state == "done"
        with serving(storage, log) as service:
            assert_same(service, sender, sent, few)


# One beside the other


def test_a_small_batch_need_not_wait_for_the_end_of_a_large_one(
    tmp_path: Path, some: People, few: People
) -> None:
    with (
        closing(Sender({"data_dir": tmp_path / "data"})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        large = sender.send(service, some.file)
        sender.wait(large, is_begun, 30)
        small = sender.send(service, few.file)
        sender.wait_done(small)
        assert sender.look(large).state == "running"
        sender.wait_done(large)
        assert_same(service, sender, small, few)
        assert_same(service, sender, large, some)


def test_a_batch_that_is_erased_while_it_is_scored_is_gone(
    tmp_path: Path, some: People, few: People
) -> None:
    with (
        closing(Sender({"data_dir": tmp_path / "data"})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        sent = sender.send(service, some.file)
        sender.wait(sent, is_begun, 30)
        assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
        assert list_spool(sender) == []
        assert_problem(sender.call(service, "GET", f"/batches/{sent}"), 404)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert list_spool(sender) == []
            time.sleep(0.01)
        assert not holds(service.process.pid, sender.folder(""))
        following = sender.send(service, few.file)
        sender.wait_done(following)
        assert_same(service, sender, following, few)
        assert list_spool(sender) == [following]
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert "batch failed" not in said


# The rules change


def test_a_batch_is_scored_wholly_by_the_rules_of_today(
    tmp_path: Path, some: People, few: People
) -> None:
    storage, log, folder = {"data_dir": tmp_path / "data"}, tmp_path / "log", tmp_path / "psoas"
    change_rules(folder)
    expected = score_by(folder, some, tmp_path)
    with closing(Sender(storage)) as sender:
        with serving(storage, log, first=SLOWLY + HASTY) as service:
            finished = sender.send(service, few.file)
            sender.wait_done(finished)
            sent = sender.send(service, some.file)
            sender.wait(sent, is_begun, 30)
            service.kill()
        with serving(storage, log, first=HASTY, model_dir=folder) as service:
            assert sender.wait_done(sent).model_version == "2026.2"
            scores = sender.call(service, "GET", f"/batches/{sent}/scores").content
            assert scores == expected.scores.read_bytes()
            versions = {row["psoas_model_version"] for row in read_csv(expected.scores)}
            assert versions == {"2026.2"}
            assert scores != some.scores.read_bytes()
            assert_same(service, sender, finished, few)
            answer = sender.call(service, "GET", f"/batches/{finished}/scores?format=parquet")
            assert_problem(answer, 409, "rules have changed")
            answer = get_when_made(service, sender, f"/batches/{sent}/scores?format=parquet")
            assert answer.status_code == 200
            sender.folder(sent).joinpath("scores.parquet").unlink()
            sender.folder(sent).joinpath("rejects.parquet").unlink()
            assert_same(service, sender, sent, expected)
    assert "Traceback" not in log.read_text()


def change_rules(folder: Path) -> None:
    """Other rules: a number is another one, and so is the version."""
    shutil.copytree(PACKAGED_MODEL, folder)
    model = folder / "model.toml"
    text = model.read_text("utf-8").replace('version = "2026.1"', 'version = "2026.2"')
    model.write_text(text.replace("margin_below_floor = 25", "margin_below_floor = 15"), "utf-8")


def score_by(rules: Path, people: People, folder: Path) -> People:
    """The same people, scored by other rules."""
    scores, rejects = folder / "scores.csv", folder / "rejects.csv"
    known = type(RULES).of(load_model(rules))
    score_file(known, Order(people.file, scores, rejects=rejects))
    return people._replace(scores=scores, rejects=rejects)
