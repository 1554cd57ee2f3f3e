"""Spreadsheets: a sheet of an XLSX file read as text, errors in cells included."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree as ET

import fastexcel
import numpy as np
import polars as pl

from api.batch.chunks import (
    Chunk,
    FileRefused,
    Source,
    check_header,
    number_rows,
    places,
    put_malformed,
)
from api.batch.defusing import restore, restore_text

LARGEST = 2 << 30
"""Bytes that a spreadsheet may have when unpacked: more than a full sheet of questionnaires."""
PIECE = 1 << 20
NAME_SIZES = 26
"""Where the header of an entry tells how long its name and what follows it are (APPNOTE.TXT, 4.3.7)."""
ROWS = 20_000
"""Rows that are checked and scored at a time."""

_ERROR = re.compile(
    rb'<c\b(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>(?:(?!</c>).)*?<v>([^<]*)</v>',
    re.DOTALL,
)
_FILLED = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})\d{1,7}"[^>]*(?<!/)>')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Sheet(Source):
    """A sheet of a spreadsheet that is being read."""

    def __init__(self, path: Path, name: str | None = None, most: int = LARGEST) -> None:
        self.row = 0
        try:
            measure(path, most)
            book = fastexcel.read_excel(str(path))
            self.sheets = book.sheet_names
            chosen = self._choose(self.sheets, name)
            table = book.load_sheet(
                chosen, header_row=None, skip_rows=0, dtypes="string"
            ).to_polars()
            errors = find_errors(path, chosen)
        except (
            IndexError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            fastexcel.FastExcelError,
            ET.ParseError,
            KeyError,
        ):
            raise FileRefused(
                "The file cannot be read as a spreadsheet; it may be damaged."
            ) from None
        table.columns = places(table.width)
        table = put_errors(table, errors)
        is_filled = pl.any_horizontal(pl.all().fill_null("") != "")
        table = table.filter(is_filled) if table.width else table
        first = table.row(0) if table.height else ()
        self.header: Sequence[str] = [restore_text(name or "") for name in first]
        check_header(self.header)
        self._table = restore(table[1:])

    def _choose(self, names: Sequence[str], name: str | None) -> str:
        if name is None:
            return names[0]
        if name not in names:
            raise FileRefused(f"There is no sheet of that name. There are: {', '.join(names)}.")
        return name

    @property
    def rows(self) -> int:
        return self._table.height

    def read(self) -> Iterator[Chunk]:
        """The rows in their order, some thousands at a time."""
        nothing = put_malformed(self._table.width, [], [], [])
        for first in range(0, max(self._table.height, 1), ROWS):
            frame = self._table[first : first + ROWS]
            self.row += frame.height
            yield Chunk(number_rows(frame, np.arange(frame.height) + first + 1), nothing)


def measure(path: Path, most: int) -> None:
    """Refuse a spreadsheet that is too large when unpacked, whatever it says of itself.

    Raises:
        FileRefused: with how much is allowed.
    """
    left = most
    with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
        for entry in archive.infolist():
            for size in _unpack(entry, stream):
                left -= size
                if left < 0:
                    raise FileRefused(
                        f"The spreadsheet has more than {most:,} bytes when unpacked. "
                        "You may want to save the sheet as CSV and send that."
                    )


def _unpack(entry: zipfile.ZipInfo, stream: BinaryIO) -> Iterator[int]:
    """How much each piece of an entry unpacks to; the size that it claims to have may be a lie."""
    stream.seek(entry.header_offset + NAME_SIZES)
    stream.seek(sum(struct.unpack("<HH", stream.read(4))), io.SEEK_CUR)
    if entry.compress_type == zipfile.ZIP_STORED:
        yield entry.compress_size
        return
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile
    left, unpacker = entry.compress_size, zlib.decompressobj(-zlib.MAX_WBITS)
    while left > 0 and not unpacker.eof and (packed := stream.read(min(left, PIECE))):
        left -= len(packed)
        while packed:
            yield len(unpacker.decompress(packed, PIECE))
            packed = unpacker.unconsumed_tail


def find_errors(path: Path, sheet: str) -> Mapping[tuple[int, int], str]:
    """The cells of a sheet that hold an error such as #N/A, by row from 0 and column of its table."""
    with zipfile.ZipFile(path) as archive:
        entry = _find_entry(archive, sheet)
        content = archive.read(entry) if entry else b""
    found = _ERROR.findall(content) if b't="e"' in content else []
    if not found:
        return {}
    first = min(map(_column_of, set(_FILLED.findall(content))))  # where the table begins
    return {
        (int(row) - 1, _column_of(letters) - first): text.decode("utf-8", "replace")
        for letters, row, text in found
    }


def _find_entry(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Where in the archive a sheet lies."""
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {one.get("Id"): one.get("Target", "") for one in relations}
    for one in book.iter():
        if one.tag.endswith("}sheet") and one.get("name") == sheet:
            target = targets.get(one.get(_RELATION), "").lstrip("/")
            path = target if target.startswith("xl/") else f"xl/{target}"
            return path if path in archive.namelist() else None
    return None


def _column_of(letters: bytes) -> int:
    """The place of a column from its letters."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - ord("A") + 1
    return place - 1


def put_errors(table: pl.DataFrame, errors: Mapping[tuple[int, int], str]) -> pl.DataFrame:
    """A sheet with its errors as text: left out, they would look like questions not answered."""
    by_column: dict[int, dict[int, str]] = {}
    for (row, column), text in errors.items():
        if row < table.height and column < table.width:
            by_column.setdefault(column, {})[row] = text
    changed = []
    for column, cells in by_column.items():
        series = table.to_series(column).cast(pl.String)
        changed.append(series.scatter(list(cells), list(cells.values())))
    return table.with_columns(changed)
