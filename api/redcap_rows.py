"""Rows of a project of REDCap, told apart by record, event, form and instance."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from api.batch.answers import open_cells
from api.batch.chunks import FileRefused, Source
from api.redcap import SCORES, name_taking

EVENT, INSTRUMENT, INSTANCE = (
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
)
CODED = {name: re.compile(r"[a-z0-9_]+") for name in (EVENT, INSTRUMENT)}
"""Keys that REDCap takes by their codes only, and what codes look like."""
COMPLETE, IS_COMPLETE, IS_INCOMPLETE = f"{SCORES}_complete", "2", "0"
"""The field by which REDCap knows how far a form is, and what it says of one that is complete and one that is not."""


class KeyedRows:
    """Rows that are to be imported, by what tells them apart in a project."""

    def __init__(self, record: str, keys: Sequence[str], scored: Sequence[str]) -> None:
        self._names, self._blank = [record, *keys], [None] * len(scored)
        self._rows: dict[tuple[str | None, ...], Sequence[str | None]] = {}
        self.header = [*self._names, *map(name_taking, scored), COMPLETE]

    def add(self, number: int, row: Sequence[str | None]) -> None:
        """Add a scored row, by its number in the file.

        Raises:
            FileRefused: where REDCap could not put it in its place.
        """
        key = self._read_key(number, row)
        if key in self._rows and self._rows[key][-1] == IS_COMPLETE:
            told = ", ".join(self._names)
            raise FileRefused(f"Row {number:,} has the same {told} as a row before it.")
        self._rows[key] = [*row, IS_COMPLETE]

    def empty(self, number: int, row: Sequence[str | None]) -> None:
        """Take the scores away that a row's record may have, unless there are new ones.

        Raises:
            FileRefused: where REDCap could not put the row in its place.
        """
        key = self._read_key(number, row)
        self._rows.setdefault(key, [*key, *self._blank, IS_INCOMPLETE])

    def _read_key(self, number: int, row: Sequence[str | None]) -> tuple[str | None, ...]:
        key = tuple(row[: len(self._names)])
        if key[0] is None:
            raise FileRefused(f"Row {number:,} has no {self._names[0]}, so it cannot be imported.")
        for name, value in zip(self._names[1:], key[1:], strict=True):
            if value and name in CODED and not CODED[name].fullmatch(value):
                raise FileRefused(
                    f"Row {number:,} has a label in {name}, and REDCap takes codes there. "
                    "Please export raw data and score that."
                )
        return key

    def list_all(self) -> list[Sequence[str | None]]:
        """The rows in the order of the file, those of rejects behind them."""
        return list(self._rows.values())


class KeyedFile:
    """A file with rows of a project that is being read: which columns tell its rows apart."""

    def __init__(self, source: Source, record: str, needed: Iterable[str]) -> None:
        """Find the columns, of which some are needed beside the record.

        Raises:
            FileRefused: where they are not all there.
        """
        names = [name.strip() for name in source.header]
        self.source = source
        self.place = {name: str(place) for place, name in reversed(list(enumerate(names)))}
        if missing := [name for name in needed if name not in self.place]:
            raise FileRefused(
                f"The file has no column {missing[0]}; give the file that psoas score wrote."
            )
        if record not in self.place:
            raise FileRefused(
                f"The file has no column {record}. If the records of your project are told apart by "
                "another field, name it by --record; an export with raw headers has it."
            )
        self.keys = [name for name in (EVENT, INSTRUMENT, INSTANCE) if name in self.place]
        self.named = [record, *self.keys]

    def read(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows in chunks, with the number of each chunk's first row.

        Raises:
            FileRefused: where a row cannot be read.
        """
        first = 1
        for chunk in self.source.read():
            if chunk.malformed.height:
                raise FileRefused(
                    "Some lines cannot be read; give the file that psoas score wrote."
                )
            yield first, chunk.frame
            first += chunk.frame.height

    def put_keys(self, kinds: Mapping[str, pl.DataType]) -> list[pl.Expr]:
        """What tells the rows apart as REDCap takes it: scores go to the form that is for them."""
        text = {name: self.read_text(name, kinds) for name in self.named}
        if INSTRUMENT in text:
            is_code = text[INSTRUMENT].str.contains(f"^{CODED[INSTRUMENT].pattern}$")
            text[INSTRUMENT] = pl.when(is_code).then(pl.lit(SCORES)).otherwise(text[INSTRUMENT])
        return [column.alias(name) for name, column in text.items()]

    def read_text(self, name: str, kinds: Mapping[str, pl.DataType]) -> pl.Expr:
        """A column's cells as text."""
        place = self.place[name]
        return open_cells(place, kinds[place]).text(careful=True)
