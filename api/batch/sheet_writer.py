"""Spreadsheets that are written: rows to the one sheet of a new XLSX file."""

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from api.batch.chunks import MOST_COLUMNS, FileRefused

MOST_ROWS = 1_048_576
"""Rows that a sheet can have, that of the columns' names included."""
LONGEST_CELL = 32_767
"""Characters that a cell can hold."""
LARGEST_WHOLE = 1 << 53
"""Whole numbers above this are written as text, for a sheet would round them."""


class Patient(io.RawIOBase):
    """A stream that takes everything and tells only at the end what failed: the library leaves its archive half open then.

    It takes what comes even when the file is closed, for such an archive ends itself later.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.failed: OSError | None = None

    def write(self, content: Any) -> int:
        """Write, or remember why not."""
        if self.failed is None and not self._stream.closed:
            try:
                return self._stream.write(content)
            except OSError as error:
                self.failed = error
        return len(content)

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return 0 if self._stream.closed else self._stream.seek(place, whence)

    def tell(self) -> int:
        return 0 if self._stream.closed else self._stream.tell()

    def flush(self) -> None:
        """Whoever made the stream does that."""


class SheetWriter:
    """Writes rows to the one sheet of a new spreadsheet, and keeps none in memory."""

    def __init__(self, stream: BinaryIO, header: Sequence[str]) -> None:
        options: dict[str, Any] = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "nan_inf_to_errors": True,
        }
        # What is kept on the way lies beside the file, and goes with it if the process is killed.
        self._folder = TemporaryDirectory(prefix=".sheet-", dir=find_folder(stream))
        options["tmpdir"] = self._folder.name
        self._stream = Patient(stream)
        self._book = xlsxwriter.Workbook(self._stream, options)
        self._sheet = self._book.add_worksheet("scores")
        self._row = 0
        self._is_closed = False
        self._write(header)

    def write(self, frame: pl.DataFrame) -> None:
        """Write the rows of a frame."""
        for row in frame.iter_rows():
            self._write(row)

    def _write(self, row: Sequence[Any]) -> None:
        for column, cell in enumerate(row):
            if isinstance(cell, str) and len(cell) > LONGEST_CELL:
                raise FileRefused(
                    f"A cell has more than the {LONGEST_CELL:,} characters that a sheet can hold. "
                    "You may want to write CSV or Parquet instead."
                )
            if isinstance(cell, str):
                self._sheet.write_string(self._row, column, cell)
            elif isinstance(cell, bool):
                self._sheet.write_boolean(self._row, column, cell)
            elif isinstance(cell, int) and abs(cell) > LARGEST_WHOLE:
                self._sheet.write_string(self._row, column, str(cell))
            elif cell is not None:
                self._sheet.write_number(self._row, column, cell)
        self._row += 1

    def close(self) -> None:
        """Finish the file."""
        self._is_closed = True
        with self._folder:
            try:
                self._book.close()
            finally:
                with suppress(OSError):  # where there is no room the library leaves it open
                    self._sheet.row_data_fh.close()
        if self._stream.failed:
            raise self._stream.failed

    def stop(self) -> None:
        """Finish what there is, so that no file of the library's own stays open."""
        if not self._is_closed:
            self.close()


def find_folder(stream: BinaryIO) -> str | None:
    """The folder of the file that a stream writes, so that what is kept on the way lies with it; none for others."""
    name = getattr(stream, "name", None)
    return str(Path(name).parent) if isinstance(name, str) and Path(name).is_file() else None


def check_room(rows: int, columns: int) -> None:
    """Refuse what does not fit on a sheet, before any of it is scored.

    Raises:
        FileRefused: with what to do instead.
    """
    if rows >= MOST_ROWS or columns > MOST_COLUMNS:
        raise FileRefused(
            f"A sheet holds {MOST_ROWS - 1:,} rows and {MOST_COLUMNS:,} columns, and there are more. "
            "You may want to write CSV or Parquet instead."
        )
