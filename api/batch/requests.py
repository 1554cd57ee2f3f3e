"""A batch in one request: rows in, and the same rows out in their order, scored or told what is wrong with them."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import polars as pl

from api.batch.chunks import PROBLEMS, ROW, FileRefused, Style
from api.batch.formats import FORMATS, Format, Opened
from api.batch.layout import Layout
from api.batch.mapping import NO_MAPPING, asked_in_batches
from api.batch.outputs import Outputs
from api.batch.scoring import ChunkScorer, Rules, Scored
from api.batch.sinks import write_header
from rules.rows import PREFIX

STATUS = f"{PREFIX}status"
ADDED = (STATUS, PROBLEMS)
"""What stands behind a row's results: whether it was scored, and what is wrong with it if it was not."""
MOST_CELLS = 2_000_000
"""Cells that a request may have: a small body can name many columns and have many rows."""
ROWS = 500
"""Rows that are sent at a time."""


class NotAnArray(FileRefused):
    """A body that is JSON, but no array."""


class TooManyRows(FileRefused):
    """More rows than one request may have."""


class Kind(NamedTuple):
    """A kind of body: what it is read as, and what it is called."""

    format: Format
    media_type: str
    is_array: bool = False
    """Whether the rows stand in a JSON array and not on lines of their own."""


KINDS: Mapping[str, Kind] = {
    "application/json": Kind(FORMATS["ndjson"], "application/json", is_array=True),
    **{
        media_type: Kind(one, media_type)
        for one in FORMATS.values()
        if one.is_text
        for media_type in one.media_types
    },
}
"""The kinds of bodies by media type; the answer is of the same kind."""


def score_body(rules: Rules, kind: Kind, body: bytes, most: int) -> Iterator[bytes]:
    """The rows of a body with their results, in pieces.

    Raises:
        FileRefused: where the body cannot be used as a whole, or has more rows than `most`; before
            the first piece.
        ValueError: where it should be JSON and is not.
    """
    if kind.is_array:
        lines = split_array(body)
        if not lines:
            return iter((b"[]",))
        body = "\n".join(lines).encode()
    stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", io.BytesIO(body))))
    source = kind.format.read(Opened(Path("-"), stream))
    if (body.count(b"\n") + 1) * len(source.header) > MOST_CELLS:
        raise TooManyRows(f"At most {MOST_CELLS:,} cells can be read at once, and there are more.")
    chunks = list(source.read())
    if source.row > most:
        raise TooManyRows(
            f"At most {most:,} people can be scored at once, and there are {source.row:,}. "
            "The command psoas score takes files of any size."
        )
    layout = Layout(source.header, asked_in_batches(rules.model), NO_MAPPING)
    outputs = Outputs(layout, rules.model, kind.format, source.style)
    scorer = ChunkScorer(rules, layout, chunks[0].frame.schema)
    rows = pl.concat([_merge(scorer.score(chunk)) for chunk in chunks], how="diagonal_relaxed")
    frame = outputs.put_all(rows, ADDED)
    if kind.format.is_delimited:
        return _put_delimited(frame, source.style)
    return _put_lines(frame.to_series(), is_array=kind.is_array)


def _merge(result: Scored) -> pl.DataFrame:
    """Scored and rejected rows together, in the order in which they came."""
    nothing = pl.lit(None, pl.String).alias(PROBLEMS)
    scored = result.rows.filter(result.good).with_columns(pl.lit("scored").alias(STATUS), nothing)
    rejected = result.rejected.with_columns(pl.lit("rejected").alias(STATUS))
    return pl.concat([scored, rejected], how="diagonal_relaxed").sort(ROW)


def _put_delimited(frame: pl.DataFrame, style: Style) -> Iterator[bytes]:
    header = io.BytesIO()
    write_header(frame.columns, header, style)
    yield header.getvalue()
    for piece in frame.iter_slices(ROWS):
        text = piece.write_csv(separator=style.separator, include_header=False, quote_style="never")
        yield text.encode()


def _put_lines(lines: pl.Series, *, is_array: bool) -> Iterator[bytes]:
    between = ",\n" if is_array else "\n"
    yield b"[" if is_array else b""
    for first in range(0, len(lines), ROWS):
        text = between.join(lines[first : first + ROWS])
        yield f"{between if first else ''}{text}".encode()
    yield b"]" if is_array else b"\n"


class Pairs(list[tuple[str, Any]]):
    """An object as it stands in JSON, with keys that stand twice."""


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs)


def split_array(body: bytes) -> list[str]:
    """The items of a JSON array, each on a line of its own and with all its keys.

    Raises:
        ValueError: where it is not JSON in UTF-8.
        NotAnArray: where it is something else.
    """
    try:
        document = _DECODER.decode(body.decode())
        if not isinstance(document, list) or isinstance(document, Pairs):
            raise NotAnArray("The body must be a JSON array with an object for each person.")
        return [_write(item) for item in document]
    except RecursionError:
        raise ValueError from None


def _write(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(name)}: {_write(item)}" for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_write, cast("Sequence[Any]", value))) + "]"
    return json.dumps(value)
