"""A file scored in segments, each kept as files of its own, so that a run can go on where another one ended.

What is kept of a segment are its scored rows, its rejects and its counts. A run that goes on reads
the file from the beginning, which costs little, and scores only what has not been scored. Once all
segments are there they are put together, and the result is that of a run that nobody disturbed.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import polars as pl

from api.batch.chunks import ROW, Chunk, Style
from api.batch.formats import FORMATS
from api.batch.layout import Columns, Layout
from api.batch.mapping import asked_in_batches
from api.batch.running import Order, RowsLostError, find_destinations, open_order
from api.batch.scoring import ChunkScorer, Rules, Scored
from api.batch.tally import Summary, Tally
from api.batch.whole import read_ahead, write_whole
from api.batch.written import Rows, Written

ROWS = 100_000
"""Rows that a segment has at least, unless it is the last one."""
SLICE = 50_000
"""Rows that are put together at a time."""
PARQUET = FORMATS["parquet"]


class Segment(NamedTuple):
    """A segment that has been scored and kept; numbers only, nothing that anybody answered."""

    number: int
    """Its place among the segments, from 1."""
    row: int
    """The number of its last row."""
    scored: int
    rejected: int
    careful: bool
    """Whether cells were read carefully at its end."""
    done: float
    """How much of the file has been read, from 0 to 1; 0 where that is not known."""
    is_last: bool


class Segments:
    """The segments of one file that are still to be scored."""

    def __init__(
        self, rules: Rules, order: Order, folder: Path, last: Segment | None, rows: int = ROWS
    ) -> None:
        """Open the file, to go on behind `last`.

        Raises:
            FileRefused: where the file, or what is to be made of it, cannot be used.
        """
        self._rules, self._folder, self._rows = rules, folder, rows
        self._number, self._row = (last.number, last.row) if last else (0, 0)
        self._careful = last is not None and last.careful
        self._stack = ExitStack()
        with ExitStack() as opening:
            target, _ = find_destinations(order)
            self._source, self._done = opening.enter_context(open_order(order, target.kind))
            self._layout = Layout(self._source.header, asked_in_batches(rules.model), order.mapping)
            self._chunks = read_ahead(self._source.read())
            self._stack = opening.pop_all()
        self._scorer: ChunkScorer | None = None

    def score_next(self) -> Segment:
        """Score the next segment and keep it.

        Raises:
            FileRefused: where the rest of the file cannot be read.
        """
        number, tally, is_last = self._number + 1, Tally(self._rules.model), False
        with ExitStack() as stack:
            good, bad = (
                Rows(name_part(self._folder, number, what), PARQUET, None, Style(), stack)
                for what in ("scores", "rejects")
            )
            while tally.scored + tally.rejected < self._rows:
                chunk = self._next_chunk()
                if chunk is None:
                    is_last = True
                    break
                scored = self._score(chunk)
                good.write(scored.rows.filter(scored.good))
                bad.write(scored.rejected)
                tally.count(scored)
                self._row += chunk.frame.height + chunk.malformed.height
            good.close()
            bad.close()
        put_whole(name_part(self._folder, number, "counts"), json.dumps(tally.counts).encode())
        self._number = number
        return Segment(
            number,
            self._row,
            tally.scored,
            tally.rejected,
            self._scorer.careful if self._scorer else self._careful,
            self._done(self._source),
            is_last,
        )

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def _next_chunk(self) -> Chunk | None:
        """The next rows that have not been scored."""
        for chunk in self._chunks:
            left = skip_rows(chunk, self._row)
            if left is not None:
                return left
        return None

    def _score(self, chunk: Chunk) -> Scored:
        if self._scorer is None:
            self._scorer = ChunkScorer(self._rules, self._layout, chunk.frame.schema)
            self._scorer.careful = self._careful
        return self._scorer.score(chunk)


def skip_rows(chunk: Chunk, row: int) -> Chunk | None:
    """What a chunk has behind a row; none where that is nothing, but a chunk that is empty anyway stays."""
    frame = chunk.frame.filter(pl.col(ROW) > row)
    malformed = chunk.malformed.filter(pl.col(ROW) > row)
    had = chunk.frame.height + chunk.malformed.height
    return Chunk(frame, malformed) if frame.height + malformed.height or not had else None


def name_part(folder: Path, number: int, what: str) -> Path:
    """What a part of a segment is called."""
    ending = "json" if what == "counts" else "parquet"
    return folder / f"{number:06d}.{what}.{ending}"


def put_whole(path: Path, content: bytes) -> None:
    """Write a small file that is there whole or not at all."""
    with write_whole(path, None) as stream:
        stream.write(content)


def put_together(
    rules: Rules, order: Order, folder: Path, segments: Sequence[Segment], seconds: float
) -> Summary:
    """Write the scored rows and the rejects of all segments to the files of an order.

    Raises:
        FileRefused: where the order's files cannot be written.
    """
    target, rejects = find_destinations(order)
    with ExitStack() as stack:
        source, _ = stack.enter_context(open_order(order, target.kind))
        layout = Layout(source.header, asked_in_batches(rules.model), order.mapping)
        good, bad = (
            Written(rules, layout, destination, source.style, stack)
            for destination in (target, rejects)
        )
        for segment in segments:
            for frame in read_part(name_part(folder, segment.number, "scores")):
                everything = Scored(frame, pl.repeat(True, frame.height, eager=True), frame[:0])
                good.write(good.outputs.put_scored(everything, segment.careful))
            for frame in read_part(name_part(folder, segment.number, "rejects")):
                bad.write(bad.outputs.put_rejected(frame))
        good.close()
        bad.close()
        notes = source.notes
    return sum_up(rules, folder, segments, layout.columns, notes, seconds)


def read_part(path: Path) -> Iterator[pl.DataFrame]:
    """A part's rows, some at a time."""
    frame = pl.read_parquet(path)
    yield from frame.iter_slices(SLICE) if frame.height else (frame,)


def sum_up(
    rules: Rules,
    folder: Path,
    segments: Sequence[Segment],
    columns: Columns,
    notes: Sequence[str],
    seconds: float,
) -> Summary:
    """The summary of all segments; their totals must add up to the file's rows."""
    tally = Tally(rules.model)
    for segment in segments:
        tally.add(json.loads(name_part(folder, segment.number, "counts").read_bytes()))
    if segments and segments[-1].row != tally.scored + tally.rejected:
        raise RowsLostError(segments[-1].row, tally.scored, tally.rejected)
    return tally.sum_up(columns, notes, seconds)
