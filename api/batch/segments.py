"""A file scored in segments, each kept as files of its own, so that a run can go on where another one ended.

What is kept of a segment are its scored rows and its rejects as they are to be written, and its
counts. A run that goes on reads the file from the beginning, which costs little, and scores only
what has not been scored. Once all segments are there they are put together, and the result is that
of a run that nobody disturbed.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import polars as pl

from api.batch.chunks import ROW, Chunk, Style
from api.batch.formats import ARROW, FORMATS, READABLE, Format, find_usual
from api.batch.outputs import Outputs
from api.batch.responses import write_resources
from api.batch.running import Order, find_destinations, find_resources, lay_out, open_order
from api.batch.scoring import ChunkScorer, Rules, Scored
from api.batch.tally import Tally
from api.batch.whole import read_ahead, write_whole
from api.batch.written import Destination, Rows, choose_style

KEPT = ("scores", "rejects")
"""What is kept of a segment's rows, in the order of an order's destinations."""


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
    take: int = 0
    """Which run over the batch scored it, where its files are called after that."""


class Segments:
    """The segments of one file that are still to be scored."""

    def __init__(
        self,
        rules: Rules,
        order: Order,
        folder: Path,
        last: Segment | None,
        rows: int | None = None,
    ) -> None:
        """Open the file, to go on behind `last`; a segment has at least so many rows, unless it is the last one.

        Raises:
            FileRefused: where the file, or what is to be made of it, cannot be used.
        """
        self._rules, self._folder = rules, folder
        self._number, self._row = (last.number, last.row) if last else (0, 0)
        self._careful = last is not None and last.careful
        self._stack = ExitStack()
        with ExitStack() as opening:
            self._places, self._resources = find_destinations(order), find_resources(order)
            self._rows = rows or find_kept(order, self._places[0].kind)
            self._source, self._done = opening.enter_context(
                open_order(order, self._places[0].kind, rules.responses)
            )
            self._source.behind = self._row
            self._layout = lay_out(self._source, order, rules.model)
            chunks = opening.enter_context(closing(read_ahead(self._source.read())))
            self._chunks = skip_rows(chunks, self._row)
            self._stack = opening.pop_all()
        self._next = next(self._chunks, None)
        self._scorer: ChunkScorer | None = None

    def score_next(self, go_on: Callable[[], None] = lambda: None) -> Segment:
        """Score the next segment and keep it; `go_on` is called now and then, and may raise what ends that.

        Raises:
            FileRefused: where the rest of the file cannot be read.
        """
        number, tally = self._number + 1, Tally(self._rules.model)
        with ExitStack() as stack:
            good, bad = (
                self._open_part(number, what, place, stack)
                for what, place in zip(KEPT, self._places, strict=True)
            )
            resources = {
                what: stack.enter_context(
                    write_whole(name_part(self._folder, number, what, place.kind), None)
                )
                for what, place in self._resources.items()
            }
            while self._next is not None and tally.rows < self._rows:
                go_on()
                scored = self._score(self._next)
                good.write(good.outputs.put_scored(scored, self._careful))
                bad.write(bad.outputs.put_rejected(scored.rejected))
                tally.count(scored)
                tally.count_resources(write_resources(self._next, resources))
                self._row += self._next.frame.height + self._next.malformed.height
                self._next = next(self._chunks, None)
            good.close()
            bad.close()
        counts = {**tally.counts, "notes": list(self._source.notes)}
        put_whole(name_counts(self._folder, number), json.dumps(counts).encode())
        self._number = number
        return Segment(
            number,
            self._row,
            tally.scored,
            tally.rejected,
            self._careful,
            self._done(self._source),
            is_last=self._next is None,
        )

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def _open_part(self, number: int, what: str, place: Destination, stack: ExitStack) -> "Part":
        style = choose_style(place, self._source.style)
        outputs = Outputs(self._layout, self._rules.model, place.kind, style)
        path = name_part(self._folder, number, what, place.kind)
        return Part(path, find_part_kind(place.kind), outputs, style, number, stack)

    def _score(self, chunk: Chunk) -> Scored:
        if self._scorer is None:
            self._scorer = ChunkScorer(self._rules, self._layout, chunk.frame.schema)
            self._scorer.careful = self._careful
        scored = self._scorer.score(chunk)
        self._careful = self._scorer.careful
        return scored


class Part(Rows):
    """The file that a segment's scored rows or rejects are kept in, put as they are to be written."""

    def __init__(
        self,
        path: Path,
        kind: Format,
        outputs: Outputs,
        style: Style,
        number: int,
        stack: ExitStack,
    ) -> None:
        super().__init__(path, kind, None, style._replace(goes_on=number > 1), stack)
        self.outputs = outputs


def skip_rows(chunks: Iterator[Chunk], row: int) -> Iterator[Chunk]:
    """What chunks have behind a row; a chunk that is empty anyway stays."""
    for chunk in chunks:
        frame = chunk.frame.filter(pl.col(ROW) > row)
        malformed = chunk.malformed.filter(pl.col(ROW) > row)
        had = chunk.frame.height + chunk.malformed.height
        if frame.height + malformed.height or not had:
            yield Chunk(frame, malformed)


def find_kept(order: Order, target: Format) -> int:
    """Rows that a segment of an order's file has at least."""
    return READABLE.get(order.source_format or "", target).kept


def find_part_kind(kind: Format) -> Format:
    """The kind of file that parts of a kind are kept in: text goes together as it is."""
    return kind if kind.is_text else ARROW


def name_part(folder: Path, number: int, what: str, kind: Format) -> Path:
    """What a part of a segment is called."""
    return folder / f"{number:06d}.{what}{find_part_kind(kind).suffixes[0]}"


def name_counts(folder: Path, number: int) -> Path:
    """What the counts of a segment are called."""
    return folder / f"{number:06d}.counts.json"


def name_files(folder: Path, number: int, kind: Format) -> Sequence[Path]:
    """All files that are kept of a segment of this kind of batch."""
    results = (name_part(folder, number, what, find_usual(kind.name)) for what in KEPT)
    resources = (name_part(folder, number, what, FORMATS["ndjson"]) for what in kind.resources)
    return [*results, *resources, name_counts(folder, number)]


def put_whole(path: Path, content: bytes) -> None:
    """Write a small file that is there whole or not at all."""
    with write_whole(path, None) as stream:
        stream.write(content)
