"""Where scored rows go: written as they come, by an engine that keeps no more than a chunk of them."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from typing import BinaryIO, Protocol

import polars as pl
from polars.io.plugins import register_io_source

from api.batch.chunks import FileRefused, Style

ROW_GROUP = 1 << 17
"""Rows that a Parquet file keeps together, and that are kept in memory until they are written."""
PATIENCE = 0.5
"""Seconds after which it is looked whether the writer is still there."""


class Sink(Protocol):
    """A file that rows are written to."""

    def write(self, frame: pl.DataFrame) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError, polars.exceptions.PolarsError: where something could not be written.
        """

    def stop(self) -> None:
        """Write no more; the file is of no use then, unless it was finished."""


Write = Callable[[pl.LazyFrame, BinaryIO], None]
"""Writes a lazy frame to a stream, as it comes."""


class Flow:
    """Frames that are written by a lazy engine while the next ones are still being scored."""

    def __init__(self, schema: Mapping[str, pl.DataType], write: Write, stream: BinaryIO) -> None:
        self._queue: Queue[pl.DataFrame | None] = Queue(1)
        self._failed: BaseException | None = None
        self._frames = register_io_source(
            self._give, schema=dict(schema), validate_schema=False, is_pure=False
        )
        self._thread = Thread(target=self._run, args=(write, stream), daemon=True)
        self._thread.start()

    def _give(
        self,
        with_columns: list[str] | None,  # noqa: ARG002
        predicate: pl.Expr | None,  # noqa: ARG002
        n_rows: int | None,  # noqa: ARG002
        batch_size: int | None,  # noqa: ARG002
    ) -> Iterator[pl.DataFrame]:
        while (frame := self._queue.get()) is not None:
            yield frame

    def _run(self, write: Write, stream: BinaryIO) -> None:
        try:
            write(self._frames, stream)
        except BaseException as error:  # noqa: BLE001  # told to whoever writes
            self._failed = error

    def write(self, frame: pl.DataFrame) -> None:
        """Write some rows; waits while the ones before are not taken yet."""
        self._put(frame)

    def close(self) -> None:
        """Wait until everything is written."""
        self._put(None)
        self._thread.join()
        self._check()

    def stop(self) -> None:
        """End the writer, too, if it still waits for more."""
        while self._thread.is_alive():
            with suppress(Full):
                self._queue.put(None, timeout=PATIENCE)
                self._thread.join()

    def _put(self, frame: pl.DataFrame | None) -> None:
        while True:
            self._check()
            try:
                self._queue.put(frame, timeout=PATIENCE)
            except Full:
                continue
            return

    def _check(self) -> None:
        if self._failed is None:
            return
        if isinstance(self._failed, Exception | KeyboardInterrupt):
            raise self._failed
        # The engine gave up altogether, which it does over columns that it cannot write.
        raise FileRefused("A column is of a kind that this kind of file cannot hold.")


def write_parquet(frames: pl.LazyFrame, stream: BinaryIO) -> None:
    """As Parquet."""
    frames.sink_parquet(stream, compression_level=1, row_group_size=ROW_GROUP)


def write_arrow(frames: pl.LazyFrame, stream: BinaryIO) -> None:
    """As Arrow, which is quickly written and read again, for files that nobody else reads."""
    frames.sink_ipc(stream, compression="lz4")


def write_header(names: Sequence[str], stream: BinaryIO, style: Style) -> None:
    """The names of the columns as the first line of delimited text."""
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=style.separator, lineterminator="\n").writerow(names)
    encoding = "utf-8-sig" if style.has_mark else "utf-8"
    stream.write(line.getvalue().encode(encoding))


def delimit(style: Style) -> Write:
    """As delimited text without the columns' names, in which each cell is quoted already if need be."""

    def write(frames: pl.LazyFrame, stream: BinaryIO) -> None:
        frames.sink_csv(
            stream,
            separator=style.separator,
            decimal_comma=style.decimal_comma,
            include_header=False,
            quote_style="never",
        )

    return write


def write_lines(frames: pl.LazyFrame, stream: BinaryIO) -> None:
    """As JSON lines."""
    frames.sink_ndjson(stream)


def write_ready_lines(frames: pl.LazyFrame, stream: BinaryIO) -> None:
    """Lines of text as they are."""
    frames.sink_csv(stream, include_header=False, quote_style="never")
