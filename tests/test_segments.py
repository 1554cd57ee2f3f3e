"""A run in segments that is taken up again and again gives the bytes of a run that nobody disturbed."""

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from batches import RULES
from crowd import make_crowd, put_crowd

from api.batch import columnar, delimited, json_lines
from api.batch.chunks import FileRefused
from api.batch.formats import FORMATS
from api.batch.joining import Joining
from api.batch.running import Order, score_file
from api.batch.segments import Segment, Segments, name_part
from api.batch.tally import Summary

CSV = FORMATS["csv"]
ROWS = 700
"""Rows of a segment in these tests."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in small pieces, so that there are many of them."""
    monkeypatch.setattr(delimited, "BLOCK", 1 << 16)
    monkeypatch.setattr(json_lines, "BLOCK", 1 << 17)
    monkeypatch.setattr(columnar, "ROWS", 300)


def make_file(folder: Path, kind: str) -> Path:
    """A file of a kind with good rows, bad ones, broken lines, and cells that need a careful look late in it."""
    crowd = put_crowd(make_crowd(3_000, seed=11))
    path = folder / f"in.{kind}"
    if kind == "parquet":
        crowd.write_parquet(path)
    elif kind.startswith("ndjson"):
        lines = crowd.write_ndjson().splitlines()
        lines[1500] = "{broken"
        path.write_text("\n".join(lines))
    else:
        header, *lines = crowd.write_csv().splitlines()
        lines[10] = "too,few"
        lines[2500] = lines[2500].replace(",", " ,", 1)
        text = "\n".join([header, *lines])
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    return path


def put_together(order: Order, parts: Path, segments: Sequence[Segment]) -> Summary:
    """Put all segments together."""
    joining = Joining(RULES, order, parts)
    for segment in segments:
        joining.add(segment)
    return joining.finish(0.0)


def run(order: Order, folder: Path, stops: Sequence[int]) -> list[Segment]:
    """Score all segments; behind those whose numbers are named the run ends and another goes on."""
    segments: list[Segment] = []
    going: Segments | None = None
    while not (segments and segments[-1].is_last):
        going = going or Segments(RULES, order, folder, segments[-1] if segments else None, ROWS)
        segments.append(going.score_next())
        if segments[-1].number in stops:
            going.close()
            going = None
    if going:
        going.close()
    return segments


@pytest.mark.parametrize(
    ("kind", "target", "stops"),
    [
        ("csv", "csv", ()),
        ("csv", "csv", (1, 2, 3)),
        ("csv", "parquet", (2,)),
        ("csv", "xlsx", (1,)),
        ("csv.gz", "ndjson", (1, 2)),
        ("ndjson", "ndjson", (1, 3)),
        ("ndjson", "csv", (2,)),
        ("parquet", "parquet", (1, 2, 3)),
        ("parquet", "csv", (3,)),
    ],
)
def test_the_same_bytes_as_a_run_that_nobody_disturbed(
    tmp_path: Path, kind: str, target: str, stops: Sequence[int]
) -> None:
    source, parts = make_file(tmp_path, kind), tmp_path / "parts"
    parts.mkdir()
    order = Order(source, tmp_path / f"out.{target}")
    segments = run(order, parts, stops)
    assert len(segments) >= 4
    summary = put_together(order, parts, segments)
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    expected = score_file(RULES, Order(source, undisturbed / f"out.{target}"))
    assert summary == expected._replace(seconds=0.0, notes=list(expected.notes))
    assert summary.rows == 3_000
    for name in (f"out.{target}", f"out.rejects.{target}"):
        if target == "xlsx":
            one, other = (pl.read_excel(place / name) for place in (tmp_path, undisturbed))
            assert one.equals(other)
        else:
            assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes()


def test_a_segment_that_was_half_kept_is_done_again(tmp_path: Path) -> None:
    source, parts = make_file(tmp_path, "csv"), tmp_path / "parts"
    parts.mkdir()
    order = Order(source, tmp_path / "out.csv")
    segments = run(order, parts, ())
    kept = {path.name: path.read_bytes() for path in parts.glob("*.csv")}
    name_part(parts, 2, "scores", CSV).unlink()
    name_part(parts, 3, "rejects", CSV).write_bytes(b"half")
    again = Segments(RULES, order, parts, segments[0], ROWS)
    found = [again.score_next() for _ in range(len(segments) - 1)]
    again.close()
    # How far the reading is depends on the moment: it goes on meanwhile.
    assert [one._replace(done=0.0) for one in found] == [
        one._replace(done=0.0) for one in segments[1:]
    ]
    assert {path.name: path.read_bytes() for path in parts.glob("*.csv")} == kept


def test_a_header_alone_is_one_segment(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("sitting_hours_per_day\n")
    parts = tmp_path / "parts"
    parts.mkdir()
    order = Order(tmp_path / "in.csv", tmp_path / "out.csv")
    (segment,) = run(order, parts, ())
    assert (segment.row, segment.scored, segment.rejected) == (0, 0, 0)
    assert put_together(order, parts, [segment]).rows == 0
    assert (tmp_path / "out.csv").read_text().startswith("sitting_hours_per_day,psoas_row")


def test_a_file_without_a_question_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("colour\nred\n")
    with pytest.raises(FileRefused):
        Segments(RULES, Order(tmp_path / "in.csv", tmp_path / "out.csv"), tmp_path, None)
    shutil.rmtree(tmp_path)
