"""The files that scored rows and rejects are written to, each whole or not at all."""

from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import polars as pl

from api.batch.chunks import Style
from api.batch.compression import Compression
from api.batch.formats import Format
from api.batch.layout import Layout
from api.batch.outputs import Outputs
from api.batch.scoring import Rules
from api.batch.sheet_writer import check_room
from api.batch.sinks import Sink
from api.batch.whole import write_whole

TAB = ".tsv"
"""The ending of delimited text whose separator is a tab, whatever that of the input was."""


class Destination(NamedTuple):
    """A file to be written: where, as what, and how."""

    path: Path
    kind: Format
    packed: Compression | None
    style: Style


class Rows:
    """Rows that are written to a file of one kind; what it is like is known with the first of them."""

    def __init__(
        self, path: Path, kind: Format, packed: Compression | None, style: Style, stack: ExitStack
    ) -> None:
        """Begin a file that gets its name, or goes, when the stack is left."""
        self._kind, self._style = kind, style
        self._stream = stack.enter_context(write_whole(path, packed))
        self._sink: Sink | None = None
        stack.callback(self._stop)

    def write(self, frame: pl.DataFrame) -> None:
        """Write some rows."""
        if self._sink is None:
            self._sink = self._kind.write(frame.schema, self._stream, self._style)
        self._sink.write(frame)

    def close(self) -> None:
        """Finish the file."""
        if self._sink is not None:
            self._sink.close()

    def _stop(self) -> None:
        """Nothing is written to the file any more, whether it is done or not."""
        if self._sink is not None:
            self._sink.stop()


class Written(Rows):
    """A file that scored rows or rejects go to."""

    def __init__(
        self,
        rules: Rules,
        layout: Layout,
        destination: Destination,
        style: Style,
        stack: ExitStack,
    ) -> None:
        kind, style = destination.kind, choose_style(destination, style)
        self.outputs = Outputs(layout, rules.model, kind, style)
        if kind.name == "xlsx":
            check_room(0, self.outputs.width)
        super().__init__(destination.path, kind, destination.packed, style, stack)


def choose_style(destination: Destination, style: Style) -> Style:
    """Delimited text goes out as it came in, unless the file's name or the order says otherwise."""
    if TAB in map(str.lower, destination.path.suffixes):
        style = style._replace(separator="\t")
    decimal_comma = destination.style.decimal_comma
    if decimal_comma and style.separator == ",":
        style = style._replace(separator=";")
    return style._replace(decimal_comma=decimal_comma)
