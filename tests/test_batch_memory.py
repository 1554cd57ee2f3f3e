"""Memory stays flat however many rows there are: twice the rows, the same peak, for every kind of file of any size."""

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from threading import Thread
from typing import IO

import polars as pl
import pytest
from conftest import SOAK
from crowd import make_crowd, put_crowd
from polars.io.plugins import register_io_source

GIBIBYTE = 1 << 30
ROWS = 10_000_000 if SOAK else 150_000
BLOCK = None if SOAK else 1 << 20
"""Bytes that are read at a time; less than usual where there are fewer rows than usual."""
WIDTH = {"csv": None, "ndjson": 10, "parquet": None}
"""So many columns, or all of them: JSON lines repeat every name in every row."""
SCORE = """
import sys
from pathlib import Path
from api.batch import columnar, delimited, json_lines
from api.batch.running import Order, score_file
from api.batch.scoring import Rules
from rules.loading import load_model
source, kind, target, block = sys.argv[1:]
if block != "None":
    delimited.BLOCK = json_lines.BLOCK = int(block)
    columnar.ROWS = 5_000
order = Order(Path(source), Path(target), source_format=kind, may_replace=True)
print(score_file(Rules.of(load_model()), order).scored)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see the memory")
@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_twice_the_rows_need_no_more_memory(tmp_path: Path, kind: str) -> None:
    allowed = 1.1 if SOAK else 1.25  # a short run may end before the peak is reached
    seen = []
    for _ in range(1 if SOAK else 3):  # and may, on a busy machine, see it earlier than another
        once, twice = peak(tmp_path, kind, ROWS), peak(tmp_path, kind, 2 * ROWS)
        assert max(once, twice) < 1.2 * GIBIBYTE
        seen.append((once, twice))
        if twice < allowed * once:
            return
    pytest.fail(f"more rows need more memory: {seen}")


def peak(folder: Path, kind: str, rows: int) -> int:
    """The most anonymous memory while so many rows are scored, in bytes."""
    people = put_crowd(make_crowd(10_000, seed=3))
    people = people.select(people.columns[: WIDTH[kind]])
    source = Path("-")
    if kind == "parquet":
        source = folder / f"{rows}.parquet"
        write_many(people, rows // people.height, source)
    words: list[str | Path] = [
        sys.executable,
        "-c",
        SCORE,
        source,
        kind,
        folder / "out.parquet",
        str(BLOCK),
    ]
    most = 0
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdin
        assert run.stdout
        feeding = Thread(target=feed, args=(run.stdin, people, kind, rows // people.height))
        feeding.start()
        while run.poll() is None:
            most = max(most, anonymous(run.pid))
            time.sleep(0.005)
        feeding.join()
        assert int(run.stdout.read()) == rows
    return most


def write_many(people: pl.DataFrame, times: int, path: Path) -> None:
    """The same people again and again, in a file that is written bit by bit."""

    def give(*wanted: object) -> Iterator[pl.DataFrame]:  # noqa: ARG001  # always everything
        yield from repeat(people, times)

    frames = register_io_source(give, schema=people.schema, validate_schema=False, is_pure=False)
    frames.sink_parquet(path)


def feed(stream: IO[bytes], people: pl.DataFrame, kind: str, times: int) -> None:
    """Send the same people again and again, where they are not in a file."""
    with stream:
        if kind == "parquet":
            return
        if kind == "csv":
            stream.write(people.head(0).write_csv().encode())
        text = people.write_csv(include_header=False) if kind == "csv" else people.write_ndjson()
        for _ in range(times):
            stream.write(text.encode())


def anonymous(pid: int) -> int:
    """The memory of a process's own, in bytes; mapped files do not count."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return int(found[0]) * 1024 if found else 0
