"""Measure batch scoring: rows a second and memory, beside merely copying the file, a loop, and two other engines.

Whole processes are timed from outside, in turn, and the medians of the ratios within rounds are
what to quote. The other engines evaluate rows that lie in memory already, and so does our table
beside them, asked for the same results: they read no file, check no cell, and give no warnings or
rejects.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import polars as pl

from bench.generate import make_answers_frame, write_people
from bench.peers import result_names
from bench.people import make_request
from rules.assessment import Assessor, Sheet
from rules.loading import load_model
from rules.rows import PREFIX, RowScorer
from rules.table import TableScorer

ROUNDS = 5
LOOPED = 2_000
"""People that the loop over `assess` is timed with."""
EVALUATED = 1_000_000
"""People that the engines are timed with, all in memory."""
FEWER = {"zen": 100_000}
"""How many of them an engine gets that would take minutes."""
PSOAS = Path(sys.executable).with_name("psoas")
PEERS = Path(".venv-bench/bin/python")
"""Where the other engines are installed; `make bench-batch` does that."""
MEGABYTE = 1 << 20


class Measured(NamedTuple):
    """One run of a process."""

    seconds: float
    anonymous: int
    """The most memory of its own that it had, in bytes; files that are mapped do not count."""


def measure(words: Sequence[str | Path]) -> Measured:
    """Run a command to its end."""
    started = time.perf_counter()
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most = 0
    while run.poll() is None:
        most = max(most, _anonymous(run.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    if run.returncode:
        raise RuntimeError(run.stderr.read().decode() if run.stderr else "")
    return Measured(seconds, most)


def _anonymous(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return int(found[0]) * 1024 if found else 0


def compare(folder: Path, kind: str, rows: int, rounds: int) -> None:
    """Score a file of one kind, and merely copy it, in turn."""
    source, target = folder / f"people.{kind}", folder / "out.parquet"
    write_people(source, rows, kind)  # type: ignore[arg-type]
    copying: list[str | Path] = [sys.executable, "-m", "bench.merely", source, target]
    commands: dict[str, list[str | Path]] = {
        "psoas score": [PSOAS, "score", source, target, "--force"],
        "(a) merely read and written": [*copying, "typed"],
    }
    if kind == "csv":
        commands["(a) the same, every cell kept as text"] = [*copying, "text"]
    for words in commands.values():
        measure(words)
    done = [{name: measure(words) for name, words in commands.items()} for _ in range(rounds)]
    print(f"\n{rows:,} rows of {kind} ({source.stat().st_size / MEGABYTE:,.0f} MiB) to Parquet")
    for name in commands:
        seconds = median(one[name].seconds for one in done)
        memory = max(one[name].anonymous for one in done) / MEGABYTE
        ratios = [one[name].seconds / one["psoas score"].seconds for one in done]
        print(
            f"  {name:40} {rows / seconds:9,.0f} rows/s {memory:6,.0f} MiB; psoas score does "
            f"{median(ratios):.2f} of it ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    source.unlink()


def compare_engines(folder: Path) -> None:
    """Evaluate people that lie in memory, with every engine asked for the same results."""
    people = make_answers_frame(EVALUATED)
    loop = _time_loop()
    for words in ([], ["--whole"]):
        ours = _time_table(people, result_names(load_model(), whole=bool(words)))
        rates = {"our table": ours, "(b) a loop over assess, everything": loop}
        for name, module in (("(c) GoRules ZEN", "zen"), ("(d) OpenFisca", "openfisca")):
            path = folder / f"{module}.parquet"
            people.head(FEWER.get(module, EVALUATED)).write_parquet(path)
            rates[name] = _time_peer([PEERS, "-m", f"bench.peers_{module}", path, *words])
        asked = "all results but the warnings" if words else "the six scores alone"
        print(f"\n{EVALUATED:,} people in memory, asked for {asked}")
        for name, rate in rates.items():
            print(f"  {name:40} {rate:11,.0f} rows/s; our table does {ours / rate:8.2f} of it")


def _time_table(people: pl.DataFrame, names: Sequence[str]) -> float:
    plan = TableScorer(RowScorer(load_model())).plan(people.columns)
    wanted = [PREFIX + name for name in names]

    def evaluate() -> float:
        started = time.perf_counter()
        plan.score(people.lazy()).select(wanted).collect(engine="streaming")
        return people.height / (time.perf_counter() - started)

    return median(evaluate() for _ in range(7))


def _time_peer(words: Sequence[str | Path]) -> float:
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    return float(said["rows"] / said["seconds"])


def _time_loop() -> float:
    model, rng = load_model(), random.Random(1)  # noqa: S311
    assessor = Assessor(model)
    sheets = [Sheet(**make_request(model, rng)) for _ in range(LOOPED)]
    started = time.perf_counter()
    for sheet in sheets:
        assessor.assess(sheet)
    return LOOPED / (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", default=["csv", "ndjson", "parquet"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, help="where files of several gigabytes have room")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="psoas-", dir=wanted.folder) as name:
        folder = Path(name)
        os.environ["PYTHONPATH"] = os.getcwd()  # noqa: PTH109
        compare_engines(folder)
        for kind in wanted.kinds:
            for rows in wanted.rows:
                compare(folder, kind, rows, wanted.rounds)


if __name__ == "__main__":
    main()
