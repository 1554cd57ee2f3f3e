"""What is read of a file at a time, and what it means that a file cannot be used."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

ROW, PROBLEMS = "psoas_row", "psoas_problems"
"""The columns that number a row of data, from 1, and name what is wrong with it."""
BLOCK = 24 * 1024 * 1024
"""Bytes that are read at a time."""
LARGEST_RECORD = 8 * 1024 * 1024
"""Bytes that one row may have: far above any questionnaire, far below what would fill the memory."""
MOST_COLUMNS = 16_384
"""Columns that a file may have: as many as a spreadsheet."""


class FileRefused(Exception):
    """A file that cannot be scored as a whole; the message says why, and what may help."""


class Chunk(NamedTuple):
    """Some rows of a file.

    The input's columns are called by their places, "0", "1" and so on, and stand in both frames as
    they came; both have the row's number, and `malformed` has its problems too.
    """

    frame: pl.DataFrame
    malformed: pl.DataFrame


class Style(NamedTuple):
    """How delimited text is written."""

    separator: str = ","
    has_mark: bool = False
    """Whether it begins with a byte order mark, by which spreadsheets know UTF-8."""
    decimal_comma: bool = False
    goes_on: bool = False
    """Whether it goes on behind another part, which has the columns' names already."""


class Source(Protocol):
    """A file that is being read."""

    header: Sequence[str]
    """The columns' names as they came, in their order; some may be empty or stand twice."""
    row: int
    """How many rows were read."""
    sheets: Sequence[str] = ()
    """The sheets that it has, where it is a spreadsheet."""
    behind: int = 0
    """The number of a row behind which reading may begin, where what is before is not wanted."""

    @property
    def rows(self) -> int | None:
        """How many rows there are, where that is known beforehand."""
        return None

    @property
    def style(self) -> Style:
        """How delimited text is written, so that what comes out is written as what came in."""
        return Style()

    @property
    def notes(self) -> Sequence[str]:
        """What was unusual about it."""
        return ()

    def read(self) -> Iterator[Chunk]:
        """The rows in their order, some thousands at a time; at least one chunk, which may be empty."""


def places(width: int) -> list[str]:
    """The names of so many columns in a chunk."""
    return [str(place) for place in range(width)]


def number_rows(frame: pl.DataFrame, rows: Sequence[int] | NDArray[np.int_]) -> pl.DataFrame:
    """A frame with the numbers of its rows."""
    return frame.with_columns(pl.Series(ROW, rows, dtype=pl.Int64))


def put_malformed(
    width: int, cells: Sequence[Sequence[str | None]], rows: Sequence[int], problems: Sequence[str]
) -> pl.DataFrame:
    """Rows that could not be read as such, with what there is of their cells."""
    filled = [[*row, *[None] * (width - len(row))] for row in cells]
    schema = dict.fromkeys(places(width), pl.String)
    frame = pl.DataFrame(filled, schema=schema, orient="row", strict=False)
    return number_rows(frame, rows).with_columns(pl.Series(PROBLEMS, problems, dtype=pl.String))


def refuse_line(number: int) -> FileRefused:
    """What is said of a line that has no end in sight."""
    return FileRefused(
        f"Line {number} is longer than {LARGEST_RECORD // 2**20} MiB, "
        "which no row of a questionnaire is."
    )


def check_header(header: Sequence[str]) -> None:
    """Refuse a file that no questionnaire can be.

    Raises:
        FileRefused: where there are no columns, or far too many.
    """
    if not header or not any(header):
        raise FileRefused("The file has no row of column names.")
    if len(header) > MOST_COLUMNS:
        raise FileRefused(
            f"The file has {len(header):,} columns; at most {MOST_COLUMNS:,} can be read. "
            "You may want to keep only the questions and what identifies a row."
        )
