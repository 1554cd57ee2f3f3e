"""The kinds of file there are: how each is known, read and written; an entry here is all that a new one needs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl

from api.batch import columnar, compression, sheets, sinks
from api.batch.chunks import FileRefused, Source, Style
from api.batch.columnar import ParquetFile
from api.batch.compression import COMPRESSIONS, Compression
from api.batch.delimited import DelimitedText
from api.batch.json_lines import LINE, JsonLines
from api.batch.responses import RESOURCES, ResourceName, ResponseFile, ResponseLines
from api.batch.sheet_writer import SheetWriter
from api.batch.sinks import Flow, Sink


class Opened(NamedTuple):
    """A file to read, as a path and as a stream of what is in it."""

    path: Path
    stream: BinaryIO
    sheet: str | None = None
    """Which sheet of a spreadsheet; the first one unless named."""
    most: int | None = None
    """Bytes that it may have when unpacked; if not given, what is usual for the kind."""
    responses: ResponseLines | None = None
    """What understands responses of FHIR."""


class Format(NamedTuple):
    """A kind of file."""

    name: str
    suffixes: tuple[str, ...]
    media_types: tuple[str, ...]
    read: Callable[[Opened], Source]
    write: Callable[[Mapping[str, pl.DataType], BinaryIO, Style], Sink]
    begins: bytes = b""
    """How such a file begins, where it can be told."""
    is_text: bool = False
    """Whether it may be compressed, comes from a stream, and can be parted anywhere between two rows."""
    is_typed: bool = True
    """Whether answers are written with their own types; else the cells stay as they came."""
    runs_formulas: bool = False
    """Whether what opens it may run a cell."""
    reads_whole: bool = False
    """Whether all of it is in memory while it is read."""
    is_delimited: bool = False
    """Whether cells are told apart by a sign that may stand in a cell too."""
    usual: str = ""
    """The kind of file that results are unless told otherwise, where it is not this one."""
    resources: tuple[ResourceName, ...] = ()
    """The files of FHIR that come of it beside its results."""
    kept: int = 200_000
    """Rows that are scored until something is kept, so that little is lost where the process ends."""


def _write_delimited(schema: Mapping[str, pl.DataType], stream: BinaryIO, style: Style) -> Sink:
    if not style.goes_on:
        sinks.write_header(list(schema), stream, style)
    return Flow(schema, sinks.delimit(style), stream)


def _write_lines(schema: Mapping[str, pl.DataType], stream: BinaryIO, style: Style) -> Sink:  # noqa: ARG001
    return Flow(schema, sinks.write_ready_lines if LINE in schema else sinks.write_lines, stream)


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "csv",
            (".csv", ".tsv", ".txt"),
            ("text/csv", "text/tab-separated-values"),
            lambda file: DelimitedText(file.stream),
            _write_delimited,
            is_text=True,
            is_typed=False,
            runs_formulas=True,
            is_delimited=True,
        ),
        Format(
            "ndjson",
            (".ndjson", ".jsonl"),
            ("application/x-ndjson", "application/jsonl"),
            lambda file: JsonLines(file.stream),
            _write_lines,
            is_text=True,
        ),
        Format(
            "parquet",
            (".parquet", ".pq"),
            ("application/vnd.apache.parquet",),
            lambda file: ParquetFile(file.path, file.most or columnar.LARGEST),
            lambda schema, stream, style: Flow(schema, sinks.write_parquet, stream),  # noqa: ARG005
            begins=b"PAR1",
        ),
        Format(
            "xlsx",
            (".xlsx",),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
            lambda file: sheets.Sheet(file.path, file.sheet, file.most or sheets.LARGEST),
            lambda schema, stream, style: SheetWriter(stream, list(schema)),  # noqa: ARG005
            begins=b"PK\x03\x04",
            runs_formulas=True,
            reads_whole=True,
        ),
    )
}
"""Every kind of file, by name."""
ARROW = FORMATS["parquet"]._replace(
    name="arrow",
    suffixes=(".arrow",),
    media_types=(),
    write=lambda schema, stream, style: Flow(schema, sinks.write_arrow, stream),  # noqa: ARG005
)
"""A kind that is quickly written and read again, for what is kept only until a file is whole."""
RESPONSES = FORMATS["ndjson"]._replace(
    name="fhir",
    suffixes=(".fhir",),
    media_types=("application/fhir+ndjson", "application/x-ndjson", "application/ndjson"),
    read=lambda file: ResponseFile(file.stream, file.responses),
    usual="ndjson",
    resources=RESOURCES,
    kept=2_000,
)
"""Responses of FHIR, one a line: read, and never written, for scores are no responses."""
READABLE: Mapping[str, Format] = {**FORMATS, RESPONSES.name: RESPONSES}
"""Every kind of file that batches are made of, by name."""


def find_usual(format: str) -> Format:
    """The kind of file that the results of a kind of batch are, unless told otherwise."""
    return FORMATS[READABLE[format].usual or format]


def find_format(path: Path, named: str | None) -> tuple[Format, Compression | None]:
    """The kind of a file by its name, unless it is told, and how it is compressed.

    Raises:
        FileRefused: where the name says nothing.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    ending = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    found = [
        one
        for one in (READABLE if named else FORMATS).values()
        if one.name == named or (not named and ending in one.suffixes)
    ]
    if not found:
        known = ", ".join(suffix for one in FORMATS.values() for suffix in one.suffixes)
        raise FileRefused(
            f"What kind of file {path.name} is cannot be told from its name. Names may end with {known}; "
            f"those of text also with {' or '.join(COMPRESSIONS)} behind it."
        )
    if packed and not found[0].is_text:
        raise FileRefused(f"{path.name}: {found[0].name} files are compressed already.")
    return found[0], packed


def open_file(kind: Format, file: Opened) -> Source:
    """Open a file for reading; text is unpacked on the way.

    Raises:
        FileRefused: where it is not what it should be.
    """
    begins = file.stream.peek(compression.LONGEST_MAGIC)  # type: ignore[attr-defined]
    if not begins:
        raise FileRefused("The file is empty.")
    if kind.begins and not begins.startswith(kind.begins):
        raise FileRefused(
            f"The file does not begin as {kind.name} files do; it may be of another kind."
        )
    if kind.is_text:
        others = [one for one in FORMATS.values() if one.begins and begins.startswith(one.begins)]
        if others:
            raise FileRefused(f"The file begins as {others[0].name} files do, and not as text.")
        most = file.most or compression.LARGEST
        file = file._replace(stream=compression.unpack(file.stream, begins, most))
    return kind.read(file)
