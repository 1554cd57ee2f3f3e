"""Ways for tests to score on several processes: a scheduler, its workers, and folders compared."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
import waiting
from crowd import make_crowd, put_crowd, write_frame

from api.batch.tally import Summary
from api.cluster.orders import DatasetOrder
from api.score_command import score_many

DASK, PSOAS = (Path(sys.executable).with_name(name) for name in ("dask", "psoas"))
LOOPBACK = "127.0.0.1:0"
CANARY = "canary-in-a-cell"
"""Stands in a cell of every row; nothing but files may ever hold it."""
ENOUGH = 30.0


class Scheduler(NamedTuple):
    """A scheduler on a port of its own; everything that it and its workers say is kept."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]
    stack: ExitStack

    def start_worker(self, **variables: str) -> subprocess.Popen[bytes]:
        """One more worker process, of one thread."""
        number = len(list(self.folder.glob("worker-*.log")))
        words: list[str | Path] = [DASK, "worker", self.address, "--nthreads", "1", "--no-nanny"]
        words += ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", LOOPBACK]
        words += ["--local-directory", self.folder / "scratch"]
        log = self.folder / f"worker-{number}.log"
        run = self.stack.enter_context(running(words, log, POLARS_MAX_THREADS="1", **variables))
        wait_until(lambda: "Registered to" in log.read_text())
        return run

    def read_logs(self) -> str:
        """Everything that was said."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@contextmanager
def scheduling(folder: Path, workers: int) -> Iterator[Scheduler]:
    """A scheduler with so many workers."""
    if not DASK.exists():
        pytest.skip("Dask is not installed: make cluster installs it")
    folder.mkdir()
    note = folder / "scheduler.json"
    words: list[str | Path] = [DASK, "scheduler", "--host", "127.0.0.1", "--port", "0"]
    words += ["--no-dashboard", "--dashboard-address", LOOPBACK, "--scheduler-file", note]
    with ExitStack() as stack:
        run = stack.enter_context(running(words, folder / "scheduler.log"))
        wait_until(lambda: note.exists() and note.read_text().endswith("}"))
        one = Scheduler(json.loads(note.read_text())["address"], folder, run, stack)
        for _ in range(workers):
            one.start_worker()
        yield one


@contextmanager
def running(
    words: list[str | Path], log: Path, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the test."""
    with log.open("wb") as file:
        run = subprocess.Popen(words, stdout=file, stderr=file, env={**os.environ, **variables})
    try:
        yield run
    finally:
        run.terminate()
        run.wait(ENOUGH)


wait_until = partial(waiting.wait_until, seconds=ENOUGH)
"""Waits until something is so."""


def write_partitions(folder: Path, partitions: int, rows: int, times: int = 1) -> None:
    """Partitions of different people, each with a canary and a few rows to be rejected."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(partitions):
        people = put_crowd(make_crowd(rows, seed=number))
        bad = pl.int_range(pl.len()) % 97 == number
        hours = pl.when(bad).then(99.0).otherwise(pl.col("sitting_hours_per_day"))
        people = people.with_columns(note=pl.lit(CANARY), sitting_hours_per_day=hours)
        people = pl.concat([people] * times)
        path = folder / f"part-{number:02d}.parquet"
        write_frame(people, path)


def score_folder(source: Path | str, target: Path | str, **options: Any) -> Summary:
    """Score many files, by this process unless a scheduler or processes are named."""
    scheduler, processes = options.pop("scheduler", None), options.pop("processes", 0)
    may_replace = options.pop("may_replace", False)
    rejects = options.pop("rejects", f"{target}/rejects")
    order = DatasetOrder(str(source), str(target), str(rejects), **options)
    return score_many(order, scheduler, processes, may_replace=may_replace)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
