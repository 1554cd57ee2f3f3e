"""Ways for tests to score files: small ones made on the spot, and what comes of them."""

import csv
import io
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from people import MODEL

from api.batch.chunks import FileRefused
from api.batch.mapping import NO_MAPPING, read_mapping
from api.batch.running import Order, score_file
from api.batch.scoring import Rules
from api.batch.tally import Summary

RULES = Rules.of(MODEL)
csv.field_size_limit(8_000_000)


class Run(NamedTuple):
    """What came of a file."""

    summary: Summary
    scored: list[dict[str, Any]]
    rejected: list[dict[str, Any]]


def run(
    folder: Path, content: bytes | str, name: str = "in.csv", mapping: str = "", **order: Any
) -> Run:
    """Score a file with this content to CSV, and read what comes of it; every row must be there."""
    source, target = folder / name, folder / "out.csv"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    known = read_mapping(mapping, MODEL) if mapping else NO_MAPPING
    summary = score_file(RULES, Order(source, target, mapping=known, may_replace=True, **order))
    scored, rejected = read_csv(target), read_csv(folder / "out.rejects.csv")
    assert summary.rows == summary.scored + summary.rejected
    assert (summary.scored, summary.rejected) == (len(scored), len(rejected))
    numbers = sorted(int(row["psoas_row"]) for row in scored + rejected)
    assert numbers == list(range(1, summary.rows + 1))
    return Run(summary, scored, rejected)


def refusal(folder: Path, content: bytes | str, name: str = "in.csv", **order: Any) -> str:
    """What is said of a file that is refused; nothing is left behind then."""
    before = {path.name for path in folder.iterdir()}
    try:
        run(folder, content, name, **order)
    except FileRefused as refused:
        after = {path.name for path in folder.iterdir()}
        assert after - before <= {name}
        return str(refused)
    raise AssertionError("the file was not refused")


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file, as its own reader sees them."""
    text = path.read_bytes().decode("utf-8-sig")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def problems(rejected: list[dict[str, Any]]) -> list[str]:
    """What is wrong with each reject."""
    return [row["psoas_problems"] for row in rejected]


def write_xlsx(path: Path, frame: pl.DataFrame, sheet: str = "People") -> bytes:
    """A spreadsheet with a table in it."""
    frame.write_excel(path, worksheet=sheet)
    return path.read_bytes()
