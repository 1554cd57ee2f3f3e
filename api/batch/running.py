"""A run over one file: everything in it read, scored and written, the totals checked, and nothing half done."""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from api.batch import sheet_writer
from api.batch.chunks import FileRefused, Source, Style
from api.batch.compression import COMPRESSIONS
from api.batch.formats import FORMATS, READABLE, Format, Opened, find_format, open_file
from api.batch.layout import Columns, Layout
from api.batch.mapping import NO_MAPPING, ColumnMapping, asked_in_batches
from api.batch.responses import ResponseLines
from api.batch.scoring import ChunkScorer, Rules
from api.batch.tally import Summary, Tally
from api.batch.whole import STREAM, name_part, read_ahead
from api.batch.written import Destination, Written
from rules.definitions import Model


class Order(NamedTuple):
    """What is to be scored, and where it goes; a path of `-` is standard input or output."""

    source: Path
    target: Path
    rejects: Path | None = None
    """Where rejects go; beside the target unless told otherwise."""
    mapping: ColumnMapping = NO_MAPPING
    source_format: str | None = None
    target_format: str | None = None
    sheet: str | None = None
    may_replace: bool = False
    """Whether files that are there already may be replaced."""
    decimal_comma: bool = False
    """Whether delimited text is written with decimal commas."""
    largest: int | None = None
    """Bytes that a compressed file may have when unpacked."""


class Progress(NamedTuple):
    """How far a run is."""

    rows: int
    rejected: int
    done: float
    """How much of the file has been read, from 0 to 1; 0 where that is not known."""


def score_file(
    rules: Rules,
    order: Order,
    begin: Callable[[Columns], None] = lambda _: None,
    go_on: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Score a file: every row of it stands in the scored rows or among the rejects afterwards.

    `begin` is told the columns once they are known, `go_on` how far it is after every chunk.

    Raises:
        FileRefused: where the file, what is to be made of it, or the place for it cannot be used;
            nothing has been written then.
    """
    started = time.monotonic()
    target, rejects = find_destinations(order)
    with open_order(order, target.kind, rules.responses) as (source, done):
        layout = lay_out(source, order, rules.model)
        begin(layout.columns)
        tally = Tally(rules.model)
        with ExitStack() as stack:
            good, bad = (
                Written(rules, layout, destination, source.style, stack)
                for destination in (target, rejects)
            )
            scorer: ChunkScorer | None = None
            for chunk in read_ahead(source.read()):
                scorer = scorer or ChunkScorer(rules, layout, chunk.frame.schema)
                scored = scorer.score(chunk)
                good.write(good.outputs.put_scored(scored, scorer.careful))
                bad.write(bad.outputs.put_rejected(scored.rejected))
                tally.count(scored)
                go_on(Progress(source.row, tally.rejected, done(source)))
            good.close()
            bad.close()
            if source.row != tally.rows:
                raise RowsLostError(source.row, tally.scored, tally.rejected)
        return tally.sum_up(layout.columns, source.notes, time.monotonic() - started)


class RowsLostError(AssertionError):
    """The totals do not add up; nothing was written."""

    def __init__(self, rows: int, scored: int, rejected: int) -> None:
        super().__init__(f"{rows} rows were read, {scored} scored and {rejected} rejected")


def find_destinations(order: Order) -> tuple[Destination, Destination]:
    """Where scored rows and rejects go.

    Raises:
        FileRefused: where that cannot be told, or must not be.
    """
    style = Style(decimal_comma=order.decimal_comma)
    if order.target == STREAM:
        kind, packed = FORMATS[order.target_format or "csv"], None
    else:
        kind, packed = find_format(order.target, order.target_format)
    rejects = order.rejects or _beside(order.target)
    named = order.target_format if order.rejects is None else None
    reject_kind, reject_packed = find_format(rejects, named)
    # Rejects get their name first. Beside a target that is not whole they are of a run that was killed.
    was_killed = not order.target.exists() and name_part(order.target).exists()
    for path in (order.target, rejects):
        if path != STREAM and path.exists() and not path.is_file():
            raise FileRefused(f"{path} is not a file that could be replaced.")
        is_left_over = was_killed and path == _beside(order.target)
        if path != STREAM and path.exists() and not (order.may_replace or is_left_over):
            raise FileRefused(f"{path} is there already; --force replaces it.")
        if STREAM not in {path, order.source} and _same(path, order.source):
            raise FileRefused(f"{path} is the file that is to be read.")
    if _same(order.target, rejects):
        raise FileRefused("Scored rows and rejects cannot go to the same file.")
    return (
        Destination(order.target, kind, packed, style),
        Destination(rejects, reject_kind, reject_packed, style),
    )


def find_resources(order: Order) -> dict[str, Destination]:
    """Where the resources of FHIR go that come of an order's file: beside its scored rows."""
    kind = READABLE.get(order.source_format or "")
    lines = FORMATS["ndjson"]
    return {
        what: Destination(
            order.target.with_name(f"{what}{lines.suffixes[0]}"), lines, None, Style()
        )
        for what in (kind.resources if kind else ())
    }


def _beside(target: Path) -> Path:
    """Where rejects go unless told otherwise: `scores.csv.gz` has `scores.rejects.csv.gz`."""
    if target == STREAM:
        raise FileRefused("With scored rows on standard output, --rejects must name a file.")
    endings = "".join(target.suffixes[-2 if target.suffix in COMPRESSIONS else -1 :])
    stem = target.name.removesuffix(endings)
    return target.with_name(f"{stem}.rejects{endings}")


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


@contextmanager
def open_order(
    order: Order, target: Format, responses: ResponseLines | None = None
) -> Iterator[tuple[Source, Callable[[Source], float]]]:
    """The file to be read, and what tells how much of it has been."""
    with ExitStack() as stack:
        stream, kind = _find_source(order, stack)
        path, size = order.source, 0
        if order.source == STREAM and (not kind.is_text or target.name == "xlsx"):
            stream = stack.enter_context(tempfile.NamedTemporaryFile(prefix="psoas-"))  # type: ignore[assignment]
            shutil.copyfileobj(sys.stdin.buffer, stream)
            stream.flush()
            stream.seek(0)
            path = Path(stream.name)
        if path != STREAM:
            size = path.stat().st_size
        opened = Opened(path, stream, order.sheet, order.largest, responses)
        if target.name == "xlsx":
            _check_room(opened, kind)
        source = open_file(kind, opened)

        def done(source: Source) -> float:
            if source.rows:
                return source.row / source.rows
            return stream.tell() / size if size else 0.0

        yield source, done


def lay_out(source: Source, order: Order, model: Model) -> Layout:
    """The columns of an order's file, told apart.

    Raises:
        FileRefused: where they are of no use.
    """
    return Layout(source.header, asked_in_batches(model), order.mapping)


def find_columns(order: Order, target: Format, rules: Rules) -> Columns:
    """What the columns of an order's file are taken for.

    Raises:
        FileRefused: where the file, or what is to be made of it, cannot be used.
    """
    with open_order(order, target, rules.responses) as (source, _):
        return lay_out(source, order, rules.model).columns


def tell_refusal(refused: FileRefused, order: Order) -> str:
    """Why a file is refused, for somebody who does not know where it lies."""
    return str(refused).replace(str(order.source), "The file")


def _find_source(order: Order, stack: ExitStack) -> tuple[BinaryIO, Format]:
    if order.source == STREAM:
        stream = cast("BinaryIO", sys.stdin.buffer)
        return stream, FORMATS[order.source_format] if order.source_format else _guess(stream)
    kind, _ = find_format(order.source, order.source_format)
    try:
        return stack.enter_context(order.source.open("rb")), kind
    except OSError as error:
        raise FileRefused(f"{order.source}: {error.strerror}.") from None


def _guess(stream: BinaryIO) -> Format:
    """What standard input is, by how it begins."""
    begins = stream.peek(8).lstrip()  # type: ignore[attr-defined]
    for kind in FORMATS.values():
        if kind.begins and begins.startswith(kind.begins):
            return kind
    return FORMATS["ndjson" if begins.startswith(b"{") else "csv"]


def _check_room(opened: Opened, kind: Format) -> None:
    """Refuse a spreadsheet that would be too large; that needs all rows counted first."""
    with opened.path.open("rb") as stream:
        source = open_file(kind, opened._replace(stream=stream))
        rows = source.rows
        if rows is None:
            for _ in source.read():
                if source.row >= sheet_writer.MOST_ROWS:
                    break
            rows = source.row
    sheet_writer.check_room(rows, len(source.header))
