"""Scored rows as a file that a project of REDCap imports, keyed as it keys its records."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from api.batch.answers import open_cells, prepare_columns
from api.batch.chunks import PROBLEMS, FileRefused
from api.batch.formats import FORMATS
from api.batch.layout import Layout
from api.batch.mapping import NO_MAPPING, ColumnMapping, asked_in_batches
from api.batch.running import Order, open_order
from api.batch.whole import STREAM, write_whole
from api.redcap import FORM, OPEN, RECORD
from api.redcap_rows import EVENT, INSTRUMENT, IS_INCOMPLETE, KeyedFile, KeyedRows
from rules.definitions import Model
from rules.rows import PREFIX, RowScorer, scored_columns
from rules.safety import ACTIONS

ACTION, CLEARED = f"{PREFIX}safety_action", f"{PREFIX}cleared"
NUMBERS = ("_score", "_low", "_high")
"""How the names of scored columns end that hold numbers."""
NEVER_OPEN = f"{PREFIX}model_version"
"""The scored column that says nothing of what was answered."""


class ImportOrder(NamedTuple):
    """What is to be imported, and where the file for it goes."""

    source: Path
    target: Path
    record: str = RECORD
    """The field by which a project tells its records apart."""
    mapping: ColumnMapping = NO_MAPPING
    """The mapping by which the rows were scored."""
    rejects: Path | None = None
    """Rows that were rejected, whose records are to keep no scores of earlier answers."""
    may_replace: bool = False


class Imported(NamedTuple):
    """What became of scored rows."""

    written: int
    emptied: int
    """How many of the rows that are written hold no answer any more, so that they take scores away."""
    left_out: int
    """Rows that hold no answer and are of other forms."""


class ScoresFile:
    """A file of scored rows that is being read."""

    def __init__(self, model: Model, file: KeyedFile, mapping: ColumnMapping) -> None:
        """Find the columns that hold answers.

        Raises:
            FileRefused: where one that the mapping needs is not there.
        """
        self._file, self._scored = file, scored_columns(model)
        asked = asked_in_batches(model)
        self._layout = Layout(file.source.header, asked, mapping, may_answer_nothing=True)
        self._unanswered = RowScorer(model).score_person({})

    def fill(self, rows: KeyedRows) -> int:
        """Add the rows that are to be imported; gives how many are left out.

        Raises:
            FileRefused: where a row cannot be told from another, or cannot be read.
        """
        left_out = 0
        for first, frame in self._file.read():
            for number, (is_given, is_ours, *row) in enumerate(self._put(frame), first):
                if is_given:
                    rows.add(number, row)
                elif is_ours:
                    rows.empty(number, row)
                else:
                    left_out += 1
        return left_out

    def _put(self, frame: pl.DataFrame) -> Iterator[Sequence[str | None]]:
        """Rows with whether they hold an answer and whether they are of our form, which both come first."""
        kinds = frame.schema
        readers = self._layout.open_readers(kinds)
        answers = frame.lazy().with_columns(prepare_columns(readers, careful=True))
        answers = answers.with_columns(reader.read(careful=True) for reader in readers)
        given = [
            pl.col(reader.question.id).is_not_null() & ~reader.is_outside() for reader in readers
        ]
        scores, unanswered = self._put_scores(kinds), self._put_unanswered()
        given += [
            scores[name].ne_missing(pl.lit(unanswered[name], pl.String))
            for name in self._scored
            if name != NEVER_OPEN
        ]
        put = [*self._file.put_keys(kinds), *scores.values()]
        put = [column.alias(str(place)) for place, column in enumerate(put)]
        first = [pl.any_horizontal(given).alias("given"), self._is_ours(kinds).alias("ours")]
        return answers.select(*first, *put).collect().iter_rows()

    def _put_scores(self, kinds: Mapping[str, pl.DataType]) -> dict[str, pl.Expr]:
        """What was worked out as REDCap takes it: numbers with a point, yes as 1.

        That nothing was reported is said only of those who were asked about every sign.
        """
        put = {}
        for name in self._scored:
            place = self._file.place[name]
            cells = open_cells(place, kinds[place])
            put[name] = cells.text(careful=True)
            if name == CLEARED:
                put[name] = cells.boolean(careful=True).cast(pl.Int8).cast(pl.String)
            elif name.endswith(NUMBERS):
                put[name] = cells.number(careful=True).cast(pl.String).str.strip_suffix(".0")
        is_open = (put[ACTION] == ACTIONS[0]) & (put[CLEARED] != "1")
        put[ACTION] = pl.when(is_open).then(pl.lit(OPEN)).otherwise(put[ACTION])
        return put

    def _put_unanswered(self) -> dict[str, str | None]:
        """What is worked out of a row that answers nothing, as REDCap takes it."""
        cells = {self._file.place[name]: [value] for name, value in self._unanswered.items()}
        frame = pl.DataFrame(cells)
        scores = self._put_scores(frame.schema)
        put = frame.select(column.alias(name) for name, column in scores.items())
        return put.row(0, named=True)

    def _is_ours(self, kinds: Mapping[str, pl.DataType]) -> pl.Expr:
        """Whether rows are of the form that asks our questions; without forms and events each row is its record's."""
        file = self._file
        if INSTRUMENT not in file.keys and EVENT not in file.keys:
            return pl.lit(value=True)
        ours = [pl.lit(value=False)]
        if INSTRUMENT in file.keys:
            ours.append(file.read_text(INSTRUMENT, kinds) == FORM)
        if f"{FORM}_complete" in file.place:
            ours.append(file.read_text(f"{FORM}_complete", kinds).is_not_null())
        return pl.any_horizontal(ours).fill_null(value=False)


def write_import(model: Model, order: ImportOrder) -> Imported:
    """Write scored rows as an import file; rows of our form without an answer take scores away.

    Raises:
        FileRefused: where the rows cannot be imported as they are; nothing has been written then.
    """
    if order.target != STREAM and order.target.exists() and not order.may_replace:
        raise FileRefused(f"{order.target} is there already; --force replaces it.")
    for source in (order.source, order.rejects):
        if source and order.target != STREAM and order.target.resolve() == source.resolve():
            raise FileRefused(f"{order.target} is the file that is to be read.")
    with open_order(Order(order.source, order.target), FORMATS["csv"]) as (opened, _):
        scored = scored_columns(model)
        file = KeyedFile(opened, order.record, scored)
        rows = KeyedRows(order.record, file.keys, scored)
        left_out = ScoresFile(model, file, order.mapping).fill(rows)
    if order.rejects:
        empty_rejected(rows, order.rejects, file)
    put = rows.list_all()
    text = io.StringIO()
    # No cell is defused: a record must keep its name, and the file is read by REDCap.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows.header)
    writer.writerows(put)
    with write_whole(order.target, None) as stream:
        stream.write(text.getvalue().encode())
    emptied = sum(row[-1] == IS_INCOMPLETE for row in put)
    return Imported(len(put), emptied, left_out)


def empty_rejected(rows: KeyedRows, rejects: Path, scored: KeyedFile) -> None:
    """Take the scores away from the records of rejected rows: they are of earlier answers.

    Raises:
        FileRefused: where it cannot be told which records these are.
    """
    try:
        with open_order(Order(rejects, STREAM), FORMATS["csv"]) as (opened, _):
            file = KeyedFile(opened, scored.named[0], [*scored.keys, PROBLEMS])
            for first, frame in file.read():
                put = frame.select(file.put_keys(frame.schema))
                for number, row in enumerate(put.iter_rows(), first):
                    rows.empty(number, row)
    except FileRefused as refused:
        raise FileRefused(f"The rejects cannot be used. {refused}") from None
