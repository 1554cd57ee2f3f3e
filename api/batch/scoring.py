"""A chunk of a file's rows checked, scored, and parted into what has scores and what has to be corrected."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import polars as pl

from api.batch.answers import prepare_columns
from api.batch.chunks import PROBLEMS, ROW, Chunk
from api.batch.layout import Layout
from api.batch.responses import ResponseLines
from rules.definitions import Model
from rules.plausibility import contradicts
from rules.rows import BETWEEN, RowScorer
from rules.table import Table, TableScorer

FEW = 100
"""So many rows are scored one by one about as fast as a table of them."""
BAD = "__bad"
AS_WRITTEN = pl.QueryOptFlags.none()
"""For few rows: looking for a better plan takes longer than the work."""


class Rules(NamedTuple):
    """A model made ready to score rows and tables of them."""

    model: Model
    rows: RowScorer
    tables: TableScorer
    responses: ResponseLines | None = None
    """The same for responses of FHIR, where such are scored."""

    @classmethod
    def of(cls, model: Model, responses: ResponseLines | None = None) -> "Rules":
        """The rules of a model."""
        rows = RowScorer(model)
        return cls(model, rows, TableScorer(rows), responses)


class Scored(NamedTuple):
    """What became of a chunk: every row of it is good or rejected, each in the order of the file."""

    rows: pl.DataFrame
    """The input's columns by place, answers by question, the row's number, and what was worked out."""
    good: pl.Series
    """Which of these rows have scores; what was worked out for the others means nothing.

    They are left out once it is known which columns are written: leaving out rows costs time by
    the column.
    """
    rejected: pl.DataFrame
    """The input's columns by place, the row's number, and its problems."""


class ChunkScorer:
    """Scores the chunks of one file."""

    def __init__(self, rules: Rules, layout: Layout, schema: Mapping[str, pl.DataType]) -> None:
        self._rules = rules
        self._readers = layout.open_readers(schema)
        self._answered = layout.answered
        self._plan = rules.tables.plan(self._answered)
        self._read_as = {careful: self._put_answers(careful) for careful in (False, True)}
        self._bad = {careful: self._put_bad(careful) for careful in (False, True)}
        self._told = self._put_told()
        self.careful = False
        """Whether cells are read carefully; so from the first chunk on in which that helps a row."""

    def score(self, chunk: Chunk) -> Scored:
        """Score every row that has no fault, and name all faults of every other."""
        read, rejected = self._read(chunk.frame)
        if chunk.malformed.height:
            rejected = pl.concat([rejected, chunk.malformed], how="diagonal_relaxed").sort(ROW)
        rows = self._score(read)
        return Scored(rows, ~rows[BAD], rejected)

    def _read(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows with their answers, and those that have a fault with their problems."""
        read = self._read_answers(frame, self.careful)
        rejected = self._find_problems(frame.filter(read[BAD]))
        if not self.careful and rejected[PROBLEMS].has_nulls():
            self.careful = True
            return self._read(frame)
        return read, rejected

    def _read_answers(self, frame: pl.DataFrame, careful: bool) -> pl.DataFrame:
        """The frame with answers, and whether a row has any fault."""
        return self._parse(frame, careful).with_columns(self._bad[careful]).collect()

    def _put_bad(self, careful: bool) -> pl.Expr:
        bad = [reader.is_bad(careful) for reader in self._readers]
        bad += [condition for _, condition in self._find_contradictions()]
        return pl.any_horizontal(bad).fill_null(value=False).alias(BAD)

    def _find_problems(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What is wrong with rows: null where nothing is, if they are read carefully."""
        if not frame.height:
            return frame.with_columns(pl.lit(None, pl.String).alias(PROBLEMS))
        return (
            self._parse(frame, careful=True)
            .with_columns(self._told)
            .select(*frame.columns, PROBLEMS)
            .collect(optimizations=AS_WRITTEN)
        )

    def _put_told(self) -> pl.Expr:
        """Every fault of a row as `field: code`, with `; ` between them."""
        codes = [(one.question.id, one.find_code(careful=True)) for one in self._readers]
        codes += [
            (place, pl.when(condition).then(pl.lit("contradiction")))
            for place, condition in self._find_contradictions()
        ]
        told = [pl.lit(f"{name}: ") + code for name, code in codes]
        problems = pl.concat_str(told, separator=BETWEEN, ignore_nulls=True)
        return pl.when(problems != "").then(problems).alias(PROBLEMS)

    def _parse(self, frame: pl.DataFrame, careful: bool) -> pl.LazyFrame:
        prepared, answers = self._read_as[careful]
        return frame.lazy().with_columns(prepared).with_columns(answers)

    def _put_answers(self, careful: bool) -> tuple[list[pl.Expr], list[pl.Expr]]:
        """Columns of numbers for expressions, each once, and the answers."""
        prepared = prepare_columns(self._readers, careful)
        return prepared, [reader.read(careful) for reader in self._readers]

    def _find_contradictions(self) -> list[tuple[str, pl.Expr]]:
        """Where each contradiction that these columns can hold is told, and whether a row has it."""
        table = Table(self._answered)
        found = [
            (rule.at, contradicts(table, rule))
            for habit in self._rules.model.habits
            for rule in habit.contradictions
        ]
        return [(at, condition) for at, condition in found if isinstance(condition, pl.Expr)]

    def _score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with what was worked out; a few rows one by one, for that takes less time."""
        if frame.height > FEW or not frame.height:
            return self._plan.score(frame.lazy()).collect()
        frame = frame.filter(~frame[BAD])
        answers: Iterable[dict[str, object]] = frame.select(self._answered).iter_rows(named=True)
        rows = [self._rules.rows.score_person(person) for person in answers]
        return frame.hstack(pl.DataFrame(rows, schema=self._rules.tables.schema))
