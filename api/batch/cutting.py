"""Delimited text cut into records: told whole by counting where it can be, and no broken line spoils the next."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.batch.chunks import LARGEST_RECORD

NEW_LINE, RETURN, QUOTE = b"\n", b"\r", b'"'

Positions = NDArray[np.intp]


class Broken(NamedTuple):
    """A record that does not have one cell a column."""

    record: int
    """Which of the records it is, from 0."""
    line: int
    """In which line it begins, from 0."""
    text: bytes


class Cut(NamedTuple):
    """A piece of text cut into records; lines that hold nothing are none."""

    good: bytes
    """The records that have one cell a column, one after the other."""
    records: int
    """How many records there are, the broken ones included."""
    broken: Sequence[Broken]
    lines: int
    """How many lines of the text were cut."""
    consumed: int
    """How many bytes of the text were cut; what follows belongs to the next piece."""


class Cutter:
    """Cuts text into records of so many cells.

    Quotes around a cell may hold separators, new lines and doubled quotes (RFC 4180). Only where
    quotes stand at odd places is text read record by record; a quote that is never closed then
    spoils its own line, not all that follow.
    """

    def __init__(self, separator: str, width: int) -> None:
        self._separator, self._between, self._width = separator, separator.encode(), width
        self._borders = np.zeros(256, dtype=bool)
        self._borders[[ord(separator), ord(NEW_LINE), ord(RETURN)]] = True
        self._record = record_pattern(separator)

    def cut(self, text: bytes, final: bool, closely: bool = False) -> Cut:
        """Cut what is complete; with `final`, all of it.

        In text without quotes the right count of separators for all lines together is taken for
        the right one in each; `closely` looks at each.
        """
        if final and text and not text.endswith(NEW_LINE):
            text += NEW_LINE
        if QUOTE not in text:
            text = text[: text.rfind(NEW_LINE) + 1]
            lines, cells = count_sign(text, NEW_LINE), count_sign(text, self._between)
            right = self._width > 1 and lines * (self._width - 1) == cells
            if right and not closely:
                return Cut(text, lines, (), lines, len(text))
        if not text:
            return Cut(b"", 0, (), 0, 0)
        signs = np.frombuffer(text, dtype=np.uint8)
        outside = self._find_outside(signs, final)
        if outside is None:
            return self.cut_slowly(text, final)
        ends = np.flatnonzero((signs == ord(NEW_LINE)) & outside)
        between = np.flatnonzero((signs == ord(self._between)) & outside)
        return self._sort_out(text, signs, ends, between)

    def _find_outside(self, signs: NDArray[np.uint8], final: bool) -> NDArray[np.bool_] | None:
        """Which signs stand outside of quotes; nothing where a quote stands at an odd place.

        Each must open a cell, close one, or be one of a pair inside.
        """
        is_quote = signs == ord(QUOTE)
        quotes = np.flatnonzero(is_quote)
        if final and len(quotes) % 2:
            return None
        opening, closing = quotes[0::2], quotes[1::2]
        starts = (opening == 0) | self._borders[signs[opening - 1]]
        stops = (closing == len(signs) - 1) | self._borders[signs[(closing + 1) % len(signs)]]
        paired = closing[: max(len(opening) - 1, 0)] + 1 == opening[1:]
        starts[1:] |= paired
        stops[: len(paired)] |= paired
        if not (starts.all() and stops.all()):
            return None
        return ~np.bitwise_xor.accumulate(is_quote)

    def _sort_out(
        self, text: bytes, signs: NDArray[np.uint8], ends: Positions, between: Positions
    ) -> Cut:
        """Tell records by how many cells they have; leave out lines that hold nothing."""
        if not len(ends):
            return Cut(b"", 0, (), 0, 0)
        starts = np.append(0, ends[:-1] + 1)
        cells = np.searchsorted(between, ends) - np.searchsorted(between, starts) + 1
        returns = signs[ends - 1] == ord(RETURN)
        is_empty = ends - starts <= returns
        is_broken = (cells != self._width) & ~is_empty
        records = np.cumsum(~is_empty) - 1
        lines = np.flatnonzero(signs == ord(NEW_LINE))
        broken = [
            Broken(
                int(records[place]),
                int(np.searchsorted(lines, starts[place])),
                text[starts[place] : ends[place]].removesuffix(RETURN),
            )
            for place in np.flatnonzero(is_broken)
        ]
        good = b"".join(_take(text, starts, ends, ~(is_empty | is_broken)))
        consumed = int(ends[-1]) + 1
        cut_lines = int(np.searchsorted(lines, consumed))
        return Cut(good, int(records[-1]) + 1, broken, cut_lines, consumed)

    def cut_slowly(self, text: bytes, final: bool) -> Cut:
        """Cut record by record, whatever the quotes are like."""
        good, broken = io.StringIO(newline=""), []
        # With returns in the ends of lines, lone returns in cells are quoted.
        put = csv.writer(good, delimiter=self._separator, lineterminator="\r\n")
        at = lines = records = 0
        for start, stop, is_record in self._walk(text, final):
            piece, at = text[start:stop], stop + 1
            if piece.strip(b"\r"):
                cells = read_cells(decode_bytes(piece), self._separator) if is_record else None
                if cells and len(cells) == self._width:
                    put.writerow(cells)
                else:
                    broken.append(Broken(records, lines, piece.removesuffix(RETURN)))
                records += 1
            lines += piece.count(NEW_LINE) + 1
        return Cut(encode_bytes(good.getvalue()), records, broken, lines, at)

    def _walk(self, text: bytes, final: bool) -> Iterator[tuple[int, int, bool]]:
        """Where each record starts and stops, and whether it is one; else it is a line by itself."""
        at = 0
        while at < len(text):
            found = self._record.match(text, at)
            stop = text.find(NEW_LINE, found.end() if found else at)
            may_go_on = stop < 0 or (not found and len(text) - at < LARGEST_RECORD)
            if may_go_on and not final:
                return
            stop = len(text) if stop < 0 else stop
            yield at, stop, bool(found)
            at = stop + 1


def count_sign(text: bytes, sign: bytes) -> int:
    """How often one sign stands in a text; many times faster than the text's own count where it is frequent."""
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord(sign)))


@cache
def record_pattern(separator: str) -> re.Pattern[bytes]:
    """What a record looks like, up to the end of its line or of the text."""
    one = re.escape(separator.encode())
    # Atomic groups: a possessive repeat of alternatives forgets where a failed one began.
    plain = rb'(?!")(?>(?:[^' + one + rb"\r\n]|\r(?!\n|\Z))*)"
    cell = rb'(?:"(?>(?:[^"]|"")*)"|' + plain + rb")"
    return re.compile(cell + rb"(?>(?:" + one + cell + rb")*)(?=\r?\n|\r?\Z)")


def _take(
    text: bytes, starts: Positions, ends: Positions, wanted: NDArray[np.bool_]
) -> Iterator[bytes]:
    """The wanted records, neighbours together."""
    turns = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False]))))
    for first, after in zip(turns[0::2], turns[1::2], strict=True):
        yield text[starts[first] : ends[after - 1] + 1]


def read_cells(text: str, separator: str) -> list[str]:
    """The cells of one record; none where its quotes cannot be made out."""
    cells, at = [], 0
    pattern = _cell_pattern(separator)
    while found := pattern.match(text, at):
        quoted, plain = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if at == len(text) and not found[0].endswith(separator):
            return cells
    return []


@cache
def _cell_pattern(separator: str) -> re.Pattern[str]:
    one = re.escape(separator)
    return re.compile(rf'(?:"((?>(?:[^"]|"")*))"|(?!")((?>[^{one}\n]*)))(?:{one}|\Z)')


def decode_bytes(text: bytes) -> str:
    """Text of any encoding, byte by byte, for work that only looks at ASCII signs."""
    return text.decode("latin-1")


def encode_bytes(text: str) -> bytes:
    """The bytes again."""
    return text.encode("latin-1")
