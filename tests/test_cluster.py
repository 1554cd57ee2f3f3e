"""Many files scored as one: by one process, and by workers of which one is killed, to the very same bytes."""

import fcntl
import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from batches import RULES
from clusters import (
    CANARY,
    PSOAS,
    Scheduler,
    read_folder,
    scheduling,
    score_folder,
    wait_until,
    write_partitions,
)
from conftest import SOAK

from api.batch.chunks import FileRefused
from api.batch.running import Order, score_file
from api.batch.whole import name_part
from api.cluster.orders import DatasetOrder, Partition, Task, own_rules, stamp_rules
from api.cluster.partitions import find_dataset
from api.cluster.tasks import score_partition

PARTITIONS, ROWS = 8, 30_000
DRAWN = 3_000
"""Rows of a partition that are different people."""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of partitions."""
    folder = tmp_path_factory.mktemp("cluster") / "people"
    write_partitions(folder, PARTITIONS, DRAWN, times=ROWS // DRAWN)
    return folder


@pytest.fixture(scope="module")
def alone(people: Path) -> Path:
    """What one process makes of it."""
    target = people.with_name("alone")
    score_folder(people, target)
    return target


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    """A scheduler with two workers."""
    with scheduling(tmp_path_factory.mktemp("dask") / "two", 2) as one:
        yield one


def command(*words: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([PSOAS, "score", *words], stderr=subprocess.PIPE, text=True)


def test_each_partition_is_what_a_run_over_that_file_makes_of_it(
    people: Path, alone: Path, tmp_path: Path
) -> None:
    whole = json.loads((alone / "summary.json").read_text())
    for one in whole["partitions"]:
        order = Order(people / one["name"], tmp_path / one["name"], may_replace=True)
        summary = score_file(RULES, order)
        assert summary[:3] == (one["rows"], one["scored"], one["rejected"])
        made = (alone / "scores" / one["name"]).read_bytes()
        assert made == (tmp_path / one["name"]).read_bytes()
        rejects = tmp_path / one["name"].replace(".parquet", ".rejects.parquet")
        assert (alone / "rejects" / one["name"]).read_bytes() == rejects.read_bytes()
    assert whole["rows"] == sum(one["rows"] for one in whole["partitions"])
    assert whole["rows"] == whole["scored"] + whole["rejected"]
    assert whole["rejected"] == whole["problems"]["sitting_hours_per_day: out_of_range"]
    numbers = pl.read_parquet(alone / "scores/*.parquet", columns=["psoas_row"]).to_series()
    assert numbers.max() == ROWS


def test_a_worker_is_killed_in_the_middle_and_the_bytes_are_the_same(
    people: Path, alone: Path, tmp_path: Path, scheduler: Scheduler
) -> None:
    kill_one(people, alone, tmp_path / "out", scheduler, PARTITIONS * ROWS)


@pytest.mark.skipif(not SOAK, reason="20 million rows: run by make soak")
@pytest.mark.soak
def test_one_of_two_workers_is_killed_among_twenty_million_rows(tmp_path: Path) -> None:
    write_partitions(tmp_path / "in", 100, 2_000, times=100)
    score_folder(tmp_path / "in", tmp_path / "alone")
    with scheduling(tmp_path / "one", 1) as scheduler:
        kill_one(tmp_path / "in", tmp_path / "alone", tmp_path / "out", scheduler, 20_000_000)


def kill_one(source: Path, alone: Path, target: Path, scheduler: Scheduler, rows: int) -> None:
    """Score a folder by one worker more, which is killed in the middle, and compare."""
    doomed = scheduler.start_worker()
    with holding_last(source, target):
        run = command(source, target, "--scheduler", scheduler.address, "--force")
        wait_for_counts(run, target, 2)
        doomed.kill()
        doomed.wait(30)
    _, said = run.communicate(timeout=3000 if SOAK else 60)
    assert run.returncode == 0, said
    assert f"{rows:,} rows in" in said
    assert read_folder(target) == read_folder(alone)
    assert "Remove worker" in scheduler.read_logs()


@contextmanager
def holding_last(source: Path, target: Path) -> Iterator[None]:
    """See that a run does not end meanwhile: its last partition waits for another process."""
    path = target / "scores" / max(path.name for path in source.iterdir())
    path.parent.mkdir(parents=True)
    with name_part(path).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_for_counts(run: "subprocess.Popen[str]", target: Path, wanted: int) -> None:
    """Wait until so many partitions are done."""
    counts = target / "counts"

    def is_so() -> bool:
        return run.poll() is not None or len(list(counts.glob("part-*.json"))) >= wanted

    wait_until(is_so)
    assert run.poll() is None, run.communicate()


def test_nothing_that_was_answered_passes_the_scheduler(
    people: Path, alone: Path, scheduler: Scheduler, tmp_path: Path
) -> None:
    score_folder(people / "part-0[01].parquet", tmp_path / "out", scheduler=scheduler.address)
    assert CANARY.encode() in (tmp_path / "out/scores/part-00.parquet").read_bytes()
    assert CANARY not in scheduler.read_logs()
    for name, content in read_folder(alone).items():
        if not name.startswith(("scores/", "rejects/")):
            assert CANARY.encode() not in content
    task = make_task(people, tmp_path / "again")
    assert CANARY.encode() not in pickle.dumps([task, score_partition(task)])


def make_task(source: Path, target: Path) -> Task:
    """The task for the first partition of a folder."""
    order = DatasetOrder(str(source), str(target), f"{target}/rejects")
    partition: Partition = find_dataset(str(source), None, None).partitions[0]
    return Task(order, partition, stamp_rules(own_rules().model))


def test_what_goes_wrong_on_a_worker_is_told_in_our_words_only(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("api.cluster.tasks.score_file", fail)
    outcome = score_partition(make_task(people, tmp_path / "out"))
    assert outcome.fault == "It failed (ValueError)."
    assert CANARY.encode() not in pickle.dumps(outcome)


def test_a_damaged_partition_is_named_and_the_others_are_kept_and_gone_on_from(
    people: Path, tmp_path: Path, scheduler: Scheduler
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("part-00", "part-01", "part-02"):
        (source / f"{name}.parquet").write_bytes((people / f"{name}.parquet").read_bytes())
    good = (source / "part-01.parquet").read_bytes()
    (source / "part-01.parquet").write_bytes(good[:4000] + bytes(20_000) + good[24_000:])
    with pytest.raises(FileRefused) as refused:
        score_folder(source, target, scheduler=scheduler.address)
    told = str(refused.value)
    assert told.startswith("1 of 3 partitions could not be scored.")
    assert "\n  part-01.parquet: " in told
    assert CANARY not in told + scheduler.read_logs()
    assert not (target / "summary.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in (target / "scores").iterdir()}
    assert sorted(path.name for path in kept) == ["part-00.parquet", "part-02.parquet"]
    (source / "part-01.parquet").write_bytes(good)
    score_folder(source, target)
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    score_folder(source, tmp_path / "afresh")
    assert read_folder(target) == read_folder(tmp_path / "afresh")


def test_a_worker_with_other_rules_may_not_take_part(
    people: Path, tmp_path: Path, scheduler: Scheduler
) -> None:
    other = copy_model(tmp_path / "model")
    worker = scheduler.start_worker(PSOAS_MODEL_DIR=str(other))
    try:
        with pytest.raises(FileRefused, match="A worker has other rules") as refused:
            score_folder(people, tmp_path / "out", scheduler=scheduler.address)
        assert "model 2000.1 where" in str(refused.value)
    finally:
        worker.terminate()
        worker.wait(30)
    assert not (tmp_path / "out/scores").exists()


def copy_model(folder: Path) -> Path:
    """The model under another version."""
    packaged = Path(sys.modules["rules"].__path__[0]) / "psoas"
    for path in packaged.rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(packaged)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    about = folder / "model.toml"
    about.write_text(about.read_text().replace(RULES.model.version, "2000.1"))
    return folder


def test_a_worker_that_comes_later_is_looked_at_too(people: Path, tmp_path: Path) -> None:
    task = make_task(people, tmp_path / "out")
    outcome = score_partition(task._replace(stamp=task.stamp._replace(digest="sha256:other")))
    assert outcome.other_rules == task.stamp
    assert outcome.counts is None
    assert not (tmp_path / "out").exists()


def test_an_end_by_the_keyboard_and_processes_of_this_machine_that_go_on(
    people: Path, alone: Path, tmp_path: Path, scheduler: Scheduler
) -> None:
    target = tmp_path / "out"
    with holding_last(people, target):
        run = command(people, target, "--scheduler", scheduler.address, "--force")
        wait_for_counts(run, target, 1)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Stopped. What is done is kept" in said
    assert "Traceback" not in said
    assert not (target / "summary.json").exists()
    again = command(people, target, "--processes", "2", "--fail-on-rejects")
    _, said = again.communicate(timeout=3000 if SOAK else 60)
    assert again.returncode == 3, said
    assert read_folder(target) == read_folder(alone)


def test_a_scheduler_that_goes_is_told(people: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with scheduling(tmp_path / "dask", 1) as scheduler, holding_last(people, target):
        run = command(people, target, "--scheduler", scheduler.address, "--force")
        wait_for_counts(run, target, 1)
        scheduler.process.kill()
        _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert said.endswith(
        "The scheduler has gone. What is done is kept; the same command goes on from there.\n"
    )
    assert "Traceback" not in said


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_a_scheduler_that_is_not_there_is_told(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("api.cluster.workers.CONNECT_SECONDS", 0.5)
    with pytest.raises(FileRefused, match="no scheduler answers there"):
        score_folder(people, tmp_path / "out", scheduler=address)
    assert not (tmp_path / "out").exists()


def test_without_dask_it_is_said_how_to_get_it(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(FileRefused, match="make cluster"):
        score_folder(people, tmp_path / "out", processes=2)
    assert not (tmp_path / "out").exists()
