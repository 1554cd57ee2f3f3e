"""Measure many files scored by two workers: beside two plain processes on the same cores, and what a partition costs.

The plain processes run the same kernel over the same partitions, half each, and know nothing of Dask.
Both sides are up and warm before the time is taken. The cost of a partition is the slope of the time
over the number of partitions that the same rows lie in.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression, median

import polars as pl

from api.batch.running import Order, score_file
from api.cluster.datasets import Machines, OneMachine, Run, score_dataset
from api.cluster.orders import DatasetOrder, own_rules, stamp_rules
from api.cluster.partitions import find_dataset
from api.cluster.workers import ENGINE_THREADS, open_workers
from bench.generate import write_people

PROCESSES = 2
ROWS, PARTITIONS, ROUNDS = 500_000, 16, 7
SPLIT_ROWS, SPLITS = 256_000, (4, 32, 128, 256)
"""Rows whose partitions become more and more, and how many they become."""


def score_plainly() -> None:
    """Score files as they are named on standard input, many a line, and say when each line is done."""
    rules = own_rules()
    for line in sys.stdin:
        files, target = json.loads(line)
        for file in map(Path, files):
            score_file(rules, Order(file, Path(target) / file.name, may_replace=True))
        print("done", flush=True)


class Plain:
    """Plain processes that wait for files to score."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "bench.cluster", "--plain"]
        self._runs = [
            subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **ENGINE_THREADS},
            )
            for _ in range(PROCESSES)
        ]

    def score(self, source: Path, target: Path) -> None:
        """Score a folder, each process every other file."""
        target.mkdir()
        files = sorted(str(path) for path in source.iterdir())
        for number, run in enumerate(self._runs):
            assert run.stdin
            run.stdin.write(json.dumps([files[number::PROCESSES], str(target)]) + "\n")
            run.stdin.flush()
        for run in self._runs:
            assert run.stdout
            assert run.stdout.readline() == "done\n"

    def close(self) -> None:
        """End them."""
        for run in self._runs:
            run.communicate()


def score_by(machines: Machines, source: Path, target: Path) -> None:
    """Score a folder as the command does."""
    order = DatasetOrder(str(source), str(target), f"{target}/rejects")
    score_dataset(Run(own_rules(), order, find_dataset(str(source), None, None)), machines)


@contextmanager
def opening() -> Iterator[dict[str, Callable[[Path, Path], None]]]:
    """What is compared, up and running."""
    plain = Plain()
    try:
        with open_workers(None, PROCESSES, stamp_rules(own_rules().model)) as workers:
            yield {
                "two workers": lambda source, target: score_by(workers, source, target),
                "two plain processes": plain.score,
                "this process alone": lambda source, target: score_by(OneMachine(), source, target),
            }
    finally:
        plain.close()


def time_all(
    ways: dict[str, Callable[[Path, Path], None]], source: Path, rounds: int
) -> dict[str, list[float]]:
    """Seconds for a folder by each way, in turn."""
    target = source.with_name("out")
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in sorted(ways, reverse=bool(number % 2)):
            shutil.rmtree(target, ignore_errors=True)
            started = time.perf_counter()
            ways[name](source, target)
            if number:  # the first round warms up
                taken[name].append(time.perf_counter() - started)
    shutil.rmtree(target)
    return taken


def split(people: pl.DataFrame, folder: Path, parts: int) -> None:
    """The same rows in so many partitions."""
    folder.mkdir()
    size = people.height // parts
    for number in range(parts):
        people[number * size : (number + 1) * size].write_parquet(
            folder / f"part-{number:04d}.parquet"
        )


def tell_cost(folder: Path, rounds: int, splits: Sequence[int]) -> None:
    """What a partition costs beside its rows."""
    write_people(folder / "people.parquet", SPLIT_ROWS, "parquet")
    people = pl.read_parquet(folder / "people.parquet")
    taken: dict[str, list[float]] = {}
    with opening() as ways:
        for parts in splits:
            source = folder / f"split-{parts}"
            split(people, source, parts)
            for name, seconds in time_all(ways, source, rounds).items():
                taken.setdefault(name, []).append(median(seconds))
    print(f"\n{SPLIT_ROWS:,} rows in {', '.join(map(str, splits))} partitions")
    for name, seconds in taken.items():
        slope = linear_regression(splits, seconds).slope
        processes = 1 if "alone" in name else PROCESSES
        told = ", ".join(f"{one:.2f}" for one in seconds)
        print(
            f"  {name:20} {told} s: {slope * 1000:5.1f} ms more a partition, "
            f"{slope * processes * 1000:5.1f} ms of a process"
        )


def tell_rates(folder: Path, rows: int, partitions: int, rounds: int) -> None:
    """Rows a second of each way, and what the workers do of it."""
    source = folder / "people"
    source.mkdir()
    for number in range(partitions):
        write_people(source / f"part-{number:04d}.parquet", rows, "parquet", seed=number)
    with opening() as ways:
        taken = time_all(ways, source, rounds)
    print(f"{partitions} partitions of {rows:,} rows of Parquet to Parquet")
    for name, seconds in taken.items():
        ratios = [one / ours for one, ours in zip(seconds, taken["two workers"], strict=True)]
        print(
            f"  {name:20} {rows * partitions / median(seconds):9,.0f} rows/s; two workers do "
            f"{median(ratios):.2f} of it ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain", action="store_true", help="be one of the plain processes")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of a partition")
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--splits", type=int, nargs="+", default=SPLITS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, help="where files of several gigabytes have room")
    wanted = parser.parse_args()
    if wanted.plain:
        score_plainly()
        return
    with tempfile.TemporaryDirectory(prefix="psoas-bench-", dir=wanted.folder) as name:
        tell_rates(Path(name), wanted.rows, wanted.partitions, wanted.rounds)
        tell_cost(Path(name), wanted.rounds, wanted.splits)


if __name__ == "__main__":
    main()
