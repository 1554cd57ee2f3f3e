"""Scored rows as a file that a project of REDCap imports, keyed as it keys its records."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from api.batch.answers import open_cells
from api.batch.chunks import Chunk, FileRefused, Source
from api.batch.formats import FORMATS
from api.batch.layout import Layout
from api.batch.mapping import NO_MAPPING, asked_in_batches
from api.batch.running import Order, open_order
from api.batch.whole import STREAM, write_whole
from api.redcap import RECORD, SCORES, name_taking
from rules.definitions import Model
from rules.rows import PREFIX, scored_columns

EVENT, INSTRUMENT, INSTANCE = (
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
)
CODED = {name: re.compile(r"[a-z0-9_]+") for name in (EVENT, INSTRUMENT)}
"""Keys that REDCap takes by their codes only, and what codes look like."""
COMPLETE, IS_COMPLETE = f"{SCORES}_complete", "2"
"""The field by which REDCap knows how far a form is, and what it says of one that is complete."""
GIVEN = "given"


class Imported(NamedTuple):
    """What became of scored rows."""

    written: int
    left_out: int
    """Rows that hold no answer to any question, such as those of other forms."""


class ScoresFile:
    """A file of scored rows that is being read, and the rows that are to be imported."""

    def __init__(self, model: Model, source: Source, record: str) -> None:
        """Find the columns that are needed.

        Raises:
            FileRefused: where they are not all there.
        """
        names = [name.strip() for name in source.header]
        self._source, self._record, self._scored = source, record, scored_columns(model)
        self._place = {name: str(place) for place, name in reversed(list(enumerate(names)))}
        self._keys = [name for name in (EVENT, INSTRUMENT, INSTANCE) if name in self._place]
        if missing := [name for name in self._scored if name not in self._place]:
            raise FileRefused(
                f"The file has no column {missing[0]}; give the file that psoas score wrote."
            )
        if record not in self._place:
            raise FileRefused(
                f"The file has no column {record}. If the records of your project are told apart by "
                "another field, name it by --record; an export with raw headers has it."
            )
        asked = asked_in_batches(model)
        self._layout = Layout(source.header, asked, NO_MAPPING, may_answer_nothing=True)
        self.left_out = 0
        self._seen: set[tuple[str | None, ...]] = set()

    @property
    def header(self) -> list[str]:
        """The columns of the import file."""
        taking = [name_taking(name) for name in self._scored]
        return [self._record, *self._keys, *taking, COMPLETE]

    def list_rows(self) -> Iterator[Sequence[str | None]]:
        """The rows that are to be imported.

        Raises:
            FileRefused: where a row cannot be told from another, or cannot be read.
        """
        first = 1
        for chunk in self._source.read():
            rows = self._put(chunk)
            for number, (is_given, *row) in enumerate(rows.iter_rows(), first):
                if is_given:
                    self._check(number, row)
                    yield [*row, IS_COMPLETE]
                else:
                    self.left_out += 1
            first += rows.height

    def _put(self, chunk: Chunk) -> pl.DataFrame:
        if chunk.malformed.height:
            raise FileRefused("Some lines cannot be read; give the file that psoas score wrote.")
        kinds = chunk.frame.schema
        readers = self._layout.open_readers(kinds)
        answers = chunk.frame.lazy().select(pl.all(), *(one.read(careful=True) for one in readers))
        given = [pl.col(reader.question.id).is_not_null() for reader in readers]
        given += [
            self._read(name, kinds).is_not_null()
            for name in self._scored
            if name.endswith("_score")
        ]
        put = [self._read(name, kinds) for name in (self._record, *self._keys, *self._scored)]
        put = [column.alias(str(place)) for place, column in enumerate(put)]
        return answers.select(pl.any_horizontal(given).alias(GIVEN), *put).collect()

    def _read(self, name: str, kinds: Mapping[str, pl.DataType]) -> pl.Expr:
        """A column as REDCap takes it: numbers with a point, yes as 1, scores in the form that is for them."""
        place = self._place[name]
        cells = open_cells(place, kinds[place])
        if name == INSTRUMENT:
            text = cells.text(careful=True)
            is_code = text.str.contains(f"^{CODED[INSTRUMENT].pattern}$")
            return pl.when(is_code).then(pl.lit(SCORES)).otherwise(text)
        if name == f"{PREFIX}cleared":
            return cells.boolean(careful=True).cast(pl.Int8).cast(pl.String)
        if name.endswith(("_score", "_low", "_high")) and name in self._scored:
            return cells.number(careful=True).cast(pl.String).str.strip_suffix(".0")
        return cells.text(careful=True)

    def _check(self, number: int, row: Sequence[str | None]) -> None:
        """Refuse a row that REDCap could not put in its place."""
        key = tuple(row[: len(self._keys) + 1])
        if key[0] is None:
            raise FileRefused(f"Row {number:,} has no {self._record}, so it cannot be imported.")
        for name, value in zip(self._keys, key[1:], strict=True):
            if value and name in CODED and not CODED[name].fullmatch(value):
                raise FileRefused(
                    f"Row {number:,} has a label in {name}, and REDCap takes codes there. "
                    "Please export raw data and score that."
                )
        if key in self._seen:
            told = ", ".join([self._record, *self._keys])
            raise FileRefused(f"Row {number:,} has the same {told} as a row before it.")
        self._seen.add(key)


def write_import(
    model: Model, source: Path, target: Path, record: str = RECORD, *, may_replace: bool = False
) -> Imported:
    """Write scored rows as an import file; what holds no answer is left out.

    Raises:
        FileRefused: where the rows cannot be imported as they are; nothing has been written then.
    """
    if target != STREAM and target.exists() and not may_replace:
        raise FileRefused(f"{target} is there already; --force replaces it.")
    if target != STREAM and target.resolve() == source.resolve():
        raise FileRefused(f"{target} is the file that is to be read.")
    with open_order(Order(source, target), FORMATS["csv"]) as (opened, _):
        scores = ScoresFile(model, opened, record)
        rows = list(scores.list_rows())
    text = io.StringIO()
    # No cell is defused: a record must keep its name, and the file is read by REDCap.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(scores.header)
    writer.writerows(rows)
    with write_whole(target, None) as stream:
        stream.write(text.getvalue().encode())
    return Imported(len(rows), scores.left_out)
