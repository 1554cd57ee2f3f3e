"""Delimited text files: separator and encoding found out, rows read in chunks, broken lines kept aside."""

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import polars as pl

from api.batch.chunks import (
    BLOCK,
    LARGEST_RECORD,
    Chunk,
    FileRefused,
    Source,
    Style,
    check_header,
    number_rows,
    places,
    put_malformed,
    refuse_line,
)
from api.batch.cutting import NEW_LINE, Broken, Cut, Cutter, read_cells, record_pattern
from api.batch.defusing import restore, restore_text
from api.batch.encodings import TextReader, to_utf8

SEPARATORS = (",", ";", "\t")
"""What may stand between cells; of several the one that stands most often between the columns' names."""
APOSTROPHE = b"'"
_HINT = re.compile(rb"sep=([,;\t])\r?\n", re.IGNORECASE)
"""A first line by which spreadsheets are told the separator."""


class DelimitedText(Source):
    """A delimited text file that is being read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._reader = TextReader(stream)
        self._rest, self._line, self.row, self.recoded = b"", 0, 0, 0
        self._final = self._is_started = False
        self._fill()
        while NEW_LINE not in self._rest and not self._final and len(self._rest) <= LARGEST_RECORD:
            self._fill()
        if not self._rest.strip():
            raise FileRefused("The file is empty.")
        self.separator = self._read_hint()
        self.header: Sequence[str] = [restore_text(name) for name in self._read_header()]
        self._cutter = Cutter(self.separator, len(self.header))

    @property
    def style(self) -> Style:
        return Style(self.separator, self._reader.has_mark)

    @property
    def notes(self) -> list[str]:
        told = f"{self.recoded:,} lines were not UTF-8 and were read as Windows-1252."
        return [told] if self.recoded else []

    def _fill(self) -> None:
        block = self._reader.read(BLOCK)
        self._final = not block
        self._rest += block

    def _read_hint(self) -> str:
        hint = _HINT.match(self._rest)
        if hint:
            self._rest, self._line = self._rest[hint.end() :], 1
            return hint[1].decode("latin-1")
        return ""

    def _read_header(self) -> Sequence[str]:
        """The columns' names, from the first line that holds anything."""
        filled = self._rest.lstrip(b"\r\n")
        self._line += self._rest[: len(self._rest) - len(filled)].count(NEW_LINE)
        found: list[tuple[list[str], str, bytes]] = []
        for separator in self.separator or SEPARATORS:
            record = record_pattern(separator).match(filled)
            raw = record[0] if record else b""
            if len(raw) > LARGEST_RECORD:  # its cells alone could be millions
                raise FileRefused("The first line is too long to be a row of column names.")
            found.append((read_cells(to_utf8(raw)[0].decode(), separator), separator, raw))
        header, self.separator, raw = max(found, key=lambda one: len(one[0]))
        if not header:
            raise FileRefused(
                "The row of column names cannot be made out; a quote may be left open."
            )
        check_header(header)
        end = filled.find(NEW_LINE, len(raw))
        self._rest = filled[end + 1 :] if end >= 0 else b""
        self._line += raw.count(NEW_LINE) + 1
        return header

    def read(self) -> Iterator[Chunk]:
        """The rows in their order, some thousands at a time."""
        while self._rest or not self._final:
            if not self._final and (self._is_started or len(self._rest) < BLOCK):
                self._fill()
            self._is_started = True
            cut = self._cutter.cut(self._rest, self._final)
            if len(self._rest) - cut.consumed > LARGEST_RECORD and not self._final:
                cut = self._cutter.cut_slowly(self._rest, self._final)
                if not cut.consumed:
                    raise refuse_line(self._line + 1)
            yield self._parse(cut)

    def _parse(self, cut: Cut) -> Chunk:
        whole, consumed = self._rest, cut.consumed
        self._rest = whole[consumed:]
        frame = self._read_frame(cut)
        if frame is None:
            cut = self._cutter.cut(whole[:consumed], final=True, closely=True)
            frame = self._read_frame(cut)
        if frame is None:
            cut = self._cutter.cut_slowly(whole[:consumed], final=True)
            frame = self._read_frame(cut)
        if frame is None:
            raise FileRefused(f"The lines after line {self._line} cannot be made out.")
        rows = np.delete(np.arange(cut.records), [broken.record for broken in cut.broken])
        chunk = Chunk(number_rows(frame, rows + self.row + 1), self._put_aside(cut.broken))
        self.row += cut.records
        self._line += cut.lines
        return chunk

    def _read_frame(self, cut: Cut) -> pl.DataFrame | None:
        """The good records as columns of text; nothing where they are not what they were taken for."""
        frame = self._read_csv(cut.good)
        if frame is None:
            good, recoded = to_utf8(cut.good)
            frame = self._read_csv(good) if recoded else None
            self.recoded += recoded
        if frame is None or frame.height != cut.records - len(cut.broken):
            return None
        return restore(frame) if APOSTROPHE in cut.good else frame

    def _read_csv(self, good: bytes) -> pl.DataFrame | None:
        """Records as columns of text; nothing where they cannot be read, or are not UTF-8."""
        schema = dict.fromkeys(places(len(self.header)), pl.String)
        if not good:
            return pl.DataFrame(schema=schema)
        try:
            return pl.read_csv(
                good,
                has_header=False,
                schema=schema,
                separator=self.separator,
                infer_schema=False,
            ).rechunk()
        except pl.exceptions.PolarsError:
            return None

    def _put_aside(self, broken: Sequence[Broken]) -> pl.DataFrame:
        """Broken records with their cells; what is too much stays, as it is, in the last column."""
        width, cells = len(self.header), []
        for one in broken:
            text = to_utf8(one.text)[0].decode()
            row = read_cells(text, self.separator) or text.split(self.separator, width - 1)
            surplus = self.separator.join(row[width - 1 :])
            cells.append([*row[: width - 1], surplus] if len(row) >= width else row)
        rows = [self.row + 1 + one.record for one in broken]
        problems = [f"line {self._line + 1 + one.line}: malformed" for one in broken]
        return put_malformed(width, cells, rows, problems)
